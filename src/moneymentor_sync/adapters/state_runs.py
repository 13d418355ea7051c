"""Runs in the state file: what each did to each dataset."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, fields

from moneymentor_sync.core.ports import DatasetResult, RunResult

from . import state_totals

NOT_KEPT = ("quota_seconds", "notes", "details")
RESULT_COLUMNS = tuple(field.name for field in fields(DatasetResult) if field.name not in NOT_KEPT)


def insert(db: sqlite3.Connection, run: RunResult) -> None:
    """Adds a run and counts it, within the caller's transaction."""
    db.execute(
        "INSERT INTO run VALUES (?,?,?,?,?,?)",
        (run.run_id, run.started_at, run.seconds, run.trigger, run.ok, run.outcome),
    )
    marks = ",".join("?" * (1 + len(RESULT_COLUMNS)))
    names = ",".join(("run_id", *RESULT_COLUMNS))
    for result in run.datasets:
        values = asdict(result)
        db.execute(
            f"INSERT INTO run_dataset ({names}) VALUES ({marks})",  # noqa: S608 - our own column names
            (run.run_id, *(values[name] for name in RESULT_COLUMNS)),
        )
    state_totals.count(db, run)
