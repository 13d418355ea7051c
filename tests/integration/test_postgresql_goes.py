"""PostgreSQL ends our connection, or goes away altogether, in the middle of a read and in the middle of a write."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import Config, DatabaseSettings
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine
from tests.databases import PostgresqlServer, WritableDatabase, started_postgresql

from .spreadsheet_states import Recorder
from .workbench import Workbench, body

Deed = Literal["terminate", "restart", "crash"]
MANY = 30_000
"""More rows than are fetched in one go, so that a read has a middle."""


class PostgresqlBench(Workbench):
    """The workbench with a real PostgreSQL in the place of SQLite."""

    def __init__(self, box: Sandbox, directory: Path, database: WritableDatabase) -> None:
        self.source = database
        super().__init__(box, directory)

    def sql(self, statement: str, *rows: Sequence[Any]) -> None:
        assert not rows
        self.source.run(statement)

    @property
    def config(self) -> Config:
        return replace(super().config, database=DatabaseSettings(self.source.url))

    def fill(self, count: int, name: str) -> None:
        self.source.run(
            "TRUNCATE people", f"INSERT INTO people SELECT n, '{name}' || n, n FROM generate_series(1, {count}) n"
        )


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """One of its own, since it is restarted."""
    with started_postgresql() as server:
        yield server


@pytest.fixture
def bench(box: Sandbox, tmp_path: Path, server: PostgresqlServer) -> Iterator[PostgresqlBench]:
    yield PostgresqlBench(box, tmp_path, server.new_database())
    box.faults.clear()
    box.hooks.clear()


def do(deed: Deed, bench: PostgresqlBench, server: PostgresqlServer) -> int:
    """Ends our connections in one way or another; how many there were."""
    ours = "FROM pg_stat_activity WHERE application_name = 'mmsync' AND datname = current_database()"
    if deed == "terminate":
        return len(bench.source.rows(f"SELECT pg_terminate_backend(pid) {ours}"))
    found = bench.source.rows(f"SELECT pid {ours}")
    restart(server, "immediate" if deed == "crash" else "fast")
    return len(found)


def restart(server: PostgresqlServer, how: str) -> None:
    server.stop(how)
    server.start()


@pytest.mark.parametrize("deed", ["terminate", "restart", "crash"])
def test_in_the_middle_of_a_read_nothing_is_written_of_what_was_read(
    bench: PostgresqlBench, server: PostgresqlServer, deed: Deed
) -> None:
    bench.fill(MANY, "old")
    assert bench.run().ok
    bench.fill(MANY + 5, "new")
    recorder = Recorder(bench.box, bench.spreadsheet).start()
    ended: list[tuple[int, int]] = []

    def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
        if phase == "reading" and not ended:
            ended.append((done, do(deed, bench, server)))

    around = Surroundings(bench.clock, time.monotonic, bench.clock.sleep, bench.chance)
    with open_engine(bench.config, holder="test", tick=tick, surroundings=around) as engine:
        run: RunResult = engine.run(bench.config.datasets)
        ((read, connections),) = ended
        assert 0 < read < MANY and connections == 1, "in the middle of the read"
        assert [one.error_code for one in run.datasets] == ["database_unreachable"]
        assert recorder.states[1:] == []
        assert engine.run(bench.config.datasets).ok, "by the engine that lost its connection"
    assert bench.rows() == body([(n, f"new{n}", n) for n in range(1, MANY + 6)])


@pytest.mark.parametrize("deed", ["terminate", "restart", "crash"])
def test_in_the_middle_of_a_write_it_is_not_missed(
    bench: PostgresqlBench, server: PostgresqlServer, deed: Deed
) -> None:
    bench.fill(MANY, "old")
    happened: list[int] = []

    def before(_request: object) -> None:
        if not happened:
            happened.append(do(deed, bench, server))

    bench.box.hooks.before_write(before)
    assert bench.run().ok
    assert happened == [0], "the database was let go of before Google was written to"
    assert bench.rows() == body([(n, f"old{n}", n) for n in range(1, MANY + 1)])
