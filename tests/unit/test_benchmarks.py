"""The benchmarks can be started, their data is as they say, and a missed target is told."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from benchmarks import cells, first_sync, people, rivals
from benchmarks.figures import Figure, count, document, memory, ratio, seconds, show, size
from benchmarks.run import MEASURES, ONLY_FULL, arguments, measure
from benchmarks.scene import HERE, TAB, run, scene
from benchmarks.setting import Setting
from rich.console import Console


def rows(database: Path) -> list[tuple[object, ...]]:
    return list(people.read_people(database))


def test_the_table_is_the_same_every_time_and_has_every_kind_of_value(tmp_path: Path) -> None:
    people.make_database(tmp_path / "one.db", 200)
    people.make_database(tmp_path / "two.db", 200)
    found = rows(tmp_path / "one.db")
    assert found == rows(tmp_path / "two.db")
    assert len(found) == 200
    assert len(found[0]) == len(people.COLUMNS) == 11
    assert {type(value) for row in found for value in row} == {int, str, float, type(None)}


@pytest.mark.parametrize("columns", [("points", "level", "score"), people.COLUMNS[1:]])
def test_a_change_changes_just_the_cells_it_names(tmp_path: Path, columns: tuple[str, ...]) -> None:
    database = tmp_path / "source.db"
    people.make_database(database, 100)
    before = rows(database)
    assert people.change(database, columns, every=10) == 10
    changed = {
        (old[0], name)
        for old, new in zip(before, rows(database), strict=True)
        for name, left, right in zip(people.COLUMNS, old, new, strict=True)
        if left != right
    }
    assert changed == {(number, name) for number in range(10, 101, 10) for name in columns}


def test_a_target_is_the_most_or_what_it_must_be() -> None:
    assert count("n", "", 1, 1).met
    assert count("n", "", 0, 1).met
    assert not count("n", "", 2, 1).met
    assert not count("n", "", 0, 1, exactly=True).met
    assert seconds("n", "", 5).met is None


@pytest.mark.parametrize(
    ("figure", "fails"),
    [
        (count("n", "", 2, 1), True),
        (size("n", "", 301, 300), True),
        (size("n", "", 300, 300), False),
        (ratio("n", "", 9.9, 3), False),
        (memory("n", "", 400e6, 350e6), False),
        (count("n", "", 9), False),
    ],
)
def test_only_what_does_not_depend_on_the_machine_fails_the_quick_form(figure: Figure, fails: bool) -> None:
    assert figure.fails is fails


def test_what_is_missed_is_plain_in_the_table_and_in_the_document() -> None:
    figures = [count("calls", "calls made", 2, 1), ratio("speed", "against the other", 1.5, 3)]
    console = Console(width=120, record=True, file=StringIO())
    show(console, "title", figures)
    lines = console.export_text().splitlines()
    assert any("calls" in line and "MISSED" in line for line in lines)
    assert any("speed" in line and "1.50 x" in line and "met" in line for line in lines)
    content = document(figures, rows=10, quick=True, notes=("note",))
    assert [one["met"] for one in json.loads(json.dumps(content))["figures"]] == [False, True]


def test_a_process_is_measured_and_its_failure_told(tmp_path: Path) -> None:
    child = run([sys.executable, "-c", "x = b'a' * 50_000_000; print(len(x))"], tmp_path)
    assert child.output == "50000000\n"
    assert child.peak_bytes > 50_000_000
    assert child.seconds > 0
    with pytest.raises(RuntimeError, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)


def test_a_scene_syncs_and_counts_what_was_asked(tmp_path: Path) -> None:
    database = tmp_path / "source.db"
    people.make_database(database, 30)
    with scene(database) as place:
        first = place.sync()
        assert first.datasets[0]["inserted"] == 30
        assert first.requests.writes
        assert place.filled_rows("People") == 31
        again = place.sync()
        assert (again.datasets[0]["result"], again.requests.writes, again.requests.reads) == ("unchanged", (), 1)
    with closing(sqlite3.connect(database)) as source:
        assert source.execute("SELECT count(*) FROM people").fetchone() == (30,)


def _rows(*rows: str) -> list[msgspec.Raw]:
    return [msgspec.Raw(row.encode()) for row in rows]


@pytest.mark.parametrize(
    ("theirs", "ours", "found"),
    [
        ('{"numberValue":1}', '{"numberValue":1.0}', None),
        ('{"numberValue":46023.123456789012}', '{"numberValue":46023.1234567890}', None),
        (
            '{"numberValue":46023.123457}',
            '{"numberValue":46023.123456}',
            "numberValue 46023.123457, not numberValue 46023.123456",
        ),
        ('{"numberValue":1}', '{"boolValue":true}', "numberValue 1, not boolValue True"),
        ('{"stringValue":"1"}', '{"numberValue":1}', "stringValue '1', not numberValue 1"),
        ('{"stringValue":"a"}', '{"stringValue":"b"}', "stringValue 'a', not stringValue 'b'"),
        ("null", '{"stringValue":"b"}', "blank, not stringValue 'b'"),
    ],
)
def test_two_tabs_are_the_same_where_every_value_and_its_type_are(
    theirs: str, ours: str, found: str | None
) -> None:
    left, right = (_rows("{}", f'{{"values":[{{}},{{"userEnteredValue":{cell}}}]}}') for cell in (theirs, ours))
    assert cells.difference(left, right) == (f"row 2, column 2: {found}" if found else None)


def test_a_row_that_only_one_tab_has_is_a_difference() -> None:
    more = _rows("{}", '{"values":[{"userEnteredValue":{"boolValue":false}}]}')
    assert cells.difference(more[:1], more) == "row 2, column 1: blank, not boolValue False"
    assert cells.difference(more, more[:1]) == "row 2, column 1: boolValue False, not blank"


def test_who_has_a_target_leaves_our_cells_and_who_has_none_for_it_others(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 40, 40, 1, True, tmp_path)
    with scene(setting.database()) as place:
        place.sync()
        ours = cells.rows_of(place, TAB)
    found: dict[str, str | None] = {}
    for name, put in rivals.available(setting).items():
        with scene(setting.database()) as place:
            put(place)
            found[name] = cells.difference(cells.rows_of(place, TAB), ours)
    assert {name for name, what in found.items() if what is None} == rivals.TO_BEAT
    assert found["gspread-raw"] == "row 2, column 9: numberValue 0, not boolValue False"


def test_a_rival_with_a_target_that_leaves_other_cells_ends_the_run(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 20, 20, 1, True, tmp_path)
    others = dict(rivals.available(setting))
    everybody = {"mmsync": first_sync._ours, "gspread": others["gspread-raw"]}
    with pytest.raises(RuntimeError, match="gspread did not put the same table there; row 2, column 9"):
        list(first_sync._in_turns(setting, "mmsync", everybody, 20, 1))


def test_the_measures_of_a_few_rows_meet_their_fixed_targets() -> None:
    options = arguments(["--quick", "--rows", "2000", "--only", "first"])
    console = Console(width=120, file=StringIO())
    figures, rows = measure(options, console)
    assert rows == 2_000
    assert [one.name for one in figures if one.fails] == []
    assert {"first.new.writes", "first.new.largest"} <= {one.name for one in figures if one.met}


def test_the_quick_form_leaves_out_only_what_takes_minutes() -> None:
    assert set(MEASURES) > ONLY_FULL == {"memory"}
    with pytest.raises(SystemExit):
        arguments(["--only", "nonsense"])


def test_the_readme_names_every_measure() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"| `{name}` |" not in text] == []
