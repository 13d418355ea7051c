"""A spreadsheet that the old in-process service filled, taken over by the first sync."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.checks import Check, check_everything
from moneymentor_sync.core.config_builtin import BUILTIN_NAMES, builtin_dataset
from moneymentor_sync.core.settings import Column
from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox.cells import Formula

from .old_service import LOGS, PROFILES, STATISTICS, OldService, headers_of, rows_of
from .workbench import TAB, Workbench

TEXT = {"userEnteredFormat": {"numberFormat": {"type": "TEXT", "pattern": "@"}}}


@pytest.fixture
def old(bench: Workbench) -> OldService:
    """The eight tabs, all rows once; the built-in datasets over a sample database."""
    bench.database.unlink()
    create_sample(bench.database, users=30)
    bench.datasets = [replace(builtin_dataset(name), spreadsheet_id=bench.spreadsheet) for name in BUILTIN_NAMES]
    service = OldService(bench.person)
    service.fill(PROFILES, headers_of("user_profiles"), rows_of(bench.database, "user_profiles"))
    service.fill(STATISTICS, headers_of("course_statistics"), rows_of(bench.database, "course_statistics"))
    service.fill_logs()
    return service


def profiles(bench: Workbench) -> list[list[str]]:
    return rows_of(bench.database, "user_profiles")


def values(bench: Workbench, tab: str) -> list[dict[str, Any]]:
    """The tab's rows by their headers, those blank in our columns left out."""
    header, *rows = bench.grid(tab)
    named = [dict(zip(header, [*row, *[None] * len(header)], strict=False)) for row in rows]
    return [row for row in named if row[header[0]] is not None or row.get("user_id") is not None]


def fresh(bench: Workbench) -> dict[str, list[dict[str, Any]]]:
    """What a first sync writes into an empty spreadsheet."""
    directory = Path(tempfile.mkdtemp(dir=bench.directory))
    other = Workbench(bench.box, directory)
    other.database = bench.database
    other.datasets = [replace(one, spreadsheet_id=other.spreadsheet) for one in bench.datasets]
    assert other.run().ok
    return {tab: values(other, tab) for tab in (PROFILES, STATISTICS)}


def by_user(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (str(row["user_id"]), str(row.get("Course Name"))))


def assert_as_fresh(bench: Workbench) -> None:
    """The managed columns hold just what a sync into an empty spreadsheet writes, types included."""
    wanted = fresh(bench)
    for tab in (PROFILES, STATISTICS):
        managed = list(wanted[tab][0])
        found = [{name: row[name] for name in managed} for row in values(bench, tab)]
        assert repr(by_user(found)) == repr(by_user(wanted[tab]))


def test_text_becomes_numbers_and_times_and_every_row_gets_its_key(bench: Workbench, old: OldService) -> None:
    run = bench.run()
    assert run.ok
    assert [(one.inserted, one.deleted) for one in run.datasets] == [(0, 0), (0, 0)]
    assert_as_fresh(bench)
    assert [one.result for one in bench.run().datasets] == ["unchanged", "unchanged"]


def test_rows_twice_after_a_time_out_and_older_versions_are_removed(bench: Workbench, old: OldService) -> None:
    rows = profiles(bench)
    old.append(PROFILES, rows)
    older = [[*row[:3], "1", "1", *row[5:]] for row in rows[:9]]
    old.append(PROFILES, [[row[0], row[1], f" {row[2].upper()}", *row[3:]] for row in older])
    old.append(STATISTICS, rows_of(bench.database, "course_statistics"))
    run = bench.run()
    assert run.ok
    assert run.datasets[0].deleted == len(rows) + 9
    assert f"copies of those, removed: {len(rows) + 9} (rows " in run.datasets[0].notes[0]
    assert "@" not in run.datasets[0].notes[0]
    assert_as_fresh(bench)


def test_users_whom_the_limit_left_out_are_inserted(bench: Workbench, old: OldService) -> None:
    bench.person.delete_rows(PROFILES, 5, 10)
    run = bench.run()
    assert (run.ok, run.datasets[0].inserted) == (True, 10)
    assert_as_fresh(bench)


def test_what_people_have_stays_beside_its_row(bench: Workbench, old: OldService) -> None:
    """Notes, formulas and colours beside one of the copies, and a line of their own between."""
    rows, person = profiles(bench), bench.person
    old.append(PROFILES, rows[:4])
    last = len(rows) + 1
    person.type(PROFILES, 0, 11, "our notes")
    person.type(PROFILES, last, 11, "call her")  # beside the second copy of the first user
    person.type(PROFILES, 2, 12, "=D3+1")
    person.note(PROFILES, last + 2, 0, "met in Berlin")  # on the second copy of the third user
    person.color(PROFILES, last + 3, 0)
    person.insert_rows(PROFILES, 6)
    person.type(PROFILES, 6, 11, "a line of mine")
    run = bench.run()
    assert (run.ok, run.datasets[0].deleted) == (True, 4)
    header, *after = bench.grid(PROFILES)
    assert header[-2:] == ["user_id", "our notes"]
    places = {row[2]: index + 1 for index, row in enumerate(after) if len(row) > 2 and row[2]}
    at = [places[rows[i][2]] for i in range(4)]
    assert bench.grid(PROFILES)[at[0]][12] == "call her"
    assert isinstance(bench.grid(PROFILES)[at[1]][13], Formula)
    assert bench.box.notes(bench.spreadsheet, PROFILES) == {(at[2], 0): "met in Berlin"}
    assert "backgroundColor" in bench.box.formats(bench.spreadsheet, PROFILES)[at[3], 0]
    assert [row[12] for row in after if len(row) > 12 and row[0] is None] == ["a line of mine"]
    assert_as_fresh(bench)


def test_notes_beside_two_copies_are_refused_with_the_row_to_look_at(bench: Workbench, old: OldService) -> None:
    rows = profiles(bench)
    old.append(PROFILES, rows[:1])
    bench.person.type(PROFILES, 1, 11, "one")
    bench.person.type(PROFILES, len(rows) + 1, 11, "two")
    before = bench.grid(PROFILES)
    failed = bench.run().datasets[0]
    assert (failed.error_code, bench.grid(PROFILES)) == ("key_damaged", before)
    assert f"(row {len(rows) + 2})" in str(failed.hint)
    assert "Move what people have there" in str(failed.hint)


def test_cells_formatted_as_text_lose_that_where_numbers_stand(bench: Workbench, old: OldService) -> None:
    sheet = bench.box.document(bench.spreadsheet).titled(PROFILES)
    assert sheet is not None
    span = {"sheetId": sheet.sheet_id, "startRowIndex": 0}
    bench.person.request({"repeatCell": {"range": span, "cell": TEXT, "fields": "userEnteredFormat.numberFormat"}})
    bench.person.color(PROFILES, 1, 3)
    assert bench.run().ok
    formats = bench.box.formats(bench.spreadsheet, PROFILES)
    numbers = range(3, 10)
    assert not [
        place for place, style in formats.items() if place[0] and place[1] in numbers and "numberFormat" in style
    ]
    assert "backgroundColor" in formats[1, 3]
    assert formats[1, 0]["numberFormat"]["type"] == "TEXT"  # a name is text, whatever it looks like


def test_a_header_alone_and_an_empty_tab(bench: Workbench, old: OldService) -> None:
    bench.person.delete_rows(PROFILES, 1, len(profiles(bench)))
    bench.person.delete_tab(STATISTICS)
    bench.person.add_tab(STATISTICS)
    assert bench.run().ok
    assert_as_fresh(bench)


def test_users_who_are_gone_are_refused_until_the_operator_says_so(bench: Workbench, old: OldService) -> None:
    gone = profiles(bench)[:2]
    connection = sqlite3.connect(bench.database)
    with connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executemany("DELETE FROM users WHERE email = ?", [(row[2],) for row in gone])
    connection.close()
    before = bench.everything()
    run = bench.run()
    assert [one.error_code for one in run.datasets] == ["key_damaged", "key_damaged"]
    assert bench.everything() == before
    assert "2, 3" in str(run.datasets[0].error)
    assert not any(row[2] in str(run) for row in gone)
    assert bench.run(remove_unmatched=True).ok
    assert_as_fresh(bench)


def test_the_old_service_was_not_stopped(bench: Workbench, old: OldService) -> None:
    """It appends to the tab that has keys by now, and then clears it and writes it anew."""
    assert bench.run().ok
    rows = profiles(bench)
    old.append(PROFILES, [rows[4]])
    assert bench.run().datasets[0].deleted == 1
    old.append(PROFILES, [[*rows[3][:3], "999", *rows[3][4:]], rows[4]])
    refused = bench.run().datasets[0]
    assert refused.error_code == "key_damaged"
    assert f"but differ from it, and a person may have typed them: 1 (row {len(rows) + 2})" in str(refused.hint)
    assert bench.run(remove_unmatched=True).datasets[0].deleted == 2
    assert_as_fresh(bench)
    bench.person.delete_tab(PROFILES)
    old.fill(PROFILES, headers_of("user_profiles"), rows)
    assert bench.run().ok
    assert_as_fresh(bench)


def test_other_tabs_are_left_alone(bench: Workbench, old: OldService) -> None:
    others = [*LOGS, "Dashboard", "Team notes"]
    before = {tab: bench.grid(tab) for tab in others}
    assert bench.run().ok
    assert {tab: bench.grid(tab) for tab in others} == before


def test_a_person_who_changes_the_tab_between_two_looks_is_noticed(bench: Workbench, old: OldService) -> None:
    """Notes are looked for in a second read: they have to be those of the rows that were read."""
    looks: list[int] = []

    def insert(_request: object) -> None:
        looks.append(1)
        if len(looks) == 2:  # structure and values have been read, the marks not yet
            bench.person.insert_rows(PROFILES, 1)

    bench.box.hooks.after_read(insert)
    assert bench.run().ok
    assert len(looks) > 3
    bench.box.hooks.clear()
    assert_as_fresh(bench)


def test_a_large_old_tab_is_taken_over_in_bodies_of_two_megabytes(bench: Workbench) -> None:
    count = 12_000
    columns = (Column("name", "name"), Column("score", "score"), Column("id", "id", hidden=True))
    bench.datasets = [bench.dataset(columns=columns, match_on=("name",), key=("id", "name"))]
    bench.people(*[(i, f"user{i}@example.org", i) for i in range(count)])
    service = OldService(bench.person)
    service.fill(TAB, ["name", "score"], [[f"user{i}@example.org", str(i)] for i in range(count)])
    service.append(TAB, [[f"user{i}@example.org", str(i + 1)] for i in range(count)])
    bench.box.log.reset()
    result = bench.sync()
    assert (result.updated, result.deleted, result.inserted) == (count, count, 0)
    assert max(entry.bytes_in for entry in bench.box.log.entries) <= 2_000_000
    assert bench.rows() == [[f"user{i}@example.org", float(i), float(i)] for i in range(count)]


# --- told before it happens -------------------------------------------------------------------------------


def checked(bench: Workbench) -> dict[str, Check]:
    tick = lambda *_: None  # noqa: E731 - nobody looks
    return {one.name: one for one in check_everything(lambda: bench.config, clock=time.time, tick=tick)}


def test_check_tells_what_the_first_sync_will_do_and_writes_nothing(bench: Workbench, old: OldService) -> None:
    rows = profiles(bench)
    old.append(PROFILES, rows[:2])
    bench.person.delete_rows(PROFILES, 5)
    before, document = list(bench.directory.rglob("*")), bench.box.document(bench.spreadsheet)
    bench.box.log.reset()
    checks = checked(bench)
    assert (bench.box.log.count("write"), bench.box.document(bench.spreadsheet)) == (0, document)
    assert bench.box.log.count("read") <= 2 + 3 * len(bench.datasets)  # each tab: structure, values, marks
    assert list(bench.directory.rglob("*")) == before
    found = checks["tab: user_profiles"]
    assert found.status == "warning"
    assert found.message.splitlines() == [
        "UserProfiles was filled by something else. The first sync:",
        "· adds the column user_id, hidden",
        f"· rows that have no key (user_id) yet: {len(rows) + 1}",
        f"· taken over by email, with what stands beside them: {len(rows) - 1}",
        f"· copies of those, removed: 2 (rows {len(rows) + 1}, {len(rows) + 2})",
        f"· cells whose text becomes a number, boolean or time: {7 * (len(rows) - 1)}",
        "· of the database's rows not there yet, added: 1",
    ]
    assert "mmsync plan user_profiles" in found.hint
    assert checks["tab: course_statistics"].takes_over is not None
    run = bench.run()
    assert (run.datasets[0].inserted, run.datasets[0].deleted) == (1, 2)
    assert {one.status for one in checked(bench).values()} == {"ok"}


def test_check_fails_where_the_first_sync_would_be_refused(bench: Workbench, old: OldService) -> None:
    old.append(PROFILES, [["Eve", "Gone", "eve.gone@example.org", "1", "2", "3", "4", "0", "0", "0", ""]])
    number = len(profiles(bench)) + 2
    found = checked(bench)["tab: user_profiles"]
    assert found.status == "failed"
    assert f"match nothing in the database by email: 1 (row {number})" in found.message
    assert "mmsync sync user_profiles --remove-unmatched" in found.hint
    assert "eve" not in repr(found).lower()


def test_check_names_the_tabs_that_are_left_alone(bench: Workbench, old: OldService) -> None:
    message = checked(bench)["spreadsheet"].message
    assert "left alone: Sheet1, QuizResponses, EngagementLogs, ChatLogs, CourseProgress, Dashboard, Team" in message
    assert "sync.toml.example has a dataset, switched off, for QuizResponses" in message


def test_check_says_of_a_former_log_what_to_do_with_it(bench: Workbench, old: OldService) -> None:
    """Its rows have no key and nothing unique to match on: a new tab is the way."""
    query = "SELECT id, user_id, quiz_id FROM quiz_responses"
    bench.datasets = [bench.dataset(name="quiz_responses", tab="QuizResponses", query=query)]
    found = checked(bench)["tab: quiz_responses"]
    assert (found.status, "rename the tab" in found.hint) == ("failed", True)
    query = "SELECT user_id, id AS session_id, course_id FROM user_course_sessions"
    bench.datasets = [bench.dataset(name="progress", tab="CourseProgress", key=("session_id",), query=query)]
    found = checked(bench)["tab: progress"]  # old rows have something in the key's column
    assert (found.status, "rename the tab" in found.hint) == ("failed", True)
    query = "SELECT id, user_id, quiz_id FROM quiz_responses"
    bench.datasets = [bench.dataset(name="quiz_responses", tab="QuizResponses", query=query)]
    bench.person.rename_tab("QuizResponses", "QuizResponses (old)")
    assert bench.run().ok
    assert len(bench.grid("QuizResponses (old)")) == 3
    assert bench.grid("QuizResponses")[0] == ["id", "user_id", "quiz_id"]
