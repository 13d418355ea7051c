"""Which tables the datasets read, asked of PostgreSQL; with what cannot be known, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..core.errors import DatabaseUnreachableError, MmsyncError, SourceError
from ..core.reads import Reads, TableName, concerned
from ..core.settings import Dataset
from .database import DatabaseSnapshot, DatabaseSource


@dataclass(frozen=True, slots=True)
class Readings:
    """`reads` by dataset; `failed` are datasets whose query is refused; `told` are tables with a trigger."""

    reads: Mapping[str, Reads] = field(default_factory=dict)
    failed: Mapping[str, MmsyncError] = field(default_factory=dict)
    told: frozenset[TableName] = frozenset()
    schemas: frozenset[str] = frozenset()
    """Where the function of the triggers is."""

    def concerned(self, payloads: Iterable[str]) -> frozenset[str]:
        """The datasets that read one of these tables."""
        return concerned(self.reads, payloads)

    def untold(self, datasets: Collection[str]) -> tuple[str, ...]:
        """Tables that these datasets read and no trigger tells of."""
        read = frozenset().union(*(one.tables for name, one in self.reads.items() if name in datasets))
        told = [f"{one.schema}.{one.table}" for one in self.told]
        return tuple(sorted(str(table) for table in read if not any(map(table.is_meant_by, told))))


def read_tables(source: DatabaseSource, datasets: Iterable[Dataset]) -> Readings:
    """Asks for each dataset that does not name its `tables`. Raises DatabaseUnreachableError."""
    with source.snapshot() as snapshot:
        return tables_read(snapshot, datasets)


def tables_read(snapshot: DatabaseSnapshot, datasets: Iterable[Dataset]) -> Readings:
    """The same in a snapshot that is open."""
    reads: dict[str, Reads] = {}
    failed: dict[str, MmsyncError] = {}
    for dataset in datasets:
        try:
            reads[dataset.name] = snapshot.relations(dataset)
        except DatabaseUnreachableError:
            raise
        except SourceError as error:
            failed[dataset.name] = error
    return Readings(reads, failed, *snapshot.triggers())
