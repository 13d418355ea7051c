"""Real-time updates with the real command: a commit, and the cell follows, hours before the interval is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer, WritableDatabase
from tests.e2e.test_daemon import PATIENCE, House

AnyHouse = TypeVar("AnyHouse", bound="House")
DATASETS = """
[[datasets]]
name = "scores"
tab = "Scores"
query = "SELECT p.id, p.name, s.points FROM people p JOIN scores s ON s.person = p.id"
key = ["id"]

[[datasets]]
name = "notes"
tab = "Notes"
table = "notes"
key = ["id"]
"""


class PostgresqlHouse(House):
    """The same house with a real PostgreSQL of people, their points, and notes."""

    def __init__(self, folder: Path, box: Sandbox, database: WritableDatabase) -> None:
        self.source = database
        database.run(
            "CREATE TABLE people (id int PRIMARY KEY, name text)", "CREATE TABLE scores (person int, points int)",
            "CREATE TABLE notes (id int PRIMARY KEY, body text)",
            "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob')", "INSERT INTO scores VALUES (1, 10), (2, 20)",
            "INSERT INTO notes VALUES (1, 'first')",
        )  # fmt: skip
        super().__init__(folder, box)

    def configure(self, **sync: Any) -> None:
        """With `listen` among the settings it is the database's."""
        listen = sync.pop("listen", True)
        off = {"enable_user_profiles": False, "enable_course_stats": False}
        super().configure(**sync)
        text = self.config.read_text()
        text = text.replace(f"sqlite:///{self.database}", self.source.url)
        text = text.replace("[google]", f"listen = {str(listen).lower()}\n[google]", 1)
        text = text.replace("[state]", "".join(f"{k} = {str(v).lower()}\n" for k, v in off.items()) + "[state]", 1)
        self.config.write_text(text + DATASETS)

    def column(self, tab: str, name: str) -> list[Any]:
        """What stands in a column, in the order of the rows; empty while there is no such tab."""
        if tab not in self.box.tabs(self.box.spreadsheet_id):
            return []
        header, *rows = self.box.grid(self.box.spreadsheet_id, tab)
        return [row[header.index(name)] for row in rows if row]

    def listens(self) -> None:
        """Waits until changes are heard, and what came before has been synced."""
        self.until(lambda: realtime(self)["state"] == "listening", "it listens")
        self.until(lambda: (self.status() or {})["statistics"]["total_syncs"] >= 2, "it has synced since")
        self.synced()

    def install(self, *options: str) -> None:
        """Runs what `mmsync triggers` prints."""
        printed = self.command("triggers", *options)
        assert printed.returncode == 0, printed.stderr
        self.source.run(printed.stdout)


def realtime(house: House) -> dict[str, Any]:
    found: dict[str, Any] = (house.status() or {}).get("realtime", {"state": None})
    return found


@pytest.fixture
def sqlite_house(tmp_path: Path) -> Iterator[House]:
    folder = tmp_path / "h"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        yield from left(House(folder, box))


@pytest.fixture
def house(tmp_path: Path, postgresql_server: PostgresqlServer) -> Iterator[PostgresqlHouse]:
    folder = tmp_path / "h"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        yield from left(PostgresqlHouse(folder, box, postgresql_server.new_database()))


def left(made: AnyHouse) -> Iterator[AnyHouse]:
    """The house; nobody runs in it any more at the end."""
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.process.kill()
            made.process.wait(PATIENCE)


# --- PostgreSQL ---------------------------------------------------------------------------------------------


def test_a_commit_reaches_the_cell_and_only_the_datasets_that_read_the_table_are_synced(
    house: PostgresqlHouse,
) -> None:
    house.install()
    house.start()
    house.listens()
    house.source.run("UPDATE scores SET points = 11 WHERE person = 1")
    house.until(lambda: house.column("Scores", "points") == [11, 20], "the cell follows")
    house.source.run("INSERT INTO notes VALUES (2, 'second')", "UPDATE people SET name = 'Eve' WHERE id = 2")
    house.until(lambda: house.column("Notes", "body") == ["first", "second"], "another table follows")
    house.until(lambda: house.column("Scores", "name") == ["Ada", "Eve"], "what is joined follows, too")
    runs = house.client.history(limit=20)["runs"]
    assert {"scores"} in [{one["dataset"] for one in run["datasets"]} for run in runs]
    assert realtime(house)["source"] == "listen"
    assert realtime(house)["untold"] == []
    assert "PostgreSQL" in house.command("status").stdout
    assert house.end() == 0


def test_a_change_while_nobody_listened_is_made_up_for(house: PostgresqlHouse) -> None:
    house.install()
    house.start()
    house.listens()
    with house.source.transaction() as connection:  # its commit comes when the connection has gone
        connection.exec_driver_sql("UPDATE scores SET points = 12 WHERE person = 1")
        killed = house.source.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'mmsync listen'"
        )
    assert killed == [(True,)]
    house.until(lambda: house.column("Scores", "points") == [12, 20], "the cell follows")
    house.until(lambda: len(house.events("realtime.listening")) == 2, "it listens again")
    house.source.run("UPDATE scores SET points = 13 WHERE person = 1")
    house.until(lambda: house.column("Scores", "points") == [13, 20], "and hears again")
    assert [one["event"] for one in house.events("realtime.")] == [
        "realtime.listening",
        "realtime.lost",
        "realtime.listening",
    ]


def test_a_burst_is_one_sync(house: PostgresqlHouse) -> None:
    house.install()
    house.start()
    house.listens()
    before = house.client.status()["statistics"]["total_syncs"]
    for number in range(200):
        house.source.run(f"UPDATE scores SET points = {number} WHERE person = 2")
    house.until(lambda: house.column("Scores", "points") == [10, 199], "the last one is there")
    house.synced()
    assert house.client.status()["statistics"]["total_syncs"] - before <= 3, "a few seconds' worth of them"


def test_without_triggers_the_status_says_what_to_do(house: PostgresqlHouse) -> None:
    house.start()
    house.listens()
    assert realtime(house)["untold"] == ["public.notes", "public.people", "public.scores"]
    assert "mmsync triggers" in house.command("status").stdout
    house.install()
    house.until(lambda: realtime(house)["untold"] == [], "it hears that there are triggers now")


def test_reloaded_without_listening_it_hears_nothing_and_with_it_again(house: PostgresqlHouse) -> None:
    house.install()
    house.start()
    house.listens()
    house.configure(listen=False)
    assert "database.listen" in house.command("reload").stdout
    assert realtime(house) == {
        "source": None, "state": "off", "since": None, "last_change": None, "error": None,
        "untold": [], "unheard": [],
    }  # fmt: skip
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = "
    house.until(lambda: house.source.rows(sessions + "'mmsync listen'") == [(0,)], "the connection is closed")
    house.configure(listen=True)
    house.command("reload")
    house.until(lambda: realtime(house)["state"] == "listening", "it listens again")
    house.source.run("UPDATE scores SET points = 14 WHERE person = 1")
    house.until(lambda: house.column("Scores", "points") == [14, 20], "the cell follows")


def test_the_triggers_are_printed_and_taken_away(house: PostgresqlHouse) -> None:
    house.install("notes")
    query = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'mmsync_notify' ORDER BY 1"
    assert house.source.rows(query) == [("notes",)]
    house.install()
    assert house.source.rows(query) == [("notes",), ("people",), ("scores",)]
    house.install("--remove")
    assert house.source.rows(query) == []
    unknown = house.command("triggers", "nonsense")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "notes" in unknown.stderr
    house.config.write_text(
        house.config.read_text().replace(house.source.url, "postgresql://x:s3cr3t@127.0.0.1:1/x")
    )
    gone = house.command("triggers")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "'scores'" in gone.stderr and "tables = " in gone.stderr
    assert "s3cr3t" not in gone.stderr


# --- SQLite -------------------------------------------------------------------------------------------------


def test_a_change_of_a_sqlite_file_reaches_the_cell(sqlite_house: House) -> None:
    house = sqlite_house
    house.start()
    house.synced()
    house.sql("UPDATE users SET email = 'soon@example.org' WHERE email = (SELECT min(email) FROM users)")
    house.until(lambda: "soon@example.org" in house.emails(), "the cell follows")
    assert realtime(house)["source"] == "data_version"
    assert realtime(house)["last_change"]
    assert "SQLite" in house.command("status").stdout


def test_a_sqlite_file_needs_no_trigger(sqlite_house: House) -> None:
    for options in ([], ["--remove"]):
        done = sqlite_house.command("triggers", *options)
        assert (done.returncode, done.stdout) == (0, "")
        assert "no trigger is needed" in done.stderr
