"""Totals and datasets' records in the state file: counted with each run, so that retention takes nothing away."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple
from typing import TYPE_CHECKING

from moneymentor_sync.core.record import NO_RUNS, DatasetRecord, Totals, after_result, after_run

if TYPE_CHECKING:
    from moneymentor_sync.core.ports import RunResult

_TOTALS = "successful, failed, seconds, last_seconds, last_success, failures, last_error, last_hint, last_error_at"
_RECORD = (
    "name, last_success, last_result, rows, inserted, updated, deleted, failures, last_error, last_hint, "
    "last_error_at"
)


def read_totals(db: sqlite3.Connection) -> Totals:
    row = db.execute(f"SELECT {_TOTALS} FROM total").fetchone()  # noqa: S608 - our own column names
    return Totals(*row) if row else NO_RUNS


def read_records(db: sqlite3.Connection) -> dict[str, DatasetRecord]:
    rows = db.execute(f"SELECT {_RECORD} FROM dataset_total").fetchall()  # noqa: S608 - our own column names
    return {row[0]: DatasetRecord(*row) for row in rows}


def count(db: sqlite3.Connection, run: RunResult) -> None:
    """Adds a run, within the caller's transaction."""
    totals = astuple(after_run(read_totals(db), run))
    db.execute(f"INSERT OR REPLACE INTO total VALUES (1{',?' * len(totals)})", totals)  # noqa: S608 - marks only
    records = read_records(db)
    ended = run.started_at + run.seconds
    for result in run.datasets:
        before = records.get(result.dataset) or DatasetRecord(result.dataset)
        row = astuple(after_result(before, result, ended))
        db.execute(f"INSERT OR REPLACE INTO dataset_total VALUES ({','.join('?' * len(row))})", row)  # noqa: S608
