"""The `[[datasets]]` of the file and the built-in ones, as Datasets with everything resolved.

An entry is read into what it says (`Entry`), laid over what it starts from (a built-in dataset or nothing), and
then checked: within itself, and against the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .config_addresses import spreadsheet_id
from .config_builtin import BUILTIN_NAMES, BuiltinName, builtin_dataset
from .config_layers import Problems, TableReader
from .config_values import (
    YEAR,
    InvalidValueError,
    Raw,
    boolean,
    choice,
    did_you_mean,
    duration,
    kind_of,
    names,
    number,
    show,
    text,
)
from .settings import CELL_TYPES, MODES, Column, Dataset, VerifyRule

_TAB_TITLE = 100
"""Google's limit of characters in a tab's title."""


@dataclass(frozen=True, slots=True)
class Common:
    """What datasets take from the settings: spreadsheet, interval, and which built-in ones are switched on.

    `spreadsheet_missing` is False where an id was given, also a wrong one, of which there is a problem already.
    """

    spreadsheet_id: str | None
    spreadsheet_missing: bool
    interval_seconds: float
    switches: Mapping[BuiltinName, bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one table of `[[datasets]]` says; `fields` has only the keys that it names, rightly.

    `given` has also the keys whose values were wrong, so that nothing is called missing that is there.
    """

    name: str
    reader: TableReader
    given: frozenset[str]
    fields: Mapping[str, Any]


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
    entries = _read_entries(raw, problems)
    by_name = {entry.name: entry for entry in entries}
    candidates = [_builtin(name, by_name.get(name), common) for name in BUILTIN_NAMES]
    candidates += [_own(entry, common) for entry in entries if entry.name not in BUILTIN_NAMES]
    candidates = _without_those_in_the_way(candidates)
    for candidate in candidates:
        _check(candidate, problems)
    _check_spreadsheets(candidates, common, problems)
    _check_tabs(candidates, problems)
    return tuple(candidate.dataset for candidate in candidates)


# --- reading ----------------------------------------------------------------------------------------------


def _read_entries(raw: Raw | None, problems: Problems) -> list[Entry]:
    """The entries that have a name of their own; of the others only the problems remain."""
    if raw is None:
        return []
    if not isinstance(raw.value, list):
        problems.add("datasets", f"expected tables, [[datasets]], not {kind_of(raw.value)}")
        return []
    entries: dict[str, Entry] = {}
    for index, value in enumerate(raw.value):
        path = f"datasets[{index}]"
        if not isinstance(value, Mapping):
            problems.add(path, f"expected a table, not {kind_of(value)}")
            continue
        entry = _read_entry(TableReader(raw, value, path, problems))
        if entry is None:
            continue
        if entry.name in entries:
            entry.reader.add("name", f"is the name of {entries[entry.name].reader.path} already")
        else:
            entries[entry.name] = entry
    return list(entries.values())


def _read_entry(reader: TableReader) -> Entry | None:
    name = reader.take("name", _name)
    if name is not None:
        reader.note = f" (dataset {name!r})"
    elif "name" not in reader.given:
        reader.add("name", "missing")
    fields: dict[str, object] = {
        "tab": reader.take("tab", _tab),
        "query": reader.take("query", _query),
        "table": reader.take("table", text),
        "key": reader.take("key", names()),
        "mode": reader.take("mode", choice(*MODES)),
        "columns": _read_columns(reader),
        "match_on": reader.take("match_on", names(may_be_empty=True)),
        "cursor": reader.take("cursor", text),
        "enabled": reader.take("enabled", boolean),
        "max_delete_fraction": reader.take("max_delete_fraction", number(0, 1)),
        "interval_seconds": reader.take("interval_seconds", number(1, YEAR)),
        "verify": reader.take("verify", _verify),
        "spreadsheet_id": reader.take("spreadsheet_id", spreadsheet_id),
    }
    reader.close()
    if name is None:
        return None
    return Entry(name, reader, reader.given, {key: value for key, value in fields.items() if value is not None})


def _name(raw: Raw) -> str:
    name = text(raw)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name, re.ASCII):
        raise InvalidValueError(f"{show(name)} has more than letters, digits, _, - and . in it, or is too long")
    return name


def _tab(raw: Raw) -> str:
    title = text(raw)
    if len(title) > _TAB_TITLE:
        raise InvalidValueError(f"has {len(title)} characters; a tab's title may have {_TAB_TITLE}")
    return title


def _query(raw: Raw) -> str:
    """Without the semicolon at its end: it is used inside other statements."""
    query = text(raw).strip().rstrip(";").rstrip()
    if not query:
        raise InvalidValueError("is empty")
    return query


def _verify(raw: Raw) -> VerifyRule | float:
    if isinstance(raw.value, str):
        word = raw.value.strip().lower()
        if word == "always":
            return "always"
        if word == "auto":
            return "auto"
        try:
            return duration(raw)
        except InvalidValueError:
            near = did_you_mean(word, ("always", "auto"))
            raise InvalidValueError(
                f"{show(raw.value)} is neither always, auto nor a time such as 15m{near}"
            ) from None
    return duration(raw)


@dataclass(frozen=True, slots=True)
class _ColumnEntry:
    """What an entry says of a column; `fields` has only the keys that it names, rightly."""

    name: str
    fields: Mapping[str, Any]


def _read_columns(reader: TableReader) -> tuple[_ColumnEntry, ...] | None:
    raw = reader.value("columns")
    if raw is None:
        return None
    if not isinstance(raw.value, list):
        reader.add("columns", f"expected a list of names or tables, not {kind_of(raw.value)}")
        return None
    if not raw.value:
        reader.add("columns", "names no column; leave it out to have all of them")
        return None
    found = [
        _read_column(Raw(value, raw.base, raw.home), f"columns[{index}]", reader)
        for index, value in enumerate(raw.value)
    ]
    return tuple(column for column in found if column is not None)


def _read_column(raw: Raw, key: str, parent: TableReader) -> _ColumnEntry | None:
    """A column as its name alone or as a table."""
    table = {"name": raw.value} if isinstance(raw.value, str) else raw.value
    if not isinstance(table, Mapping):
        parent.add("columns", f"expected names or tables, not {kind_of(table)}")
        return None
    reader = parent.child(raw, table, key)
    name = reader.take("name", text)
    if "name" not in reader.given:
        reader.add("name", "missing")
    fields: dict[str, object] = {
        "header": reader.take("header", text),
        "hidden": reader.take("hidden", boolean),
        "format": reader.take("format", text),
        "type": reader.take("type", choice(*CELL_TYPES)),
    }
    reader.close()
    if name is None:
        return None
    return _ColumnEntry(name, {key: value for key, value in fields.items() if value is not None})


# --- resolving --------------------------------------------------------------------------------------------


def _builtin(name: BuiltinName, entry: Entry | None, common: Common) -> _Candidate:
    base = replace(builtin_dataset(name), enabled=common.switches[name])
    return _Candidate(_resolve(base, entry, common), entry)


def _own(entry: Entry, common: Common) -> _Candidate:
    nothing = Dataset(name=entry.name, tab="", key=(), spreadsheet_id="")
    return _Candidate(_resolve(nothing, entry, common), entry)


def _resolve(base: Dataset, entry: Entry | None, common: Common) -> Dataset:
    """`base` with the common values, and with what the entry names."""
    base = replace(base, spreadsheet_id=common.spreadsheet_id or "", interval_seconds=common.interval_seconds)
    if entry is None:
        return base
    changes = dict(entry.fields)
    if "columns" in changes:
        changes["columns"] = _columns(base, changes["columns"])
        shown = {column.name for column in changes["columns"]}
        if not shown.issuperset(base.match_on):
            # Part of what tells rows apart would adopt the wrong ones.
            changes.setdefault("match_on", ())
    if "query" in changes or "table" in changes:
        changes["builtin"] = None
    return replace(base, **changes)


def _columns(base: Dataset, entries: tuple[_ColumnEntry, ...]) -> tuple[Column, ...]:
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
