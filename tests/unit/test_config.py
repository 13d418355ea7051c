"""parse_config: precedence, defaults, credentials, paths; and all problems at once, whatever comes in."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.config import SETTINGS, parse_config
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import (
    BackupSettings,
    Config,
    DatabaseSettings,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SyncSettings,
)

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
OTHER_ID = ID[::-1]
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
FILE = Path("/etc/mmsync/sync.toml")
PLACES = Places(working_directory=Path("/here"), home=Path("/home/op"), runtime=Path("/run/none"))
ENOUGH = {
    "DATABASE_URL": "sqlite:////srv/app.db",
    "GOOGLE_SHEET_ID": ID,
    "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
}


def parse(
    toml: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    *,
    file: Path | None = FILE,
    places: Places = PLACES,
    overrides: dict[str, object] | None = None,
) -> Config:
    """With what every configuration needs; an environment replaces only what it names."""
    return parse_config(
        toml or {}, {**ENOUGH, **(environment or {})}, file=file, places=places, overrides=overrides
    )


def problems(*args: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(*args, **options)
    return caught.value.problems


def test_the_environment_alone_is_enough() -> None:
    config = parse(file=None)
    assert config == Config(
        database=DatabaseSettings("sqlite:////srv/app.db"),
        google=GoogleSettings(ID, ServiceAccount(file=Path("/srv/key.json"))),
        sync=SyncSettings(),
        state_path=Path("/home/op/.local/state/mmsync/state.db"),
        socket_path=Path("/run/none/control.sock"),
        log=LogSettings(),
        datasets=config.datasets,
        file=None,
        backup=BackupSettings(directory=Path("/home/op/.local/state/mmsync/backups")),
    )
    assert [dataset.name for dataset in config.datasets] == ["user_profiles", "course_statistics"]


def test_the_defaults_are_the_contracts() -> None:
    config = parse()
    assert config.database.statement_timeout_seconds == 300
    assert config.google == replace(config.google, api_endpoint=None, timeout_seconds=60, max_cells=10_000_000)
    assert config.sync == SyncSettings(
        interval_seconds=300,
        max_retries=3,
        retry_delay_seconds=5,
        max_consecutive_failures=5,
        health_check_interval=60,
        enable_course_stats=True,
        enable_user_profiles=True,
        timezone="UTC",
        long_text="cut",
    )
    assert config.log == LogSettings(level="info", format="auto")


def test_the_file_sets_everything() -> None:
    config = parse_config(
        {
            "database": {"url": "postgres://u:p@h/db", "statement_timeout_seconds": 10},
            "google": {
                "spreadsheet_id": f"https://docs.google.com/spreadsheets/d/{ID}/edit",
                "credentials_file": "key.json",
                "api_endpoint": "http://127.0.0.1:8080/",
                "timeout_seconds": 5.5,
                "max_cells": 1000,
            },
            "sync": {
                "interval_seconds": 1,
                "max_retries": 0,
                "retry_delay_seconds": 0.5,
                "max_consecutive_failures": 1,
                "health_check_interval": 10,
                "enable_course_stats": False,
                "enable_user_profiles": False,
                "timezone": "Europe/Berlin",
                "long_text": "refuse",
            },
            "state": {"path": "state.db"},
            "control": {"socket": "~/control.sock"},
            "log": {"level": "debug", "format": "json"},
        },
        {},
        file=FILE,
        places=PLACES,
    )
    assert config.database == DatabaseSettings("postgresql+psycopg://u:p@h/db", 10)
    assert config.google == GoogleSettings(
        ID, ServiceAccount(file=Path("/etc/mmsync/key.json")), "http://127.0.0.1:8080", 5.5, 1000
    )
    assert config.sync == SyncSettings(1, 0, 0.5, 1, 10, False, False, "Europe/Berlin", "refuse")
    assert config.state_path == Path("/etc/mmsync/state.db")
    assert config.socket_path == Path("/home/op/control.sock")
    assert config.log == LogSettings("debug", "json")
    assert config.file == FILE
    assert [dataset.enabled for dataset in config.datasets] == [False, False]


def test_the_environment_sets_what_the_contract_says() -> None:
    config = parse(
        environment={
            "MMSYNC_GOOGLE_API_ENDPOINT": "http://localhost:1",
            "SYNC_INTERVAL_SECONDS": "60",
            "SYNC_MAX_RETRIES": "7",
            "SYNC_RETRY_DELAY_SECONDS": "1.5",
            "SYNC_MAX_CONSECUTIVE_FAILURES": "9",
            "SYNC_HEALTH_CHECK_INTERVAL": "30",
            "SYNC_ENABLE_COURSE_STATS": "no",
            "SYNC_ENABLE_USER_PROFILES": "0",
            "MMSYNC_STATE": "state.db",
            "MMSYNC_SOCKET": "/run/x.sock",
            "MMSYNC_LOG_LEVEL": "WARNING",
            "MMSYNC_LOG_FORMAT": "console",
        }
    )
    assert config.google.api_endpoint == "http://localhost:1"
    assert config.sync == SyncSettings(60, 7, 1.5, 9, 30, False, False)
    assert config.state_path == Path("/here/state.db")
    assert config.socket_path == Path("/run/x.sock")
    assert config.log == LogSettings("warning", "console")


# --- precedence -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_file", [None, 10])
@pytest.mark.parametrize("in_environment", [None, "", "20"])
@pytest.mark.parametrize("on_command_line", [None, 30, "30"])
def test_command_line_before_environment_before_file_before_default(
    in_file: int | None, in_environment: str | None, on_command_line: int | str | None
) -> None:
    config = parse(
        {} if in_file is None else {"sync": {"interval_seconds": in_file}},
        {} if in_environment is None else {"SYNC_INTERVAL_SECONDS": in_environment},
        overrides={"sync.interval_seconds": on_command_line},
    )
    expected = 30 if on_command_line else 20 if in_environment else in_file or 300
    assert config.sync.interval_seconds == expected


def test_a_false_in_a_higher_layer_wins_over_a_true() -> None:
    config = parse({"sync": {"enable_user_profiles": True}}, {"SYNC_ENABLE_USER_PROFILES": "false"})
    assert config.sync.enable_user_profiles is False


def test_a_value_that_another_outranks_is_read_all_the_same() -> None:
    found = problems({"sync": {"max_retries": -1}}, {"SYNC_MAX_RETRIES": "abc"}, overrides={"sync.max_retries": 3})
    assert found == (
        "sync.max_retries: must be from 0 to 100, not -1",
        "SYNC_MAX_RETRIES: 'abc' is not a whole number",
    )


def test_the_command_line_is_checked_too() -> None:
    assert problems(overrides={"sync.max_retries": "x", "sync.max_retrys": 1}) == (
        "sync.max_retrys (command line): unknown setting; did you mean 'sync.max_retries'?",
        "sync.max_retries (command line): 'x' is not a whole number",
    )


# --- problems ---------------------------------------------------------------------------------------------


def test_all_problems_at_once_each_with_its_path() -> None:
    found = problems(
        {
            "interval_seconds": 5,
            "databas": {},
            "google": {"spreadsheet": ID, "timeout_seconds": "60", "time out": 1},
            "sync": {"timezone": "Mars", "enable_course_stats": 1},
            "log": "info",
            "datasets": [{"name": "a", "tab": "A", "query": "SELECT 1", "key": ["id"], "mode": "mirorr"}],
        },
        {"SYNC_MAX_RETRIES": "abc"},
    )
    assert found == (
        "interval_seconds: unknown; did you mean 'sync.interval_seconds'?",
        "databas: unknown; did you mean 'database'?",
        "google.spreadsheet: unknown key; did you mean 'spreadsheet_id'?",
        "google.'time out': unknown key; did you mean 'timeout_seconds'?",
        "log: expected a table, [log], not a string",
        "SYNC_MAX_RETRIES: 'abc' is not a whole number",
        "sync.enable_course_stats: expected true or false, not a whole number",
        "sync.timezone: 'Mars' is no time zone such as Europe/Berlin",
        "google.timeout_seconds: expected a number, not a string",
        "datasets[0].mode: 'mirorr' is none of mirror, upsert, append; did you mean 'mirror'? (dataset 'a')",
    )


def test_the_error_is_one_with_exit_code_78() -> None:
    with pytest.raises(ConfigError) as caught:
        parse({"x": 1, "y": 2})
    assert caught.value.exit_code == 78
    assert str(caught.value) == "the configuration has 2 problems: x: unknown; y: unknown"


def test_with_nothing_at_all_it_says_what_is_missing_and_how_to_begin() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({}, {}, file=None, places=PLACES)
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "google.credentials_file: missing",
        "database.url: missing",
        "google.spreadsheet_id: missing",
    ]
    assert "mmsync init" in caught.value.hint


def test_a_wrong_value_is_not_called_missing_too() -> None:
    found = problems(
        environment={"DATABASE_URL": "x", "GOOGLE_SHEET_ID": "y", "GOOGLE_APPLICATION_CREDENTIALS": "~z"}
    )
    assert len(found) == 3
    assert not any("missing" in problem for problem in found)


def test_a_password_is_in_no_problem_and_no_repr() -> None:
    found = problems(environment={"DATABASE_URL": "postgresql://u:hunter2@h:x/d", "SYNC_MAX_RETRIES": "y"})
    assert "hunter2" not in " ".join(found)
    assert "hunter2" not in repr(parse(environment={"DATABASE_URL": "postgresql://u:hunter2@h/d"}))


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([ID, "mirror", "auto", "15m", "email", "user_id", 10**400, dt.date(2026, 1, 1)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "header", "type", "x"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
DATASET_KEYS = [
    *("name", "tab", "query", "table", "key", "mode", "columns", "match_on", "cursor", "enabled"),
    *("max_delete_fraction", "interval_seconds", "verify", "spreadsheet_id", "nonsense"),
]
ENTRIES = st.lists(
    st.dictionaries(st.sampled_from(DATASET_KEYS), JSON_LIKE, max_size=8)
    | st.fixed_dictionaries(
        {"name": st.sampled_from(["user_profiles", "course_statistics", "own"])},
        optional={"columns": JSON_LIKE, "key": JSON_LIKE, "query": JSON_LIKE, "tab": JSON_LIKE},
    ),
    max_size=3,
)
TABLES = {
    table: JSON_LIKE
    | st.dictionaries(
        st.sampled_from([s.path.partition(".")[2] for s in SETTINGS if s.path.startswith(table + ".")]),
        JSON_LIKE,
    )
    for table in ("database", "google", "sync", "state", "control", "log")
}
VARIABLES = sorted(
    {name for setting in SETTINGS for name in setting.variables}
    | {"GOOGLE_CLIENT_EMAIL", "GOOGLE_PRIVATE_KEY", "STATE_DIRECTORY", "XDG_RUNTIME_DIR"}
)


@pytest.mark.parametrize(
    ("path", "least", "most", "step"),
    [
        ("database.statement_timeout_seconds", 0.1, 86_400, 0.05),
        ("google.timeout_seconds", 0.1, 3_600, 0.05),
        ("google.max_cells", 1, 100_000_000, 1),
        ("sync.interval_seconds", 1, 31_622_400, 0.5),
        ("sync.max_retries", 0, 100, 1),
        ("sync.retry_delay_seconds", 0, 3_600, 0.5),
        ("sync.max_consecutive_failures", 1, 1_000_000, 1),
        ("sync.health_check_interval", 1, 86_400, 0.5),
    ],
)
def test_a_number_has_its_limits(path: str, least: float, most: float, step: float) -> None:
    table, _, key = path.partition(".")
    for value in (least, most):
        parse({table: {key: value}})
    for value in (least - step, most + step):
        (found,) = problems({table: {key: value}})
        assert found.startswith(f"{path}: must be from ")


@given(
    st.fixed_dictionaries({}, optional={**TABLES, "datasets": ENTRIES | JSON_LIKE, "nonsense": JSON_LIKE}),
    st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=8)),
    st.dictionaries(st.sampled_from([setting.path for setting in SETTINGS]), JSON_LIKE, max_size=2),
)
def test_whatever_comes_in_a_config_or_a_config_error_comes_out(
    toml: dict[str, Any], environment: dict[str, str], overrides: dict[str, object]
) -> None:
    try:
        config = parse_config(toml, {**ENOUGH, **environment}, file=FILE, places=PLACES, overrides=overrides)
    except ConfigError as error:
        assert error.problems
        assert all("\n" not in problem for problem in error.problems)
        assert len(set(error.problems)) == len(error.problems)
    else:
        names = [dataset.name for dataset in config.datasets]
        assert len(set(names)) == len(names)
        assert all(dataset.key and dataset.tab and dataset.spreadsheet_id for dataset in config.datasets)


# --- the spreadsheet --------------------------------------------------------------------------------------


def test_the_spreadsheets_two_variables_may_agree() -> None:
    address = f"https://docs.google.com/spreadsheets/d/{ID}/edit"
    assert parse(environment={"GOOGLE_SHEETS_SPREADSHEET_ID": address}).google.spreadsheet_id == ID
    only = parse(environment={"GOOGLE_SHEET_ID": "", "GOOGLE_SHEETS_SPREADSHEET_ID": OTHER_ID})
    assert only.google.spreadsheet_id == OTHER_ID


def test_the_spreadsheets_two_variables_may_not_differ() -> None:
    assert problems(environment={"GOOGLE_SHEETS_SPREADSHEET_ID": OTHER_ID}) == (
        "GOOGLE_SHEET_ID and GOOGLE_SHEETS_SPREADSHEET_ID: both set, and different; keep one of them",
    )


# --- credentials ------------------------------------------------------------------------------------------

NO_URL = {"DATABASE_URL": ""}
WITH_URL = replace(PLACES, database_credential="postgresql://u:hunter2@db/app")


def test_the_databases_url_from_systemd_where_nothing_else_gives_one() -> None:
    config = parse(environment=NO_URL, places=WITH_URL)
    assert config.database.url == "postgresql+psycopg://u:hunter2@db/app"
    assert "hunter2" not in repr(WITH_URL)


@pytest.mark.parametrize(
    "given",
    [
        {"environment": {"DATABASE_URL": "sqlite:////srv/app.db"}},
        {"environment": NO_URL, "toml": {"database": {"url": "sqlite:////srv/app.db"}}},
        {"environment": NO_URL, "overrides": {"database.url": "sqlite:////srv/app.db"}},
    ],
)
def test_the_databases_url_from_anywhere_else_before_systemds(given: dict[str, Any]) -> None:
    assert parse(**given, places=WITH_URL).database.url == "sqlite:////srv/app.db"


def test_a_relative_file_in_systemds_credential_starts_at_the_working_directory() -> None:
    places = replace(PLACES, database_credential="sqlite:///app.db")
    assert parse(environment=NO_URL, places=places).database.url == "sqlite:////here/app.db"


def test_a_wrong_url_in_systemds_credential_is_named_and_not_shown() -> None:
    places = replace(PLACES, database_credential="hunter2")
    (problem,) = problems(environment=NO_URL, places=places)
    assert problem.startswith("database.url (systemd credential database_url): is not a database URL")
    assert "hunter2" not in problem


NO_FILE = {"GOOGLE_APPLICATION_CREDENTIALS": ""}
PAIR = {
    "GOOGLE_CLIENT_EMAIL": "sync@p.iam.gserviceaccount.com",
    "GOOGLE_PRIVATE_KEY": PEM.replace("\n", "\\n"),
}
IN_FILE = {"google": {"credentials_file": "key.json"}}
WITH_CREDENTIAL = replace(PLACES, google_credential=Path("/run/credentials/mmsync/google"))
ACCOUNT = ServiceAccount(client_email="sync@p.iam.gserviceaccount.com", private_key=PEM)


def test_credentials_as_a_key_file_before_all_others() -> None:
    config = parse(IN_FILE, PAIR, places=WITH_CREDENTIAL)
    assert config.google.account == ServiceAccount(file=Path("/srv/key.json"))


def test_credentials_as_email_and_key_before_systemds_and_the_files() -> None:
    assert parse(IN_FILE, {**NO_FILE, **PAIR}, places=WITH_CREDENTIAL).google.account == ACCOUNT
    assert "MIIE" not in repr(ACCOUNT)


def test_credentials_from_systemd_before_the_files() -> None:
    config = parse(IN_FILE, NO_FILE, places=WITH_CREDENTIAL)
    assert config.google.account == ServiceAccount(file=WITH_CREDENTIAL.google_credential)


def test_credentials_from_the_file() -> None:
    assert parse(IN_FILE, NO_FILE).google.account == ServiceAccount(file=Path("/etc/mmsync/key.json"))


def test_credentials_from_the_command_line_before_the_environments() -> None:
    config = parse(environment=PAIR, overrides={"google.credentials_file": "mine.json"})
    assert config.google.account == ServiceAccount(file=Path("/here/mine.json"))


BOTH = "google.credentials_files: set beside google.credentials_file; keep one of them: the pool names all its keys"
POOL = {"google": {"credentials_files": ["a.json", "/keys/b.json"]}}


def test_a_pool_of_key_files() -> None:
    google = parse(POOL, NO_FILE).google
    assert google.accounts == (
        ServiceAccount(file=Path("/etc/mmsync/a.json")),
        ServiceAccount(file=Path("/keys/b.json")),
    )
    assert google.account == google.accounts[0]
    assert (google.project_requests_per_minute, google.account_requests_per_minute) == (300, 60)


@pytest.mark.parametrize(
    ("environment", "places", "account"),
    [
        ({}, PLACES, ServiceAccount(file=Path("/srv/key.json"))),
        ({**NO_FILE, **PAIR}, PLACES, ACCOUNT),
        (NO_FILE, WITH_CREDENTIAL, ServiceAccount(file=WITH_CREDENTIAL.google_credential)),
    ],
)
def test_the_environments_key_goes_before_a_pool(
    environment: dict[str, str], places: Places, account: ServiceAccount
) -> None:
    assert parse(POOL, environment, places=places).google.accounts == (account,)


def test_a_pool_from_the_command_line_before_the_environments_key() -> None:
    google = parse(environment=PAIR, overrides={"google.credentials_files": ["c.json", "d.json"]}).google
    assert [account.file for account in google.accounts] == [Path("/here/c.json"), Path("/here/d.json")]


@pytest.mark.parametrize(
    ("google", "problem"),
    [
        (
            {"credentials_file": "k.json", "credentials_files": ["a.json"]},
            BOTH,
        ),
        (
            {"credentials_files": ["a.json", "../mmsync/a.json", "/etc/mmsync/a.json"]},
            "google.credentials_files: names a key file twice; each is to be of another service account",
        ),
        ({"credentials_files": []}, "google.credentials_files: names no key file"),
        (
            {"credentials_files": "a.json"},
            'google.credentials_files: expected a list of key files such as ["a.json", "b.json"], not a string',
        ),
        (
            {"credentials_files": ['{"private_key": "hunter2"}']},
            "google.credentials_files: holds a key; put the key into a file and give the path of that",
        ),
        (
            {"credentials_files": ["a.json"], "account_requests_per_minute": 0},
            "google.account_requests_per_minute: must be from 1 to 1000000, not 0",
        ),
    ],
)
def test_a_pool_that_is_none(google: dict[str, object], problem: str) -> None:
    assert problems({"google": google}, NO_FILE) == (problem,)


@pytest.mark.parametrize(
    ("set_one", "missing"),
    [("GOOGLE_CLIENT_EMAIL", "GOOGLE_PRIVATE_KEY"), ("GOOGLE_PRIVATE_KEY", "GOOGLE_CLIENT_EMAIL")],
)
def test_half_a_credential_is_a_problem(set_one: str, missing: str) -> None:
    assert problems(IN_FILE, {**NO_FILE, set_one: PAIR[set_one]}) == (
        f"{missing}: missing, while {set_one} is set; the two belong together",
    )


def test_damaged_halves_are_each_a_problem_and_never_shown() -> None:
    found = problems(environment={**NO_FILE, "GOOGLE_CLIENT_EMAIL": "hunter2", "GOOGLE_PRIVATE_KEY": "hunter2"})
    assert [problem.partition(":")[0] for problem in found] == ["GOOGLE_CLIENT_EMAIL", "GOOGLE_PRIVATE_KEY"]
    assert "hunter2" not in " ".join(found)


# --- paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"STATE_DIRECTORY": "/var/lib/mmsync", "XDG_STATE_HOME": "/x"}, "/var/lib/mmsync/state.db"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/state.db"),
        ({"XDG_STATE_HOME": "/x"}, "/x/mmsync/state.db"),
        ({"XDG_STATE_HOME": "relative"}, "/home/op/.local/state/mmsync/state.db"),
        ({"MMSYNC_STATE": "~/s.db", "STATE_DIRECTORY": "/var/lib/mmsync"}, "/home/op/s.db"),
    ],
)
def test_where_the_state_is(environment: dict[str, str], path: str) -> None:
    assert parse(environment=environment).state_path == Path(path)


def test_without_a_home_the_state_must_be_given() -> None:
    homeless = replace(PLACES, home=None)
    assert problems(places=homeless) == (
        "state.path: missing; no home directory is known: give a path here or in MMSYNC_STATE",
    )
    assert len(problems({"state": {"path": 5}}, places=homeless)) == 1
    assert parse(environment={"MMSYNC_STATE": "/s.db"}, places=homeless).state_path == Path("/s.db")


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"RUNTIME_DIRECTORY": "/run/mmsync:/run/b", "XDG_RUNTIME_DIR": "/x"}, "/run/mmsync/control.sock"),
        ({"XDG_RUNTIME_DIR": "/run/user/1000"}, "/run/user/1000/mmsync/control.sock"),
        ({"XDG_RUNTIME_DIR": "relative"}, "/run/none/control.sock"),
        ({}, "/run/none/control.sock"),
    ],
)
def test_where_the_socket_is(environment: dict[str, str], path: str) -> None:
    assert parse(environment=environment).socket_path == Path(path)


def test_a_sockets_path_has_a_limit() -> None:
    fits = "/" + "s" * 106
    assert parse({"control": {"socket": fits}}).socket_path == Path(fits)
    assert problems({"control": {"socket": fits + "s"}}) == (
        "control.socket: is 108 bytes long; the path of a Unix socket may have 107",
    )


def test_a_relative_database_file_starts_at_the_file_that_names_it() -> None:
    in_file = parse({"database": {"url": "sqlite:///app.db"}}, {"DATABASE_URL": ""})
    assert in_file.database.url == "sqlite:////etc/mmsync/app.db"
    in_environment = parse(environment={"DATABASE_URL": "sqlite:///app.db"})
    assert in_environment.database.url == "sqlite:////here/app.db"
