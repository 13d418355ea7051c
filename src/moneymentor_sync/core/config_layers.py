"""Settings in layers: default, file, environment, command line; and the list of everything wrong with them.

Knows how a setting is found and how a problem is named, not which settings there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from .config_values import InvalidValueError, Raw, Reader, did_you_mean, kind_of

T = TypeVar("T")


class Layer(IntEnum):
    """Where a setting's value comes from; the greater one wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    COMMAND_LINE = 3


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One setting: `table.key` in the file, its environment variables, how to read it, its default."""

    path: str
    read: Reader[T]
    default: T
    variables: tuple[str, ...] = ()


@dataclass(slots=True)
class Problems:
    """Everything found wrong so far, in the order found."""

    found: list[str] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        self.found.append(f"{path}: {message}")


def key_text(key: str) -> str:
    """A key as TOML would have it written: bare where that is possible."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key, re.ASCII) else repr(key)


class Layers:
    """The settings as they were given. Every value is read, also one that another layer outranks."""

    def __init__(
        self,
        toml: Mapping[str, object],
        environment: Mapping[str, str],
        overrides: Mapping[str, object],
        *,
        file_base: Path,
        working_directory: Path,
        home: Path | None,
        problems: Problems,
    ) -> None:
        self._toml = toml
        self._overrides = {path: value for path, value in overrides.items() if value is not None}
        self._file_base = file_base
        self._working_directory = working_directory
        self._home = home
        self.environment = {name: value for name, value in environment.items() if value.strip()}
        self.problems = problems

    def get(self, setting: Setting[T]) -> T:
        """The value that wins; the default also where the winner is wrong (a problem is noted then)."""
        winner: T | None = None
        for value in self._each(setting):
            winner = value
        return setting.default if winner is None else winner

    def layer(self, setting: Setting[T]) -> Layer:
        """Where the winning value comes from, be it right or wrong."""
        if setting.path in self._overrides:
            return Layer.COMMAND_LINE
        if any(name in self.environment for name in setting.variables):
            return Layer.ENVIRONMENT
        table, _, key = setting.path.partition(".")
        return Layer.FILE if key in self._table(table) else Layer.DEFAULT

    def require(self, setting: Setting[T], remedy: str) -> T:
        """As `get`, with a problem where the setting is nowhere."""
        if self.layer(setting) is Layer.DEFAULT:
            self.problems.add(setting.path, f"missing; {remedy}")
        return self.get(setting)

    def read_credential(self, setting: Setting[T], name: str, value: str) -> T:
        """What a systemd credential of that name says of a setting; the default where it is wrong."""
        raw = Raw(value, self._working_directory, self._home, is_text=True)
        found = self._read(setting, f"{setting.path} (systemd credential {name})", raw)
        return setting.default if found is None else found

    def raw(self, value: object) -> Raw:
        """A value of the file."""
        return Raw(value, self._file_base, self._home)

    def _each(self, setting: Setting[T]) -> Iterator[T | None]:
        """The values given, the one that wins last; None for one that could not be read."""
        table, _, key = setting.path.partition(".")
        values = self._table(table)
        if key in values:
            yield self._read(setting, setting.path, self.raw(values[key]))
        yield from self._from_environment(setting)
        if setting.path in self._overrides:
            value = self._overrides[setting.path]
            raw = Raw(value, self._working_directory, self._home, isinstance(value, str))
            yield self._read(setting, f"{setting.path} (command line)", raw)

    def _from_environment(self, setting: Setting[T]) -> Iterator[T | None]:
        read: dict[str, T | None] = {}
        for name in setting.variables:
            if name in self.environment:
                raw = Raw(self.environment[name], self._working_directory, self._home, is_text=True)
                read[name] = self._read(setting, name, raw)
        values = [value for value in read.values() if value is not None]
        if len(values) > 1 and values.count(values[0]) < len(values):
            self.problems.add(" and ".join(read), "both set, and different; keep one of them")
        yield from read.values()

    def _read(self, setting: Setting[T], path: str, raw: Raw) -> T | None:
        try:
            return setting.read(raw)
        except InvalidValueError as error:
            self.problems.add(path, str(error))
            return None

    def _table(self, name: str) -> Mapping[str, object]:
        table = self._toml.get(name)
        return table if isinstance(table, Mapping) else {}

    def check_names(self, settings: Iterable[Setting[Any]], others: Iterable[str]) -> None:
        """Notes every table and key that is none of the settings' (or of the `others` at the top)."""
        paths = [setting.path for setting in settings]
        tables = dict.fromkeys(path.partition(".")[0] for path in paths)
        for name, value in self._toml.items():
            if name in tables:
                self._check_table(name, value, paths)
            elif name not in others:
                self.problems.add(key_text(name), f"unknown{_elsewhere(name, paths, [*tables, *others])}")
        for path in self._overrides:
            if path not in paths:
                self.problems.add(f"{path} (command line)", f"unknown setting{did_you_mean(path, paths)}")

    def _check_table(self, name: str, value: object, paths: list[str]) -> None:
        if not isinstance(value, Mapping):
            self.problems.add(name, f"expected a table, [{name}], not {kind_of(value)}")
            return
        keys = [path.partition(".")[2] for path in paths if path.startswith(f"{name}.")]
        for key in value:
            if key not in keys:
                self.problems.add(f"{name}.{key_text(key)}", f"unknown key{_elsewhere(key, paths, keys)}")


def _elsewhere(name: str, paths: list[str], near: list[str]) -> str:
    """What may have been meant: the same key in another table (a forgotten header), or one much like it."""
    same = [path for path in paths if path.partition(".")[2] == name]
    return f"; did you mean {same[0]!r}?" if same else did_you_mean(name, near)


class TableReader:
    """One table of a list of tables, read key by key; `close` notes the keys that nobody asked for."""

    def __init__(self, raw: Raw, table: Mapping[str, object], path: str, problems: Problems) -> None:
        self._raw = raw
        self._table = table
        self.path = path
        self._problems = problems
        self._known: list[str] = []
        self.note = ""
        """Said after every problem of the table, such as which dataset it is."""

    def child(self, raw: Raw, table: Mapping[str, object], key: str) -> TableReader:
        """A table within this one, at `key`."""
        reader = TableReader(raw, table, f"{self.path}.{key}", self._problems)
        reader.note = self.note
        return reader

    @property
    def given(self) -> frozenset[str]:
        return frozenset(self._table)

    def add(self, key: str, message: str) -> None:
        self._problems.add(f"{self.path}.{key_text(key)}", message + self.note)

    def refuse(self, message: str) -> None:
        """Notes a problem of the table itself, not of one of its keys."""
        self._problems.add(self.path, message + self.note)

    def value(self, key: str) -> Raw | None:
        """The raw value of a key; from then on it is known."""
        self._known.append(key)
        if key not in self._table:
            return None
        return Raw(self._table[key], self._raw.base, self._raw.home)

    def take(self, key: str, read: Reader[T]) -> T | None:
        """The key's value; None where it is not there, or wrong (a problem is noted then)."""
        raw = self.value(key)
        if raw is None:
            return None
        try:
            return read(raw)
        except InvalidValueError as error:
            self.add(key, str(error))
            return None

    def close(self) -> None:
        for key in self._table:
            if key not in self._known:
                self.add(key, f"unknown key{did_you_mean(key, self._known)}")
