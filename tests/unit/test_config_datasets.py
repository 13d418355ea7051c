"""Datasets: the built-in ones, one's own, what an entry inherits, and what may not stand together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.config import parse_config
from moneymentor_sync.core.config_builtin import builtin_dataset
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import Column, Dataset

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
OTHER_ID = ID[::-1]
OWN = {"name": "own", "tab": "Own", "query": "SELECT id, name FROM t", "key": ["id"]}


def parse(*entries: Any, spreadsheet: str | None = ID, **sync: Any) -> tuple[Dataset, ...]:
    return parse_config(
        {
            "database": {"url": "sqlite:////srv/app.db"},
            "google": {"credentials_file": "/key.json", **({"spreadsheet_id": spreadsheet} if spreadsheet else {})},
            "sync": sync,
            **({"datasets": list(entries)} if entries else {}),
        },
        {},
        file=Path("/etc/mmsync/sync.toml"),
        places=Places(Path("/here"), Path("/home/op"), Path("/run/none")),
    ).datasets


def named(datasets: tuple[Dataset, ...], name: str) -> Dataset:
    return next(dataset for dataset in datasets if dataset.name == name)


def problems(*entries: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(*entries, **options)
    return caught.value.problems


# --- built in ---------------------------------------------------------------------------------------------


def test_user_profiles_is_built_in() -> None:
    profiles = named(parse(), "user_profiles")
    assert [column.header for column in profiles.columns] == [
        "first_name",
        "last_name",
        "email",
        "total_chats",
        "quizzes_taken",
        "day_streak",
        "days_active",
        "courses_enrolled",
        "total_course_score",
        "courses_completed",
        "course_details",
        "user_id",
    ]
    assert [column.name for column in profiles.columns if column.hidden] == ["user_id"]
    assert (profiles.tab, profiles.key, profiles.match_on) == ("UserProfiles", ("user_id",), ("email",))
    assert (profiles.builtin, profiles.query, profiles.table) == ("user_profiles", None, None)
    assert (profiles.enabled, profiles.spreadsheet_id, profiles.mode) == (True, ID, "mirror")


def test_course_statistics_is_built_in() -> None:
    statistics = named(parse(), "course_statistics")
    assert [column.header for column in statistics.columns] == [
        "First Name",
        "Last Name",
        "Email",
        "Course Name",
        "Total Questions Taken",
        "Score (%)",
        "Current Level",
        "Last Activity",
        "user_id",
    ]
    assert [column.name for column in statistics.columns] == [
        "first_name",
        "last_name",
        "email",
        "course_name",
        "total_questions_taken",
        "score",
        "current_level",
        "last_activity",
        "user_id",
    ]
    assert statistics.columns[-1].hidden
    assert statistics.columns[-2] == Column(
        "last_activity", "Last Activity", format="yyyy-mm-dd hh:mm:ss", type="datetime"
    )
    assert statistics.tab == "course_statistics"
    assert statistics.key == ("user_id", "course_name")
    assert statistics.match_on == ("email", "course_name")


def test_a_switch_or_an_entry_turns_a_builtin_off_and_the_entry_has_the_last_word() -> None:
    assert not named(parse(enable_user_profiles=False), "user_profiles").enabled
    assert not named(parse(enable_course_stats=False), "course_statistics").enabled
    assert not named(parse({"name": "user_profiles", "enabled": False}), "user_profiles").enabled
    on_again = parse({"name": "user_profiles", "enabled": True}, enable_user_profiles=False)
    assert named(on_again, "user_profiles").enabled


def test_an_entry_changes_only_what_it_names() -> None:
    changed = named(parse({"name": "user_profiles", "tab": "People", "interval_seconds": 60}), "user_profiles")
    before = named(parse(), "user_profiles")
    assert (changed.tab, changed.interval_seconds) == ("People", 60)
    assert (changed.columns, changed.key, changed.match_on) == (before.columns, before.key, before.match_on)
    assert changed.builtin == "user_profiles"


def test_an_entry_may_pick_a_builtins_columns_which_keep_the_rest() -> None:
    entry = {
        "name": "course_statistics",
        "columns": ["user_id", {"name": "course_name", "header": "Course"}, "last_activity", "email"],
    }
    statistics = named(parse(entry), "course_statistics")
    assert statistics.columns == (
        Column("user_id", "user_id", hidden=True),
        Column("course_name", "Course"),
        Column("last_activity", "Last Activity", format="yyyy-mm-dd hh:mm:ss", type="datetime"),
        Column("email", "Email"),
    )
    assert statistics.match_on == ("email", "course_name")


def test_a_builtin_without_the_columns_to_match_on_matches_on_none() -> None:
    picked = {"name": "course_statistics", "columns": ["user_id", "course_name", "score"]}
    assert named(parse(picked), "course_statistics").match_on == ()
    assert problems({**picked, "match_on": ["email"]}) == (
        (
            "datasets[0].match_on: 'email' is not among the columns; "
            "add it there, with hidden = true if nobody need see it (dataset 'course_statistics')"
        ),
    )


@pytest.mark.parametrize("source", [{"query": "SELECT 1"}, {"table": "profiles"}])
def test_an_entry_may_bring_a_builtins_query(source: dict[str, str]) -> None:
    profiles = named(parse({"name": "user_profiles", **source}), "user_profiles")
    assert profiles.builtin is None
    assert (profiles.query, profiles.table) == (source.get("query"), source.get("table"))
    assert profiles.columns == builtin_dataset("user_profiles").columns


def test_builtins_come_first_then_the_entries_in_their_order() -> None:
    datasets = parse({**OWN, "name": "z"}, {"name": "course_statistics"}, {**OWN, "name": "a", "tab": "A"})
    assert [dataset.name for dataset in datasets] == ["user_profiles", "course_statistics", "z", "a"]


def test_a_builtin_that_is_switched_off_stands_in_nobodys_way() -> None:
    datasets = parse({**OWN, "tab": "userprofiles"}, enable_user_profiles=False)
    assert [dataset.name for dataset in datasets] == ["course_statistics", "own"]


# --- one's own --------------------------------------------------------------------------------------------


def test_a_dataset_of_ones_own_has_the_contracts_defaults() -> None:
    assert named(parse(OWN), "own") == Dataset(
        name="own",
        tab="Own",
        key=("id",),
        spreadsheet_id=ID,
        query="SELECT id, name FROM t",
        table=None,
        builtin=None,
        mode="mirror",
        columns=(),
        match_on=(),
        cursor=None,
        enabled=True,
        max_delete_fraction=0.5,
        interval_seconds=300,
        verify="auto",
    )


def test_a_dataset_of_ones_own_says_everything() -> None:
    entry = {
        "name": "own.2-x",
        "tab": "Own",
        "table": "public.t",
        "key": ["a", "b"],
        "mode": "append",
        "columns": ["a", {"name": "b", "header": "B", "hidden": True, "format": "0.0", "type": "number"}],
        "match_on": ["a"],
        "cursor": "b",
        "enabled": False,
        "max_delete_fraction": 1,
        "interval_seconds": 60,
        "verify": "15m",
        "spreadsheet_id": f"https://docs.google.com/spreadsheets/d/{OTHER_ID}/edit",
    }
    assert parse(entry)[-1] == Dataset(
        name="own.2-x",
        tab="Own",
        key=("a", "b"),
        spreadsheet_id=OTHER_ID,
        table="public.t",
        mode="append",
        columns=(Column("a", "a"), Column("b", "B", hidden=True, format="0.0", type="number")),
        match_on=("a",),
        cursor="b",
        enabled=False,
        max_delete_fraction=1.0,
        interval_seconds=60.0,
        verify=900.0,
    )


def test_the_common_interval_is_a_datasets_unless_it_has_its_own() -> None:
    datasets = parse(OWN, {**OWN, "name": "b", "tab": "B", "interval_seconds": 5}, interval_seconds=60)
    assert [dataset.interval_seconds for dataset in datasets] == [60, 60, 60, 5]


@pytest.mark.parametrize(
    ("written", "rule"), [("always", "always"), ("Auto", "auto"), ("2h", 7200.0), (90, 90.0), ("90", 90.0)]
)
def test_when_to_verify(written: object, rule: object) -> None:
    assert parse({**OWN, "verify": written})[-1].verify == rule


@pytest.mark.parametrize("written", ["SELECT 1;", " SELECT 1 ;; \n", "SELECT 1"])
def test_a_query_loses_the_semicolon_at_its_end(written: str) -> None:
    assert parse({**OWN, "query": written})[-1].query == "SELECT 1"


# --- problems ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "-x"}, "name: '-x' has more than letters, digits, _, - and . in it, or is too long"),
        ({"tab": "t" * 101}, "tab: has 101 characters; a tab's title may have 100"),
        ({"tab": 5}, "tab: expected a string, not a whole number"),
        ({"query": " ; "}, "query: is empty"),
        ({"table": "t"}, "query: query and table are both there; keep one of them"),
        ({"key": "id"}, 'key: expected a list of column names such as ["id"], not a string'),
        ({"key": []}, "key: names no column"),
        ({"mode": "sync"}, "mode: 'sync' is none of mirror, upsert, append"),
        ({"max_delete_fraction": 1.5}, "max_delete_fraction: must be from 0 to 1, not 1.5"),
        ({"interval_seconds": 0.5}, "interval_seconds: must be from 1 to 31622400, not 0.5"),
        ({"verify": "never"}, "verify: 'never' is neither always, auto nor a time such as 15m"),
        (
            {"verify": "allways"},
            "verify: 'allways' is neither always, auto nor a time such as 15m; did you mean 'always'?",
        ),
        ({"verify": 0}, "verify: must be more than nothing and at most a year, not 0 seconds"),
        ({"verify": True}, "verify: expected a time such as 15m or a number of seconds, not a boolean"),
        ({"spreadsheet_id": "x"}, None),
        ({"enabled": "yes"}, "enabled: expected true or false, not a string"),
        ({"colums": []}, "colums: unknown key; did you mean 'columns'?"),
        ({"columns": "id"}, "columns: expected a list of names or tables, not a string"),
        ({"columns": []}, "columns: names no column; leave it out to have all of them"),
        ({"columns": ["id", 5]}, "columns[1]: expected a name or a table, not a whole number"),
        ({"columns": ["id", {"header": "X"}]}, "columns[1].name: missing"),
        ({"columns": ["id", {"name": 5}]}, "columns[1].name: expected a string, not a whole number"),
        (
            {"columns": ["id", {"name": "x", "headr": "X"}]},
            "columns[1].headr: unknown key; did you mean 'header'?",
        ),
        (
            {"columns": ["id", {"name": "x", "type": "int"}]},
            "columns[1].type: 'int' is none of date, datetime, boolean, number, text",
        ),
        ({"columns": ["id", "x", "x"]}, None),
        ({"columns": ["id", {"name": "x", "header": "id "}]}, "columns: the header 'id' is there twice"),
        (
            {"columns": ["ident"]},
            "key: 'id' is not among the columns; add it there, with hidden = true if nobody need see it",
        ),
        ({"columns": ["id", "email"], "match_on": ["emial"]}, None),
        (
            {"columns": ["id", "updated_at"], "cursor": "update_at"},
            "cursor: 'update_at' is not among the columns; did you mean 'updated_at'?",
        ),
    ],
)
def test_a_problem_has_its_path_and_its_dataset(change: dict[str, Any], problem: str | None) -> None:
    found = problems({"name": "course_statistics"}, {**OWN, **change})
    assert all(each.startswith("datasets[1].") for each in found)
    if "name" not in change:
        assert all(each.endswith(" (dataset 'own')") for each in found)
    if problem is not None:
        assert [each.removeprefix("datasets[1].").removesuffix(" (dataset 'own')") for each in found] == [problem]


def test_a_column_named_twice_is_a_problem_of_name_and_header() -> None:
    found = problems({**OWN, "columns": ["id", "x", "x"]})
    assert [each.partition(": ")[2] for each in found] == [
        "the column 'x' is there twice (dataset 'own')",
        "the header 'x' is there twice (dataset 'own')",
    ]


def test_what_is_missing() -> None:
    assert [each.partition(";")[0] for each in problems({"name": "own"})] == [
        "datasets[0].query: missing",
        "datasets[0].tab: missing",
        "datasets[0].key: missing",
    ]
    assert problems({key: value for key, value in OWN.items() if key != "name"}) == ("datasets[0].name: missing",)


def test_entries_must_be_tables() -> None:
    assert problems("user_profiles", OWN) == ("datasets[0]: expected a table, not a string",)


def test_the_list_of_entries_must_be_one() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(
            {"datasets": {"name": "x"}},
            {
                "DATABASE_URL": "sqlite://",
                "GOOGLE_SHEET_ID": ID,
                "GOOGLE_APPLICATION_CREDENTIALS": "/k.json",
            },
            file=None,
            places=Places(Path("/"), Path("/"), Path("/")),
        )
    assert caught.value.problems == ("datasets: expected tables, [[datasets]], not a table",)


def test_a_name_belongs_to_one_entry() -> None:
    assert problems(OWN, {**OWN, "tab": "B"}) == (
        "datasets[1].name: is the name of datasets[0] already (dataset 'own')",
    )


def test_a_tab_belongs_to_one_dataset_of_a_spreadsheet() -> None:
    assert problems(OWN, {**OWN, "name": "b", "tab": "OWN"}) == (
        "datasets[1].tab: 'OWN' is the tab of 'own' already (dataset 'b')",
    )
    elsewhere = parse(OWN, {**OWN, "name": "b", "spreadsheet_id": OTHER_ID})
    assert [dataset.tab for dataset in elsewhere[2:]] == ["Own", "Own"]


def test_a_tab_of_a_builtin_is_taken() -> None:
    assert problems({**OWN, "tab": "UserProfiles"}) == (
        "datasets[0].tab: 'UserProfiles' is the tab of 'user_profiles' already (dataset 'own')",
    )
    assert problems({"name": "user_profiles", "tab": "course_statistics"}) == (
        (
            "datasets.tab: 'course_statistics' is the tab of 'user_profiles' already "
            "(the built-in dataset 'course_statistics')"
        ),
    )


def test_a_builtin_has_only_its_own_columns() -> None:
    found = problems({"name": "user_profiles", "columns": ["user_id", "emial", "xyz"]})
    assert [each.partition(" (")[0] for each in found] == [
        "datasets[0].columns: the built-in dataset has no column 'emial'; did you mean 'email'?",
        "datasets[0].columns: the built-in dataset has no column 'xyz'",
    ]


# --- the spreadsheet --------------------------------------------------------------------------------------


def test_no_common_spreadsheet_is_needed_where_each_dataset_has_its_own() -> None:
    switched_off: dict[str, Any] = {"enable_user_profiles": False, "enable_course_stats": False}
    datasets = parse({**OWN, "spreadsheet_id": OTHER_ID}, spreadsheet=None, **switched_off)
    assert [(dataset.name, dataset.spreadsheet_id) for dataset in datasets] == [("own", OTHER_ID)]


def test_a_dataset_without_any_spreadsheet_is_named_once() -> None:
    assert problems({**OWN, "spreadsheet_id": OTHER_ID}, {"name": "user_profiles"}, spreadsheet=None) == (
        (
            "google.spreadsheet_id: missing; give the spreadsheet's id or address here or in GOOGLE_SHEET_ID "
            "(needed by user_profiles, course_statistics)"
        ),
    )


def test_a_wrong_spreadsheet_is_not_called_missing() -> None:
    assert len(problems(OWN, spreadsheet="x")) == 1
    entry = {**OWN, "spreadsheet_id": "x"}
    assert len(problems(entry, spreadsheet=None, enable_user_profiles=False, enable_course_stats=False)) == 1
