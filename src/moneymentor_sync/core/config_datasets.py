"""The `[[datasets]]` of the file and the built-in ones, as Datasets with everything resolved.

An entry is laid over what it starts from, a built-in dataset or nothing, and then checked: within itself, and
against the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .config_builtin import BUILTIN_NAMES, BuiltinName, builtin_dataset
from .config_entries import ColumnEntry, Entry, read_entries
from .config_layers import Problems
from .config_values import Raw, did_you_mean, show
from .privacy import denied_among, denied_in_sql
from .settings import ALWAYS_DENIED, Column, Dataset


@dataclass(frozen=True, slots=True)
class Common:
    """What datasets take from the settings: spreadsheet, times in seconds, which built-in ones are switched on.

    `spreadsheet_missing` is False where an id was given, also a wrong one, of which there is a problem already.
    `deny` are columns that no dataset may have, beside those that none ever may; `hash_key_missing` says that no
    column can be hashed.
    """

    spreadsheet_id: str | None
    spreadsheet_missing: bool
    interval_seconds: float
    switches: Mapping[BuiltinName, bool]
    deny: tuple[str, ...] = ()
    hash_key_missing: bool = False
    stale_after: float = 3_600.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A dataset, and the entry to name in a problem (None: a built-in one without an entry)."""

    dataset: Dataset
    entry: Entry | None

    def problem(self, problems: Problems, key: str, message: str) -> None:
        if self.entry is None:
            problems.add(f"datasets.{key}", f"{message} (the built-in dataset {self.dataset.name!r})")
        else:
            self.entry.reader.add(key, message)


def parse_datasets(raw: Raw | None, common: Common, problems: Problems) -> tuple[Dataset, ...]:
    """The built-in datasets, then those of the file in its order. `raw` is the value of `datasets`."""
    entries = read_entries(raw, problems)
    by_name = {entry.name: entry for entry in entries}
    candidates = [_builtin(name, by_name.get(name), common) for name in BUILTIN_NAMES]
    candidates += [_own(entry, common) for entry in entries if entry.name not in BUILTIN_NAMES]
    candidates = _without_those_in_the_way(candidates)
    for candidate in candidates:
        _check(candidate, problems)
        _check_privacy(candidate, common, problems)
    _check_spreadsheets(candidates, common, problems)
    _check_tabs(candidates, problems)
    return tuple(candidate.dataset for candidate in candidates)


# --- resolving --------------------------------------------------------------------------------------------


def _builtin(name: BuiltinName, entry: Entry | None, common: Common) -> _Candidate:
    base = replace(builtin_dataset(name), enabled=common.switches[name])
    return _Candidate(_resolve(base, entry, common), entry)


def _own(entry: Entry, common: Common) -> _Candidate:
    nothing = Dataset(name=entry.name, tab="", key=(), spreadsheet_id="")
    return _Candidate(_resolve(nothing, entry, common), entry)


def _resolve(base: Dataset, entry: Entry | None, common: Common) -> Dataset:
    """`base` with the common values, and with what the entry names."""
    base = replace(
        base,
        spreadsheet_id=common.spreadsheet_id or "",
        interval_seconds=common.interval_seconds,
        stale_after=common.stale_after,
        deny=(*ALWAYS_DENIED, *common.deny),
    )
    if entry is None:
        return base
    changes = dict(entry.fields)
    if "columns" in changes:
        changes["columns"] = _columns(base, changes["columns"])
        shown = {column.name for column in changes["columns"] if not column.is_veiled}
        if not shown.issuperset(base.match_on):
            # Part of what tells rows apart would adopt the wrong ones.
            changes.setdefault("match_on", ())
    if "query" in changes or "table" in changes:
        changes["builtin"] = None
    return replace(base, **changes)


def _columns(base: Dataset, entries: tuple[ColumnEntry, ...]) -> tuple[Column, ...]:
    """The columns named; one that the built-in dataset has keeps what the entry does not name."""
    known = {column.name: column for column in base.columns}
    return tuple(
        replace(known.get(entry.name, Column(entry.name, entry.name)), **entry.fields) for entry in entries
    )


def _without_those_in_the_way(candidates: list[_Candidate]) -> list[_Candidate]:
    """Leaves out a built-in dataset that is switched off and has no entry, where it would stand in the way.

    That is where another dataset has its tab, or where no spreadsheet is given for it.
    """
    wanted = [each for each in candidates if each.entry is not None or each.dataset.enabled]
    taken = {_place(each.dataset) for each in wanted}
    return [
        each
        for each in candidates
        if each in wanted or (each.dataset.spreadsheet_id and _place(each.dataset) not in taken)
    ]


def _place(dataset: Dataset) -> tuple[str, str]:
    """What two datasets may not share; Google takes titles that differ only in case for the same."""
    return dataset.spreadsheet_id, dataset.tab.casefold()


# --- checking ---------------------------------------------------------------------------------------------


def _check(candidate: _Candidate, problems: Problems) -> None:
    _check_source(candidate, problems)
    for key, remedy in (
        ("tab", 'give the title of the tab to fill, such as tab = "Users"'),
        ("key", 'name the column or columns that make a row that row, such as key = ["id"]'),
    ):
        if not getattr(candidate.dataset, key) and candidate.entry and key not in candidate.entry.given:
            candidate.problem(problems, key, f"missing; {remedy}")
    if candidate.dataset.columns:
        _check_columns(candidate, problems)


def _check_source(candidate: _Candidate, problems: Problems) -> None:
    if candidate.entry is None:
        return
    given = candidate.entry.given & {"query", "table"}
    if len(given) > 1:
        candidate.problem(problems, "query", "query and table are both there; keep one of them")
    elif not given and candidate.dataset.builtin is None:
        candidate.problem(problems, "query", "missing; give a query, or the name of a table as table")


def _check_columns(candidate: _Candidate, problems: Problems) -> None:
    dataset = candidate.dataset
    shown = [column.name for column in dataset.columns]
    for what, values in (
        ("column", shown),
        ("header", [column.header.strip() for column in dataset.columns]),
    ):
        for value in dict.fromkeys(value for value in values if values.count(value) > 1):
            candidate.problem(problems, "columns", f"the {what} {show(value)} is there twice")
    for key, wanted in (
        ("key", dataset.key),
        ("match_on", dataset.match_on),
        ("cursor", () if dataset.cursor is None else (dataset.cursor,)),
    ):
        for name in wanted:
            if name not in shown:
                near = did_you_mean(name, shown) or "; add it there, with hidden = true if nobody need see it"
                candidate.problem(problems, key, f"{show(name)} is not among the columns{near}")
    if dataset.builtin is not None:
        known = [column.name for column in builtin_dataset(dataset.builtin).columns]
        for name in dict.fromkeys(shown):
            if name not in known:
                message = f"the built-in dataset has no column {show(name)}{did_you_mean(name, known)}"
                candidate.problem(problems, "columns", message)


def _check_privacy(candidate: _Candidate, common: Common, problems: Problems) -> None:
    dataset = candidate.dataset
    cursor = () if dataset.cursor is None else (dataset.cursor,)
    named = {
        "columns": tuple(column.name for column in dataset.columns),
        "key": dataset.key,
        "match_on": dataset.match_on,
        "cursor": cursor,
    }
    for key, names in named.items():
        for name in dict.fromkeys(denied_among(names, dataset.deny)):
            candidate.problem(problems, key, f"the column {show(name)} is never synced ([privacy] deny)")
    for name in denied_in_sql(dataset.query or "", dataset.deny):
        candidate.problem(problems, "query", f"has {show(name)} in it, which is never synced ([privacy] deny)")
    for column in dataset.columns:
        if not column.is_veiled:
            continue
        if column.hash and column.mask is not None:
            candidate.problem(problems, "columns", f"{show(column.name)} has both mask and hash; keep one of them")
        if column.hash and common.hash_key_missing:
            candidate.problem(problems, "columns", f"{show(column.name)} is hashed, and {_NO_HASH_KEY}")
        if column.mask is not None and column.name in dataset.key:
            message = f"{show(column.name)} is masked, and then no two rows can be told apart; use hash = true"
            candidate.problem(problems, "key", message)
        for key in ("match_on", "cursor"):
            if column.name in named[key]:
                candidate.problem(problems, key, f"{show(column.name)} is masked or hashed, and cannot serve here")


_NO_HASH_KEY = (
    "privacy.hash_key is missing; give at least 32 characters there or in MMSYNC_HASH_KEY (`openssl rand -hex 32`)"
)


def _check_spreadsheets(candidates: list[_Candidate], common: Common, problems: Problems) -> None:
    without = [
        each.dataset.name
        for each in candidates
        if not each.dataset.spreadsheet_id and (each.entry is None or "spreadsheet_id" not in each.entry.given)
    ]
    if without and common.spreadsheet_missing:
        problems.add(
            "google.spreadsheet_id",
            "missing; give the spreadsheet's id or address here or in GOOGLE_SHEET_ID "
            f"(needed by {', '.join(without)})",
        )


def _check_tabs(candidates: list[_Candidate], problems: Problems) -> None:
    taken: dict[tuple[str, str], str] = {}
    for candidate in candidates:
        dataset = candidate.dataset
        owner = taken.setdefault(_place(dataset), dataset.name)
        if dataset.tab and owner != dataset.name:
            candidate.problem(problems, "tab", f"{show(dataset.tab)} is the tab of {owner!r} already")
