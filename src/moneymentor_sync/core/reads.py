"""Which tables each dataset reads, and so which datasets a changed table concerns. Names only; asks no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .config_builtin import BuiltinName
from .settings import Dataset

BUILTIN_TABLES: Mapping[BuiltinName, tuple[str, ...]] = MappingProxyType(
    {
        "user_profiles": ("users", "user_profiles", "quiz_responses", "courses", "user_course_sessions"),
        "course_statistics": ("users", "quiz_responses", "courses", "user_course_sessions"),
    }
)
"""What the built-in statements read at most; where statistics are stored, the profiles need fewer."""


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table; without a schema where only its own name is known."""

    schema: str | None
    table: str

    @classmethod
    def of(cls, text: str) -> TableName:
        """As a setting has it: `table` or `schema.table`."""
        schema, _, table = text.rpartition(".")
        return cls(schema or None, table)

    def is_meant_by(self, told: str) -> bool:
        """Whether it may be the table that a notification names as `schema.table`."""
        own = self.table if self.schema is None else f"{self.schema}.{self.table}"
        return told == own or (self.schema is None and told.endswith(f".{own}"))

    def __str__(self) -> str:
        return self.table if self.schema is None else f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Reads:
    """The tables that a query reads, and in words what of its sources no trigger can tell of.

    A view counts as the tables behind it, a partition as the table that it is part of. `missing` are those among
    them that the dataset names and the database does not have.
    """

    tables: frozenset[TableName]
    silent: tuple[str, ...] = ()
    missing: frozenset[TableName] = frozenset()


def configured(dataset: Dataset) -> Reads | None:
    """What the dataset's own `tables` say; None where it has none."""
    return None if dataset.tables is None else Reads(frozenset(map(TableName.of, dataset.tables)))


def without_asking(dataset: Dataset) -> Reads | None:
    """What can be known of a dataset without its database; None for a query that does not name its `tables`.

    The `table` of a dataset may turn out to be a view.
    """
    named = configured(dataset)
    if named is not None:
        return named
    if dataset.builtin is not None:
        return Reads(frozenset(map(TableName.of, BUILTIN_TABLES[dataset.builtin])))
    return Reads(frozenset({TableName.of(dataset.table)})) if dataset.table else None


def concerned(reads: Mapping[str, Reads], told: Iterable[str]) -> frozenset[str]:
    """The datasets that read one of the tables that were told of, each as `schema.table`."""
    changed = frozenset(told)
    return frozenset(
        name
        for name, one in reads.items()
        if any(table.is_meant_by(text) for table in one.tables for text in changed)
    )
