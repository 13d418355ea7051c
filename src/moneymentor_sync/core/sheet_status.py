"""The tab that tells a spreadsheet's readers how fresh it is: what stands in it, and when it is written. Pure.

It is filled as any managed tab is, by a dataset of its own that no configuration names: a row for each dataset of
the spreadsheet. Its words are for readers: no message of an error, which may name hosts, is ever among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from .errors import HeaderDamagedError
from .ports import DatasetResult, SourceColumn
from .settings import Column, Config, Dataset, SheetSettings

SOON_SECONDS = 60.0
"""A write of its own that cannot wait for its time, since a health is another one, waits for so long."""
GRACE_SECONDS = 120.0
"""How late a sync may be, beyond what the tab's own pace explains, before readers see it in red."""

_PREFIX = "@status:"  # no dataset's name may have an @
_MOMENT = "yyyy-mm-dd hh:mm:ss"
COLUMNS = (
    Column("dataset", "Dataset", type="text"),
    Column("tab", "Tab", type="text"),
    Column("rows", "Rows", format="#,##0", type="number"),
    Column("checked", "Last checked", format=_MOMENT, type="datetime"),
    Column("changed", "Last changed", format=_MOMENT, type="datetime"),
    Column("health", "Health", type="text"),
    Column("next", "Next sync", format=_MOMENT, type="datetime"),
    Column("seconds", "Duration (s)", format="0.00", type="number"),
    Column("overdue", "Overdue from", hidden=True, format=_MOMENT, type="datetime"),
)
"""The last one is in the spreadsheet's own time, by which NOW() goes, and has the allowance in it."""
SOURCE = tuple(SourceColumn(column.name, column.type) for column in COLUMNS)
StatusRow = tuple[Any, ...]
"""A row by COLUMNS, as a database would give it."""


def status_name(spreadsheet_id: str) -> str:
    """The name under which the state of a spreadsheet's status tab is kept."""
    return _PREFIX + spreadsheet_id


def is_status(name: str) -> bool:
    """Whether a dataset of that name fills a status tab: no configuration knows it, and no backup waits for it."""
    return name.startswith(_PREFIX)


def status_dataset(spreadsheet_id: str, tab: str) -> Dataset:
    """The dataset that fills the tab. Its rows go when the configuration no longer has their datasets, however many
    those are: no share of them is worth a guard."""
    return Dataset(
        name=status_name(spreadsheet_id),
        tab=tab,
        key=("dataset",),
        spreadsheet_id=spreadsheet_id,
        query="",
        columns=COLUMNS,
        max_delete_fraction=1.0,
        verify="always",
    )


def is_status_header(headings: Collection[str]) -> bool:
    """Whether a tab with these headings may be one of ours, whose state was lost: it has all of our columns."""
    return {column.header for column in COLUMNS} <= {*headings}


def not_ours(title: str) -> HeaderDamagedError:
    """What is said of somebody's own tab that has the title which the status is to have."""
    return HeaderDamagedError(
        f"tab {title!r} is somebody's own, so that no status of the sync is put there; nothing was written to it",
        hint="Rename that tab, or give `[sheet] status_tab` another title.",
    )


@dataclass(frozen=True, slots=True)
class Dressing:
    """What a tab gets beside cells when it is made, by its managed columns: a chart of `bars` (left axis) and a
    `line` (right axis) over `along`, and red in `late` once NOW() is beyond what stands in `after`."""

    along: int
    bars: int
    line: int
    late: int
    after: int
    widths: tuple[int | None, ...]
    """Pixels, where a column's usual width would not show all of a cell."""


def _at(name: str) -> int:
    return next(i for i, column in enumerate(COLUMNS) if column.name == name)


DRESSING = Dressing(
    along=_at("dataset"),
    bars=_at("rows"),
    line=_at("seconds"),
    late=_at("next"),
    after=_at("overdue"),
    widths=(160, 140, None, 150, 150, 320, 150, None, 150),
)


# --- what is known of a dataset -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """What the syncs of a dataset told. Times are UNIX seconds; `at` is when this was learnt, `failures` are those
    in a row, `code` is the last one's."""

    rows: int | None = None
    checked: float | None = None
    changed: float | None = None
    seconds: float | None = None
    failures: int = 0
    code: str = ""
    at: float = 0.0


NOTHING = Fact()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a daemon knows of a dataset's future; `next_sync` is UNIX seconds, None where nothing is planned.

    `waits` says that a breaker is open, `code` what opened it.
    """

    next_sync: float | None = None
    enabled: bool = True
    waits: bool = False
    code: str = ""


def no_outlook(dataset: Dataset) -> Outlook:
    """Where no daemon is, nothing is planned."""
    return Outlook(enabled=dataset.enabled)


def fact_after(fact: Fact, result: DatasetResult, now: float) -> Fact:
    """With one more result, which ended `now`; one that was stopped tells nothing."""
    if result.result == "stopped":
        return fact
    if result.result == "failed":
        return replace(fact, failures=fact.failures + 1, code=result.error_code or "", at=now)
    changed = now if result.result == "synced" else fact.changed
    return Fact(result.rows, now, changed, result.seconds, at=now)


def newest(left: Mapping[str, Fact], right: Mapping[str, Fact], now: float) -> dict[str, Fact]:
    """Of each dataset what was learnt last: another member may have synced it meanwhile.

    What is from the future is from before the clock was set back.
    """

    def age(fact: Fact) -> tuple[bool, float]:
        return fact.at <= now, fact.at

    both = {**left, **right}
    return {name: max(one, left.get(name, one), key=age) for name, one in both.items()}


# --- words --------------------------------------------------------------------------------------------------

Ending = Literal["stopped", "no longer updated"]
"""Why nobody will write the tab any more: nobody syncs, or nobody wants it."""
ENDINGS: tuple[Ending, ...] = get_args(Ending)
_REASONS = {
    "backup_first": "refused: no backup could be made before rows would go",
    "cell_limit": "the spreadsheet has no room for more cells",
    "cluster": "the servers that share the syncs cannot meet",
    "cluster_state": "the servers that share the syncs cannot meet",
    "credentials": "Google does not accept the account of the sync",
    "database_unreachable": "the database cannot be reached",
    "denied_column": "refused: a column that may not be shown",
    "destination": "the spreadsheet cannot be written",
    "duplicate_key": "refused: a row stands there twice",
    "guard": "refused, to protect what is in the tab",
    "header_damaged": "refused: a header is not where it belongs",
    "identity_changed": "refused: every row would be another one",
    "key_damaged": "refused: rows without a key",
    "key_not_unique": "refused: the database gave a key twice",
    "overtaken": "the tab kept changing meanwhile",
    "permission_denied": "the sync may not edit the spreadsheet",
    "protected": "a protected range is in the way",
    "query": "its query fails",
    "quota": "too many requests to Google",
    "request_refused": "Google refused the change",
    "row_too_large": "a row is too large",
    "second_writer": "another sync writes to this spreadsheet",
    "shrink_refused": "refused: too many rows would go",
    "source": "the database cannot be read",
    "spreadsheet_not_found": "the spreadsheet cannot be found",
    "state": "the sync cannot keep its notes",
    "too_many_rows": "refused: rows that are not from the database",
    "unavailable": "Google cannot be reached",
    "unknown_rows": "refused: rows that are not from the database",
    "unsupported_value": "refused: a value that no cell can hold",
}
AT_GOOGLE = frozenset({"credentials", "permission_denied", "quota", "spreadsheet_not_found", "unavailable"})
"""Codes of failures after which a write of the tab would fail, too."""


def reason(code: str) -> str:
    """The kind of a failure, for readers, by its error's code."""
    return _REASONS.get(code, "it failed")


def health_word(fact: Fact, outlook: Outlook, ended: Ending | None = None) -> str:
    """How a dataset is, for readers."""
    if ended is not None:
        return ended
    if not outlook.enabled:
        return "disabled"
    if outlook.waits:
        return f"degraded: {reason(outlook.code or fact.code)}"
    if fact.failures:
        return f"warning: {reason(fact.code)}; it is being tried again"
    return "healthy" if fact.checked is not None else "not synced yet"


# --- rows ---------------------------------------------------------------------------------------------------

Outlooks = Callable[[Dataset], Outlook]


@dataclass(frozen=True, slots=True)
class Picture:
    """A moment: what is known of the datasets and of their future, if they have any."""

    facts: Mapping[str, Fact]
    outlook: Outlooks
    ended: Ending | None = None

    def words(self, datasets: Sequence[Dataset]) -> dict[str, str]:
        """The health of each, by its name."""
        return {
            one.name: health_word(self.facts.get(one.name, NOTHING), self.outlook(one), self.ended)
            for one in datasets
        }

    def rows(self, datasets: Sequence[Dataset], every: float, zone: tzinfo) -> list[StatusRow]:
        """A row for each dataset; `every` is the tab's own pace in seconds, `zone` the spreadsheet's."""
        words = self.words(datasets)
        return [self._row(one, words[one.name], every, zone) for one in datasets]

    def _row(self, dataset: Dataset, word: str, every: float, zone: tzinfo) -> StatusRow:
        fact = self.facts.get(dataset.name, NOTHING)
        due = None if self.ended is not None else self.outlook(dataset).next_sync
        late = None if due is None else due + every + GRACE_SECONDS + 3 * (fact.seconds or 0.0)
        return (
            dataset.name,
            dataset.tab,
            fact.rows,
            _moment(fact.checked),
            _moment(fact.changed),
            word,
            _moment(due),
            None if fact.seconds is None else round(fact.seconds, 2),
            None if late is None else _moment(late, zone),
        )


def _moment(seconds: float | None, zone: tzinfo | None = None) -> datetime | None:
    """To the second; with a zone as its clocks show it, without one."""
    if seconds is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(seconds))
    return moment if zone is None else moment.astimezone(zone).replace(tzinfo=None)


def zone_of(name: str | None, otherwise: tzinfo) -> tzinfo:
    """A spreadsheet's time zone by its name; `otherwise` where it has none that is known here."""
    try:
        return ZoneInfo(name) if name else otherwise
    except (OSError, ValueError, KeyError):
        return otherwise


# --- what is kept, and when it is written -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What the tab was last told: the facts, the words, and when it last had a write of its own (UNIX seconds)."""

    facts: Mapping[str, Fact]
    words: Mapping[str, str]
    alone_at: float = 0.0

    def text(self) -> str:
        """As JSON, for the state file."""
        facts = {name: asdict(fact) for name, fact in self.facts.items()}
        return json.dumps({"facts": facts, "words": dict(self.words), "alone_at": self.alone_at})


NOTHING_TOLD = Told({}, {})


def told_of(text: str | None) -> Told:
    """The same again; nothing where that cannot be read."""
    try:
        found = json.loads(text or "{}")
        facts = {str(name): Fact(**fact) for name, fact in found["facts"].items()}
        return Told(facts, {str(k): str(v) for k, v in found["words"].items()}, float(found["alone_at"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return NOTHING_TOLD


def is_due(
    sheet: SheetSettings, told: Told, words: Mapping[str, str], *, written_at: float | None, now: float
) -> bool:
    """Whether the tab is to have a write of its own; `written_at` is when it was last written, None where it is not
    known to be there, or not known to be right."""
    ended = any(word in ENDINGS for word in told.words.values())  # whoever begins again says so at once
    if _passed(told.alone_at, now) < SOON_SECONDS and not ended:
        return False
    if written_at is None or words != told.words:
        return True
    return _passed(written_at, now) >= sheet.status_every_seconds


def _passed(since: float, now: float) -> float:
    """Seconds since then; very many where the clock was set back, since nobody knows."""
    return now - since if now >= since else float("inf")


def left_behind(before: Config, now: Config) -> frozenset[str]:
    """The spreadsheets whose tab nobody writes any more by this configuration."""
    if not before.sheet.status:
        return frozenset()
    goes_on = now.sheet.status and now.sheet.status_tab.casefold() == before.sheet.status_tab.casefold()
    others = {one.spreadsheet_id for one in now.datasets} if goes_on else set()
    return frozenset({one.spreadsheet_id for one in before.datasets} - others)


def unreachable(codes: Collection[str | None]) -> bool:
    """Whether one of these failures was Google's."""
    return bool(AT_GOOGLE & {*codes})
