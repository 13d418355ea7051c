"""What is told of trouble, and when: changes, no repetitions. Pure: what there is, what was told and now go in.

A condition is something that is wrong. It is told once, at its first sight where it is severe, else when it has
lasted for `settle`; again after `remind_after`; and its end is told once it has been over for `settle`. So what
comes and goes is one alert. What comes and goes more slowly has to be over for twice as long each time that it
comes back, before that is believed. Times are UNIX seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

LONGEST_SETTLE_SECONDS = 3_600.0
CALM_SECONDS = 3_600.0
"""What does not come back for so long, after its end was told, has not flapped."""
Severity = Literal["info", "warning", "error"]
Event = Literal["alert", "reminder", "recovery"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now. `key` says which, `title` what in a few words, `text` why, `hint` what to do;
    `over` is its title when it has ended.

    `since` is None where its first sight is as good. It is part of something that was told already, and not told
    by itself, where of each of the sets `under` at least one key was told (no set: it stands for itself).
    """

    key: str
    kind: str
    severity: Severity
    title: str
    over: str
    text: str = ""
    hint: str = ""
    dataset: str | None = None
    since: float | None = None
    under: tuple[frozenset[str], ...] = ()

    @property
    def severe(self) -> bool:
        """Told at its first sight."""
        return self.severity == "error"


@dataclass(frozen=True, slots=True)
class Watched:
    """A condition as it was seen last; `first` is its first sight, `told` when it was told last (None: not yet),
    `gone` since when it has not been seen any more, `ends` how often its end was told lately."""

    condition: Condition
    first: float
    told: float | None = None
    gone: float | None = None
    ends: int = 0

    @property
    def since(self) -> float:
        return self.first if self.condition.since is None else min(self.condition.since, self.first)


Memory = Mapping[str, Watched]
"""By the condition's key. Only what was told outlives a restart."""
NOTHING: Memory = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds, as in `[alerts]`. A `remind_after` of 0 reminds nobody."""

    remind_after: float
    settle: float


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment, the most important first.

    `unsure` says that what was not seen may be there all the same, as before the first sync has ended; `quiet` that
    nobody is to be reminded, as while an operator has turned syncing off. `datasets` are those looked after.
    `lasting` are what nobody is told of any more, but which is not over either where it was told before.
    """

    conditions: tuple[Condition, ...] = ()
    datasets: frozenset[str] = frozenset()
    unsure: bool = False
    quiet: bool = False
    lasting: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `until` is when it ended, None while it lasts; `dropped` says that it has not ended by
    itself, but is not looked after any more."""

    event: Event
    condition: Condition
    since: float
    until: float | None = None
    dropped: bool = False


def decide(look: Look, memory: Memory, now: float, rules: Rules) -> tuple[Memory, tuple[Notice, ...]]:
    """What is to be remembered, and what is to be told, in the order of the look and then of what has ended."""
    memory = {key: _not_later(one, now) for key, one in memory.items()}
    lasting = {one.key: one for one in look.lasting if _was_told(memory.get(one.key))}
    seen = lasting | {one.key: one for one in look.conditions}
    after, ended = _let_go(look, memory, seen, now, rules.settle)
    told = {key for key, one in after.items() if one.told is not None}
    notices: list[Notice] = []
    for key, condition in seen.items():
        one = _seen(memory.get(key), condition, now, rules.settle)
        event = _due(one, now, rules, told, quiet=look.quiet)
        if event is not None:
            one = replace(one, told=now)
            told.add(key)
            notices.append(Notice(event, condition, one.since))
        after[key] = one
    return MappingProxyType(after), (*notices, *ended)


def _not_later(one: Watched, now: float) -> Watched:
    """A clock that was set back must not keep anything waiting for what was the future once."""
    told = None if one.told is None else min(one.told, now)
    gone = None if one.gone is None else min(one.gone, now)
    return replace(one, first=min(one.first, now), told=told, gone=gone)


def _was_told(one: Watched | None) -> bool:
    return one is not None and one.told is not None


def _seen(known: Watched | None, condition: Condition, now: float, settle: float) -> Watched:
    """What was over and not told goes on where it was for less than `settle`, else it begins anew."""
    if known is None:
        return Watched(condition, now)
    anew = known.told is None and known.gone is not None and now - known.gone >= settle
    return replace(known, condition=condition, gone=None, first=now if anew else known.first)


def _let_go(
    look: Look, memory: Memory, seen: Collection[str], now: float, settle: float
) -> tuple[dict[str, Watched], list[Notice]]:
    """What is kept of the memory, and the ends of what is over."""
    kept, ended = dict(memory), []
    for key, known in memory.items():
        if key in seen or look.unsure:
            continue
        gone = now if known.gone is None else known.gone
        one = replace(known, gone=gone)
        dropped = one.condition.dataset is not None and one.condition.dataset not in look.datasets
        if one.told is not None and (dropped or now - gone >= _patience(one, settle)):
            ended.append(Notice("recovery", one.condition, one.since, gone, dropped))
            one = replace(one, told=None, ends=one.ends + 1)
        kept[key] = one
        memorable = CALM_SECONDS + _patience(one, settle) if one.ends else settle
        if dropped or (one.told is None and now - gone >= memorable):
            del kept[key]
    return kept, ended


def _patience(one: Watched, settle: float) -> float:
    """How long it has to be over before that is told."""
    return min(settle * 2.0 ** min(one.ends, 10), max(settle, LONGEST_SETTLE_SECONDS))


def _due(one: Watched, now: float, rules: Rules, told: Collection[str], *, quiet: bool) -> Event | None:
    if one.told is not None:
        remind = rules.remind_after > 0 and now - one.told >= rules.remind_after and not quiet
        return "reminder" if remind else None
    under = one.condition.under
    if under and all(not keys.isdisjoint(told) for keys in under):
        return None
    return "alert" if one.condition.severe or now - one.first >= rules.settle else None
