"""Which tables the datasets read, asked of PostgreSQL, once or again; with what cannot be known, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..core.errors import DatabaseUnreachableError, MmsyncError, SourceError
from ..core.events import Emit
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

    def untold(self, datasets: Collection[str]) -> tuple[str, ...]:
        """Tables that these datasets read and no trigger tells of."""
        read = frozenset().union(*(one.tables for name, one in self.reads.items() if name in datasets))
        told = [f"{one.schema}.{one.table}" for one in self.told]
        return tuple(sorted(str(table) for table in read if not any(map(table.is_meant_by, told))))

    def unheard(self, datasets: Collection[str]) -> dict[str, str]:
        """Those of these datasets that may change without a word, each with the reason."""
        silent = {name: "; ".join(one.silent) for name, one in self.reads.items() if one.silent}
        failed = {name: str(error) for name, error in self.failed.items()}
        return {name: why for name, why in sorted({**silent, **failed}.items()) if name in datasets}


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


_SILENT_HINT = 'Name the tables that it is made of: `tables = ["…"]`, or `[]` to leave it to the interval.'


class KnownTables:
    """What is known of the tables while a daemon listens. `say` is told of enabled datasets that cannot be heard.

    Datasets that are not enabled may be so by a switch: they are known as well, and missed by nobody.
    """

    def __init__(self, source: DatabaseSource, datasets: Iterable[Dataset], say: Emit) -> None:
        self._source = source
        self._datasets = tuple(datasets)
        self._enabled = [one.name for one in self._datasets if one.enabled]
        self._say = say
        self._known = Readings()

    def look(self) -> frozenset[str]:
        """Asks anew; the datasets that read other tables than was known. Raises DatabaseUnreachableError."""
        before, now = self._known, read_tables(self._source, self._datasets)
        self._known = now
        for name in self._enabled:
            if name in now.failed and name not in before.failed:
                error = now.failed[name]
                self._unheard(name, str(error), f'{error.hint} Or name its tables: `tables = ["…"]`.')
            elif name in now.reads and name not in before.reads:
                for reason in now.reads[name].silent:
                    self._unheard(name, reason, _SILENT_HINT)
        return frozenset(name for name, one in now.reads.items() if before.reads.get(name) != one)

    def concerned(self, payloads: Iterable[str]) -> frozenset[str]:
        """The datasets that read one of the tables that were told of."""
        return concerned(self._known.reads, payloads)

    @property
    def untold(self) -> tuple[str, ...]:
        """Tables that enabled datasets read and no trigger tells of."""
        return self._known.untold(self._enabled)

    @property
    def unheard(self) -> tuple[str, ...]:
        """Enabled datasets that may change without a word."""
        return tuple(self._known.unheard(self._enabled))

    @property
    def whole(self) -> bool:
        """Whether every enabled dataset can be heard."""
        return not self.untold and self._known.failed.keys().isdisjoint(self._enabled)

    @property
    def names(self) -> list[str]:
        """Every table that is listened for."""
        return sorted({str(table) for one in self._known.reads.values() for table in one.tables})

    def _unheard(self, dataset: str, message: str, hint: str) -> None:
        self._say("realtime.unheard", dataset=dataset, message=message, hint=hint)
