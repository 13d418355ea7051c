"""What the sync inside the web process did wrong, each as a test of this one."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import event

from moneymentor_sync.core.config_builtin import builtin_dataset
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox.faults import Fault

from .workbench import TAB, Workbench


def profiles(bench: Workbench, users: int) -> Dataset:
    """The built-in dataset over a sample database."""
    bench.database.unlink()
    create_sample(bench.database, users=users)
    dataset = replace(builtin_dataset("user_profiles"), spreadsheet_id=bench.spreadsheet)
    bench.datasets = [dataset]
    return dataset


@pytest.mark.parametrize("users", [20, 600])
def test_one_query_per_user_and_one_call_per_row(bench: Workbench, users: int) -> None:
    profiles(bench, users)
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(DatabaseEngine, "before_cursor_execute", note)
    try:
        result = bench.sync()
    finally:
        event.remove(DatabaseEngine, "before_cursor_execute", note)
    assert result.rows > users * 0.8
    assert 1 <= len(statements) <= 4
    assert (result.writes, result.reads) == (1, 1)


def test_the_tab_was_cleared_before_it_was_written(bench: Workbench) -> None:
    bench.people(*[(i, "x", i) for i in range(200)])
    bench.sync()
    bench.people(*[(i, "y", i) for i in range(200)])
    seen: list[int] = []
    bench.before_write(lambda: seen.append(len(bench.grid())), times=99)
    bench.sync()
    assert seen == [201]
    assert len(bench.grid()) == 201


def test_a_time_out_after_the_append_left_every_row_twice(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    lost = bench.box.faults.add(Fault("reset_after", on="write"))
    bench.sync()
    assert lost.fired == 1
    assert [row[0] for row in bench.rows()] == [1.0, 2.0]


def test_incremental_syncs_appended_changed_users_as_new_rows(bench: Workbench) -> None:
    profiles(bench, 30)
    bench.sync()
    before = bench.grid("UserProfiles")
    connection = sqlite3.connect(bench.database)
    with connection:
        connection.execute("UPDATE users SET email = 'changed-' || email, first_name = 'New'")
    connection.close()
    bench.sync()
    after = bench.grid("UserProfiles")
    assert len(after) == len(before)
    key = before[0].index("user_id")
    assert [row[key] for row in after] == [row[key] for row in before]


def test_queries_had_a_limit_and_larger_tables_were_silently_cut(bench: Workbench) -> None:
    profiles(bench, 1_400)
    connection = sqlite3.connect(bench.database)
    count = connection.execute("SELECT count(*) FROM user_profiles").fetchone()[0]
    connection.close()
    assert count > 1_000
    assert bench.sync().rows == count
    assert len(bench.grid("UserProfiles")) == count + 1


def test_all_numbers_were_written_as_text(bench: Workbench) -> None:
    profiles(bench, 30)
    bench.sync()
    header, *rows = bench.grid("UserProfiles")
    for name in (
        "total_chats",
        "quizzes_taken",
        "day_streak",
        "days_active",
        "courses_enrolled",
        "total_course_score",
    ):
        at = header.index(name)
        assert all(type(row[at]) in (int, float) for row in rows), name


def test_a_sync_with_one_good_tab_out_of_eight_counted_as_a_success(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bad = [bench.dataset(name=f"bad{i}", tab=f"Bad{i}", query=f"SELECT id FROM missing{i}") for i in range(7)]
    bench.datasets = [*bad, bench.dataset()]
    run = bench.run()
    assert not run.ok
    assert [one.result for one in run.datasets] == ["failed"] * 7 + ["synced"]


def test_a_restart_forgot_everything(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6), (3, "Cyd", 7))
    bench.sync()
    bench.datasets = [bench.dataset(query="SELECT * FROM missing")]
    bench.run()
    store = bench.store()  # a new process opens the same file
    newest, oldest = store.runs()
    assert (newest[4], oldest[4]) == (0, 1)
    assert store.run_datasets(newest[0])[0]["error_code"] == "query"
    store.close()
    bench.datasets = [bench.dataset()]
    bench.people((2, "Bob", 6), (3, "Cyd", 7))
    assert bench.sync().deleted == 1  # it still knows that the row was its own
    assert [row[0] for row in bench.rows(TAB)] == [2.0, 3.0]
