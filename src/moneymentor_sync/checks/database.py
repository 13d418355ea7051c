"""The database: does it answer, does it refuse writes, does every query work, is every key unique."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.engine import make_url

from moneymentor_sync.adapters.database import DatabaseSnapshot, DatabaseSource, ServerCheck
from moneymentor_sync.adapters.reading_tables import tables_read
from moneymentor_sync.core.cells import CellRules, pack_row
from moneymentor_sync.core.ports import Tick
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import DatabaseSettings, Dataset
from moneymentor_sync.core.table import Shape, TableBuilder, resolve_shape

from .facts import Extent
from .result import Check, Step, counted, failed, ok, warning

DATABASE, REALTIME = "database", "real time"


def query_step(dataset: str) -> str:
    return f"query: {dataset}"


def key_step(dataset: str) -> str:
    return f"key: {dataset}"


@dataclass(slots=True)
class DatabaseChecks:
    """The steps of one database, all in one read-only snapshot; what the queries give goes into `extents`."""

    settings: DatabaseSettings
    datasets: tuple[Dataset, ...]
    rules: CellRules
    tick: Tick
    extents: MutableMapping[str, Extent]
    _open: ExitStack = field(default_factory=ExitStack)
    _snapshot: DatabaseSnapshot | None = None

    def steps(self) -> Iterator[Step]:
        """The snapshot is closed when they have all been taken."""
        with self._open:
            yield Step(DATABASE, self._connect)
            for dataset in self.datasets:
                query = query_step(dataset.name)
                yield Step(query, partial(self._query, dataset), (DATABASE,))
                yield Step(key_step(dataset.name), partial(self._key, dataset), (query,))
            if self.settings.listen and make_url(self.settings.url).get_backend_name() == "postgresql":
                yield Step(REALTIME, self._realtime, (DATABASE,))

    def _connect(self) -> Check:
        self._snapshot = self._open.enter_context(DatabaseSource(self.settings).snapshot())
        return database_check(self._snapshot.check())

    def _query(self, dataset: Dataset) -> Check:
        """Has the query prepared, and the configured columns found in it. Raises QueryError and others."""
        shape = resolve_shape(dataset, self._connected.probe(dataset).columns)
        self.extents[dataset.name] = Extent(shape)
        columns = counted(len(shape.columns), "column")
        return ok(query_step(dataset.name), f"gives the {columns} of tab {dataset.tab}")

    def _key(self, dataset: Dataset) -> Check:
        """Reads every row as a sync does. Raises KeyNotUniqueError, UnsupportedValueError and others."""
        shape = self.extents[dataset.name].shape
        rows = self._count(dataset, shape)
        self.extents[dataset.name] = Extent(shape, rows)
        return key_check(dataset, rows)

    def _realtime(self) -> Check:
        found = tables_read(self._connected, self.datasets)
        names = [one.name for one in self.datasets]
        return realtime_check(found.untold(names), found.unheard(names))

    def _count(self, dataset: Dataset, shape: Shape) -> int:
        # Only equality within this run counts, so any secret will do.
        builder = TableBuilder(shape, self.rules, Hasher(secrets.token_bytes(16)))
        rows = 0
        for chunk in self._connected.read(dataset).chunks():
            rows += sum(map(len, builder.chunks(pack_row(tuple(row)) for row in chunk)))
            self.tick(dataset.name, "reading", rows, None)
        builder.finish()
        return rows

    @property
    def _connected(self) -> DatabaseSnapshot:
        assert self._snapshot is not None  # noqa: S101 - the steps that use it need the one that opens it
        return self._snapshot


def database_check(server: ServerCheck) -> Check:
    """What the server is, and whether a sync could harm it."""
    found = f"{server.name}, version {server.version}" if server.version else server.name
    if server.read_only:
        return ok(DATABASE, f"{found}; a write is refused")
    if server.read_only is None:
        return warning(
            DATABASE,
            f"{found}; whether a write is refused cannot be tried with this kind of database",
            "Give mmsync a database user that may only SELECT.",
        )
    return failed(
        DATABASE,
        f"{found}; a write is not refused, though the connection was opened for reading only",
        "Give mmsync a database user that may only SELECT.",
    )


def realtime_check(untold: Sequence[str], unheard: Mapping[str, str]) -> Check:
    """Whether PostgreSQL tells of changes. A note: the intervals find every change as well."""
    if not untold and not unheard:
        return ok(REALTIME, "every table tells of its changes")
    found = [f"no trigger on {', '.join(untold)} (`mmsync triggers`)"] if untold else []
    found += [f"dataset '{name}': {why} (name its tables: `tables = [\"…\"]`)" for name, why in unheard.items()]
    return ok(REALTIME, f"{'; '.join(found)}: changes are found at the interval")


def key_check(dataset: Dataset, rows: int) -> Check:
    """The key held; an empty result is worth a word, since a sync refuses it over a tab with rows."""
    name, key = key_step(dataset.name), ", ".join(dataset.key)
    if not rows:
        return warning(
            name,
            "the query gives no rows at all",
            "A sync writes only the header then, and refuses to empty a tab that has rows.",
        )
    return ok(name, f"({key}) is unique in {counted(rows, 'row')}")
