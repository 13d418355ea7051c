"""What is wrong, of all that a status document and the last runs tell. Pure.

In a fleet each member looks after the datasets that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .alerts import Condition, Look
from .errors import GuardError
from .health import is_early
from .moments import moment, seconds_of
from .remedies import for_daemon
from .staleness import is_old, stale_limit, waits_since

Document = Mapping[str, Any]
BAD, POORLY, BREAKER, BACKUP = "health", "health:warning", "breaker", "backup"
GUARD_CODES = frozenset({GuardError.code, *(one.code for one in GuardError.__subclasses__())})
_REFUSED_KEY = "credentials:refused:"


@dataclass(frozen=True, slots=True)
class KeyTrouble:
    """A service account's key that will not do any longer. `whose` is a short name without a secret in it;
    `refused` comes from Google, `missing` and `changed` are of the file."""

    whose: str
    kind: Literal["refused", "missing", "changed"]
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a status document has not: after how many seconds each dataset is stale, what guards refused last, what
    is wrong with keys, and what was told of them that was not looked at anew yet."""

    stale_after: Mapping[str, float] = field(default_factory=dict)
    refusals: Mapping[str, Condition] = field(default_factory=dict)
    keys: tuple[KeyTrouble, ...] = ()
    unasked: tuple[Condition, ...] = ()


def look_at(status: Document, known: Known, now: float) -> Look:
    """What is wrong at this moment; `now` is UNIX seconds."""
    cluster = status.get("cluster")
    apart = cluster is not None and not cluster["connected"]
    datasets = {one["name"]: one for one in status["datasets"] if one["enabled"]}
    if cluster is not None and not apart:
        mine = {name for one in cluster["spreadsheets"] if one["mine"] for name in one["datasets"]}
        datasets = {name: one for name, one in datasets.items() if name in mine}
    stale = () if apart else tuple(_old(status, datasets, known.stale_after, now))
    enabled = status["sync_enabled"]
    found = (
        *(one for name, one in known.refusals.items() if name in datasets),
        *map(_key, known.keys),
        *_breakers(datasets),
        *_common_breaker(status),
        *_health(status, datasets),
        *(stale if enabled else ()),
        *_backup(status.get("backup")),
    )
    early = is_early(status["health"]["reason"])
    lasting = (*known.unasked, *(() if enabled else stale))
    return Look(found, frozenset(datasets), unsure=early or apart, quiet=not enabled, lasting=lasting)


def guard_condition(dataset: str, code: str, error: str, hint: str) -> Condition:
    """A sync of a dataset that a guard refused, by the guard's error."""
    return Condition(
        guard_key(dataset),
        "guard",
        "error",
        f"{dataset}: the sync was refused, to protect what is in the tab",
        f"{dataset}: syncs are not refused any more",
        f"{_sentence(error)} The tab stays as it is until somebody decides ({code}).",
        for_daemon(hint, dataset),
        dataset,
    )


def guard_key(dataset: str) -> str:
    return f"guard:{dataset}"


def is_refused_key(one: Condition) -> bool:
    """Whether it can end only when Google has been asked again."""
    return one.key.startswith(_REFUSED_KEY)


def _key(one: KeyTrouble) -> Condition:
    titles = {
        "refused": (f"the key of {one.whose} will stop working within the hour", "is accepted again"),
        "missing": (f"the key file of {one.whose} cannot be read: the next start will fail", "can be read again"),
        "changed": (f"the key file of {one.whose} is another one now", "is the one in use"),
    }
    title, over = titles[one.kind]
    severity: Literal["error", "warning"] = "error" if one.kind == "refused" else "warning"
    under = (frozenset({BAD}),) if one.kind == "refused" else ()  # else it has stopped working already
    key = f"credentials:{one.kind}:{one.whose}"
    return Condition(
        key, "credentials", severity, title, f"the key of {one.whose} {over}", one.text, one.hint, under=under
    )


def _breakers(datasets: Mapping[str, Document]) -> Iterator[Condition]:
    for name, one in datasets.items():
        if one["circuit"]["state"] != "closed":
            yield Condition(
                f"{BREAKER}:{name}",
                "breaker",
                "error",
                f"{name}: failed {one['consecutive_failures']:,} times in a row, its breaker is open",
                f"{name}: its breaker is closed",
                f"{_why(one)} {_next_try(one['circuit'])} The other datasets go on.",
                for_daemon(one["hint"] or "", name),
                name,
                under=(frozenset({guard_key(name)}),),
            )


def _common_breaker(status: Document) -> Iterator[Condition]:
    circuit, bad = status["circuit"], status["health"]["level"] in ("degraded", "unhealthy")
    if circuit["state"] == "open" or (circuit["state"] == "half_open" and bad):
        yield Condition(
            BREAKER,
            "breaker",
            "error",
            "the breaker is open: nothing is tried for a while",
            "the breaker is closed",
            f"{_why(status['statistics'])} {_next_try(circuit)}",
            for_daemon(status["health"]["hint"]),
            under=(frozenset({BAD}),),
        )


def _next_try(circuit: Document) -> str:
    until = circuit["opens_until"]
    return f"The next try is at {clock_of(seconds_of(until))}." if until else "A try is being made."


def _health(status: Document, datasets: Iterable[str]) -> Iterator[Condition]:
    """Bad health is told with the cause, unless all of that was told of the datasets that it is about."""
    health = status["health"]
    level = health["level"]
    if level not in ("warning", "degraded", "unhealthy"):
        return
    about = health.get("datasets") or ()
    told = [frozenset({guard_key(one), f"{BREAKER}:{one}"}) for one in about if one in datasets]
    hint, text = for_daemon(health["hint"]), _how_it_goes(status)
    if level != "warning":
        title = f"{level}: {_cause(status)}"
        yield Condition(BAD, "health", "error", title, "syncs work again", text, hint, under=tuple(told))
    under = tuple(one | {BAD} for one in told) if told else (frozenset({BAD}),)
    yield Condition(
        POORLY, "health", "warning", f"warning: {_cause(status)}", "healthy again", text, hint, under=under
    )


def _cause(status: Document) -> str:
    """Why, without what the next lines say: how often it has failed, and which dataset met first what all meet."""
    reason, error = str(status["health"]["reason"]), str(status["statistics"]["last_error"] or "")
    if status["health"].get("datasets") or not error or not reason.endswith(error):
        return reason
    bare = next((error[len(name) + 2 :] for name in _names(status) if error.startswith(f"{name}: ")), error)
    since_start = "nothing could be synced since the start"
    return f"{since_start}: {bare}" if reason.startswith(since_start) else f"syncs fail: {bare}"


def _names(status: Document) -> list[str]:
    return [one["name"] for one in status["datasets"]]


def _how_it_goes(status: Document) -> str:
    failures, last = status["statistics"]["consecutive_failures"], status["last_sync_time"]
    parts = [
        f"Failed {failures:,} time{'' if failures == 1 else 's'} in a row." if failures else "",
        f"Last success: {clock_of(seconds_of(last)) if last else 'never'}.",
        _next_try(status["circuit"]) if status["circuit"]["opens_until"] else "",
    ]
    return " ".join(part for part in parts if part)


def _old(
    status: Document, datasets: Mapping[str, Document], stale_after: Mapping[str, float], now: float
) -> Iterator[Condition]:
    """What would be stale were nothing switched off."""
    for name, one in datasets.items():
        limit = stale_limit(stale_after.get(name, float("inf")), one["interval_seconds"])
        if is_old(status, one, limit, now):
            when = clock_of(seconds_of(one["last_sync_time"])) if one["last_sync_time"] else "never"
            yield Condition(
                f"stale:{name}",
                "stale",
                "warning",
                f"{name}: not synced for more than {span_of(limit)}",
                f"{name}: fresh again",
                f"Last success: {when}. People read old data in the tab. {_why(one)}",
                for_daemon(one["hint"] or "", name)
                or "`mmsync status` says what it waits for; `mmsync force` syncs at once.",
                name,
                waits_since(status, one),
            )


def _backup(backup: Document | None) -> Iterator[Condition]:
    error = (backup or {}).get("last_error")
    if error:
        hint = (backup or {}).get("hint") or "Try it with `mmsync backup`."
        yield Condition(
            BACKUP, "backup", "warning", "the last backup failed", "backups work again", _sentence(error), str(hint)
        )


# --- words --------------------------------------------------------------------------------------------------


def clock_of(seconds: float) -> str:
    """`2027-01-15 08:00:00 UTC`: whoever reads it may be anywhere."""
    return f"{(moment(seconds) or '')[:19].replace('T', ' ')} UTC"


def span_of(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if minutes < 60:
        return f"{minutes} min"
    big, small, words = (hours, minutes % 60, ("h", "min")) if hours < 48 else (hours // 24, hours % 24, ("d", "h"))
    return f"{big} {words[0]}" + (f" {small} {words[1]}" if small else "")


def _why(failing: Document) -> str:
    """The last error of a dataset or of all, as the documents have it."""
    return _sentence(failing["last_error"] or "no error is known")


def _sentence(text: str) -> str:
    head = text[:1].upper() + text[1:]
    return head if head.endswith((".", "!", "?")) else f"{head}."
