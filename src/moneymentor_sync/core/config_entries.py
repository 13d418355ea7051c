"""The tables of `[[datasets]]`, each read into what it says: an Entry.

Looks at one table at a time and fills in nothing; what an entry means is for `config_datasets`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .config_addresses import spreadsheet_id
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
    tab_title,
    text,
)
from .settings import CELL_TYPES, MASKS, MODES, VerifyRule


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
class ColumnEntry:
    """What an entry says of a column; `fields` has only the keys that it names, rightly."""

    name: str
    fields: Mapping[str, Any]


def read_entries(raw: Raw | None, problems: Problems) -> list[Entry]:
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
        "tab": reader.take("tab", tab_title),
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
        "stale_after": reader.take("stale_after", duration),
        "spreadsheet_id": reader.take("spreadsheet_id", spreadsheet_id),
        "tables": reader.take("tables", names(may_be_empty=True, of="table")),
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


def _read_columns(reader: TableReader) -> tuple[ColumnEntry, ...] | None:
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


def _read_column(raw: Raw, key: str, parent: TableReader) -> ColumnEntry | None:
    """A column as its name alone or as a table."""
    table = {"name": raw.value} if isinstance(raw.value, str) else raw.value
    if not isinstance(table, Mapping):
        parent.child(raw, {}, key).refuse(f"expected a name or a table, not {kind_of(table)}")
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
        "mask": reader.take("mask", choice(*MASKS)),
        "hash": reader.take("hash", boolean),
    }
    reader.close()
    if name is None:
        return None
    return ColumnEntry(name, {key: value for key, value in fields.items() if value is not None})
