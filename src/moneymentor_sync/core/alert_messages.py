"""Alerts as a person reads them at night, and as JSON for programs. Pure.

No message has a secret or anybody's data in it: it is made of names of datasets and of errors' own texts, which
have neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .alert_conditions import clock_of, span_of
from .alerts import Notice, Severity
from .moments import moment

VERSION = 1
"""Of the JSON: it only ever gets more keys."""
MessageEvent = Literal["alert", "reminder", "recovery", "test"]
_LONGEST_TITLE, _LONGEST_TEXT, _LONGEST_LINE = 160, 4_000, 600
_MOST_PARAGRAPHS = 4
_FIRST: tuple[str, ...] = ("guard", "credentials", "health", "breaker", "stale", "backup")
"""What a message is called by, where it tells of several things."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a message tells of; moments are RFC 3339, `lasted_seconds` is None while it lasts."""

    key: str
    event: str
    kind: str
    severity: Severity
    title: str
    text: str
    hint: str
    dataset: str | None
    since: str
    lasted_seconds: float | None


@dataclass(frozen=True, slots=True)
class Message:
    """Everything that changed within one look. `dataset` is None where it is about several or about all."""

    event: MessageEvent
    severity: Severity
    title: str
    text: str
    hint: str
    dataset: str | None
    since: str
    at: str
    instance: str
    items: tuple[Item, ...] = ()

    def document(self) -> dict[str, Any]:
        """What a webhook gets."""
        return {"version": VERSION} | asdict(self) | {"items": [asdict(one) for one in self.items]}


def message_of(notices: Sequence[Notice], instance: str, now: float) -> Message:
    """One message of all notices (at least one); `instance` says which daemon it is."""
    by_event = {
        event: [one for one in notices if one.event == event] for event in ("alert", "reminder", "recovery")
    }
    event: MessageEvent = "alert" if by_event["alert"] else "reminder" if by_event["reminder"] else "recovery"
    main = sorted(by_event[event], key=_weight)
    first, others = main[0], _told_apart(main)
    severity: Severity = "info" if event == "recovery" else first.condition.severity
    datasets = {one.condition.dataset for one in notices}
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    title = f"{_HEADS[event]}{_title(first)}{_lasted(first)}{more}"
    parts = [part for kind in by_event.values() for part in _paragraphs(kind, now)]
    parts.append(f"From mmsync on {instance}, {clock_of(now)}. `mmsync status` says more.")
    return Message(
        event,
        severity,
        _cut(f"mmsync on {instance}: {title}", _LONGEST_TITLE),
        _cut("\n\n".join(parts), _LONGEST_TEXT),
        "" if event == "recovery" else first.condition.hint,
        datasets.pop() if len(datasets) == 1 else None,
        moment(first.since) or "",
        moment(now) or "",
        instance,
        tuple(_item(one) for one in notices),
    )


def check_message(instance: str, now: float) -> Message:
    """What `mmsync alerts test` sends."""
    at = moment(now) or ""
    text = "This is a test: nothing is wrong. Alerts of this mmsync reach you here."
    return Message("test", "info", f"mmsync on {instance}: a test of its alerts", text, "", None, at, at, instance)


_HEADS = {"alert": "", "reminder": "still ", "recovery": "over: "}


def _weight(one: Notice) -> tuple[int, int]:
    kind = one.condition.kind
    return (0 if one.condition.severe else 1, _FIRST.index(kind) if kind in _FIRST else len(_FIRST))


def _told_apart(notices: Iterable[Notice]) -> list[Notice]:
    """Without what is only another side of one of the others: a breaker that opened with everything else."""
    found = list(notices)
    keys = {one.condition.key for one in found}
    return [
        one
        for one in found
        if not (one.condition.under and all(not under.isdisjoint(keys) for under in one.condition.under))
    ]


def _title(one: Notice) -> str:
    if one.event != "recovery":
        return one.condition.title
    return f"{one.condition.title}: not looked after here any more" if one.dropped else one.condition.over


def _lasted(one: Notice) -> str:
    return "" if one.until is None else f", after {span_of(one.until - one.since)}"


def _paragraphs(notices: Iterable[Notice], now: float) -> list[str]:
    """One for each, but of very many the first, and what the others are."""
    each = _told_apart(sorted(notices, key=_weight))
    more = [f"- {_cut(_title(one), _LONGEST_TITLE)}" for one in each[_MOST_PARAGRAPHS:]]
    rest = ["\n".join([f"And {len(more)} more:", *more])] if more else []
    return [_paragraph(one, now) for one in each[:_MOST_PARAGRAPHS]] + rest


def _paragraph(one: Notice, now: float) -> str:
    condition = one.condition
    if one.event == "recovery":
        until = one.until or now
        was = "" if one.dropped else f"\nIt was: {_line(condition.title)}"
        span = f"{span_of(until - one.since)}, from {clock_of(one.since)} to {clock_of(until)}"
        return f"OVER: {_title(one)}.{was}\nIt lasted {span}."
    still = "STILL: " if one.event == "reminder" else ""
    lines = [
        f"{still}{_line(condition.title)}",
        _cut(condition.text, _LONGEST_LINE),
        f"Since {clock_of(one.since)}{f' ({span_of(now - one.since)})' if now - one.since >= 1 else ''}.",
        f"What to do: {condition.hint}" if condition.hint else "",
    ]
    return "\n".join(line for line in lines if line)


def _line(title: str) -> str:
    return f"{_cut(title, _LONGEST_LINE).rstrip('.')}."


def _item(one: Notice) -> Item:
    condition = one.condition
    lasted = None if one.until is None else round(one.until - one.since, 3)
    severity: Severity = "info" if one.event == "recovery" else condition.severity
    hint = "" if one.event == "recovery" else condition.hint
    return Item(
        condition.key,
        one.event,
        condition.kind,
        severity,
        _title(one),
        condition.text,
        hint,
        condition.dataset,
        moment(one.since) or "",
        lasted,
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text_of(message: Message) -> str:
    """A message as one line of JSON, to be kept."""
    return json.dumps(asdict(message), ensure_ascii=False)


def message_from(text: str) -> Message:
    """The same again. Raises ValueError, TypeError, KeyError for what is none."""
    found = json.loads(text)
    return Message(**{**found, "items": tuple(Item(**one) for one in found["items"])})
