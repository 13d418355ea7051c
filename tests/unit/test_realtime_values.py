"""Names of tables, the SQL made of them, the settings, and what an operator sees: values only."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.cli.status_view import status_view
from moneymentor_sync.core.config import parse_config
from moneymentor_sync.core.config_builtin import builtin_dataset
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.reads import Reads, TableName, concerned, without_asking
from moneymentor_sync.core.realtime import Hearing
from moneymentor_sync.core.settings import Config
from moneymentor_sync.core.trigger_sql import install_sql, quoted, remove_sql
from tests.listeners import dataset

from .screens import NOW, VIEW, lines, status

PLACES = Places(working_directory=Path("/here"), home=Path("/home/op"), runtime=Path("/run/none"))
ENOUGH = {
    "DATABASE_URL": "sqlite:////srv/app.db",
    "GOOGLE_SHEET_ID": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe",
    "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
}


def config(text: str) -> Config:
    return parse_config(tomllib.loads(text), ENOUGH, file=Path("/etc/sync.toml"), places=PLACES)


# --- settings -----------------------------------------------------------------------------------------------


def test_the_settings_are_read() -> None:
    found = config(
        "[database]\nlisten = false\n[sync]\ndebounce_seconds = 0.5\nmax_delay_seconds = 5\n"
        '[[datasets]]\nname = "a"\ntab = "A"\nkey = ["id"]\nquery = "SELECT 1"\ntables = ["x", "s.y"]\n'
        '[[datasets]]\nname = "b"\ntab = "B"\nkey = ["id"]\nquery = "SELECT 1"\ntables = []\n'
    )
    assert found.database.listen is False
    assert (found.sync.debounce_seconds, found.sync.max_delay_seconds) == (0.5, 5.0)
    assert [one.tables for one in found.datasets[2:]] == [("x", "s.y"), ()]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[sync]\ndebounce_seconds = -1", "sync.debounce_seconds: must be from 0 to 3600"),
        ("[sync]\nmax_delay_seconds = 0", "sync.max_delay_seconds: must be from 1 to 3600"),
        ('[database]\nlisten = "maybe"', "database.listen: expected true or false"),
        (
            '[[datasets]]\nname = "a"\ntab = "A"\nkey = ["id"]\nquery = "SELECT 1"\ntables = "x"',
            "datasets[0].tables: expected a list of table names",
        ),
        (
            '[[datasets]]\nname = "a"\ntab = "A"\nkey = ["id"]\nquery = "SELECT 1"\ntables = ["x", "x"]',
            "datasets[0].tables: names a table twice",
        ),
    ],
)
def test_a_wrong_setting_is_a_problem(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(text)
    (found,) = caught.value.problems
    assert found.startswith(problem)


# --- names --------------------------------------------------------------------------------------------------


def test_what_is_known_without_asking() -> None:
    assert without_asking(dataset("d", "SELECT 1")) is None
    assert without_asking(dataset("d", table="s.t")) == Reads(frozenset({TableName("s", "t")}))
    assert without_asking(dataset("d", "SELECT 1", tables=())) == Reads(frozenset())
    builtin = without_asking(builtin_dataset("user_profiles"))
    assert builtin is not None and TableName(None, "users") in builtin.tables


def test_a_changed_table_concerns_who_reads_it() -> None:
    reads = {
        "one": Reads(frozenset({TableName("public", "a"), TableName("public", "b")})),
        "two": Reads(frozenset({TableName(None, "b")})),
        "none": Reads(frozenset()),
    }
    assert concerned(reads, ["public.b"]) == {"one", "two"}
    assert concerned(reads, ["other.b"]) == {"two"}
    assert concerned(reads, ["public.a", "public.x"]) == {"one"}
    assert concerned(reads, ["public.x", "?mmsync 1", ""]) == frozenset()


def test_names_are_quoted_whatever_is_in_them() -> None:
    assert quoted(TableName('s"; DROP', "t.t")) == '"s""; DROP"."t.t"'
    assert quoted(TableName(None, "Users")) == '"Users"'


def test_a_comment_ends_with_its_line() -> None:
    evil = "x\nDROP TABLE users; --"
    for script in (
        install_sql({TableName("s", "t"): [evil]}),
        remove_sql([], [], kept={TableName(None, evil): ["d"]}),
    ):
        assert not any(line.startswith("DROP TABLE") for line in script.splitlines())


def test_each_schema_has_its_function_and_each_table_its_trigger() -> None:
    script = install_sql({TableName("b", "t"): ["d"], TableName("a", "t"): ["d"], TableName("a", "u"): ["d", "e"]})
    assert script.count("CREATE OR REPLACE FUNCTION") == 2
    assert script.count("CREATE TRIGGER") == 3
    assert script.index("BEGIN;") < script.index("CREATE") < script.index("COMMIT;")
    assert "-- read by d, e" in script
    assert "-- A write straight into a partition is not told" in script


# --- the screen ---------------------------------------------------------------------------------------------


def line_of(width: int = 80, **given: Any) -> list[str]:
    shown = lines(status_view(status(hearing=Hearing(**given)), VIEW, width=width), width)
    begin = next((number for number, line in enumerate(shown) if line.startswith("real time")), None)
    if begin is None:
        return []
    end = next(number for number, line in enumerate(shown) if number > begin and not line.startswith(" "))
    return [line.removeprefix("real time").strip() for line in shown[begin:end]]


def test_the_screen_says_whether_changes_are_heard() -> None:
    assert line_of() == []
    assert line_of(source="listen", state="connecting", since=NOW) == ["connecting"]
    assert line_of(source="listen", state="listening", since=NOW) == ["PostgreSQL tells of changes, none yet"]
    assert line_of(source="data_version", state="listening", since=NOW, last_change=NOW - 90) == [
        "the SQLite file is watched, last 1 min ago"
    ]


def test_the_screen_names_datasets_that_no_table_tells_of() -> None:
    assert line_of(source="listen", state="listening", unheard=("a", "b")) == [
        "PostgreSQL tells of changes, none yet",
        "not for a, b: no table tells of it",
        '→ name the tables in the dataset: `tables = ["…"]`',
    ]


def test_the_screen_says_why_not() -> None:
    assert line_of(source="listen", state="lost", since=NOW - 5, error="gone\x1b") == [
        "no change is heard of since 11:59:55: gone�"
    ]
    assert line_of(source="listen", state="listening", untold=("a", "b", "c", "d")) == [
        "PostgreSQL tells of changes, none yet",
        "not of a, b, c and 1 more, without a trigger",
        "→ `mmsync triggers` prints the SQL for it",
    ]
