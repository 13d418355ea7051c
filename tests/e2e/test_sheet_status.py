"""The status tab as the daemon's process keeps it: while it runs, when it stops, and when it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import Sandbox

from .test_daemon import PATIENCE, House

STATUS = "sync_status"


class StatusHouse(House):
    """A house whose spreadsheet has a status tab."""

    def configure(self, *, status: bool = True, **sync: Any) -> None:
        super().configure(**sync)
        with self.config.open("a") as file:
            file.write(f"[sheet]\nstatus = {str(status).lower()}\n")

    def shown(self) -> dict[str, dict[str, Any]]:
        """The tab's rows by dataset, their cells by header; nothing where it is not there yet."""
        if STATUS not in self.box.tabs(self.box.spreadsheet_id):
            return {}
        header, *rows = self.box.grid(self.box.spreadsheet_id, STATUS)
        read: list[dict[Any, Any]] = [dict(zip(header, row, strict=False)) for row in rows]
        return {str(row["Dataset"]): row for row in read}

    def health(self) -> set[Any]:
        return {row["Health"] for row in self.shown().values()}

    def healthy(self) -> None:
        self.until(lambda: self.health() == {"healthy"}, "the tab says that all is well")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[StatusHouse]:
    folder = tmp_path / "h"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        made = StatusHouse(folder, box)
        try:
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.process.kill()
                made.process.wait(PATIENCE)


def test_it_tells_of_the_next_sync_of_its_end_and_of_a_fresh_start(house: StatusHouse) -> None:
    house.start()
    house.healthy()
    shown = house.shown()
    assert [*shown] == ["user_profiles", "course_statistics"]
    assert shown["user_profiles"]["Rows"] == len(house.wanted())
    ahead = [(row["Next sync"] - row["Last checked"]) * 86_400 for row in shown.values()]
    assert all(3_500 < seconds < 3_700 for seconds in ahead), "an hour, as configured"
    assert house.end() == 0
    shown = house.shown()
    assert [(row["Health"], row["Next sync"]) for row in shown.values()] == [("stopped", None)] * 2
    assert shown["user_profiles"]["Rows"] == len(house.wanted())
    house.start()
    house.healthy()
    assert all(row["Next sync"] for row in house.shown().values())
    status = house.synced()
    assert {one["name"] for one in status["datasets"]} == {*shown}, "it is no dataset"
    assert {one["dataset"] for run in house.client.history()["runs"] for one in run["datasets"]} == {*shown}


def test_stopped_in_the_middle_of_a_run_it_says_so_all_the_same(house: StatusHouse) -> None:
    house.start()
    house.healthy()
    house.sql("UPDATE users SET email = 'new@example.org' WHERE id = (SELECT user_id FROM user_profiles LIMIT 1)")
    ended: list[object] = []

    def terminate(request: object) -> None:
        if not ended and house.process is not None:
            ended.append(request)
            house.process.terminate()

    house.box.hooks.before_write(terminate)
    house.client.force(None, wait=False)
    assert house.process is not None
    assert house.process.wait(PATIENCE) == 0
    assert ended
    assert house.health() == {"stopped"}
    assert "new@example.org" in house.emails(), "the batch under way came to its end"


def test_killed_it_can_say_nothing_and_the_next_one_goes_on(house: StatusHouse) -> None:
    house.start()
    house.healthy()
    before = house.shown()
    house.kill()
    assert house.shown() == before
    assert all(row["Overdue from"] > row["Next sync"] for row in before.values()), "by which it turns red"
    house.sql("UPDATE users SET email = 'new@example.org' WHERE id = (SELECT user_id FROM user_profiles LIMIT 1)")
    house.start()
    house.until(lambda: "new@example.org" in house.emails(), "the change is there")
    house.until(
        lambda: house.shown()["user_profiles"]["Last changed"] > before["user_profiles"]["Last changed"],
        "and the tab says so",
    )
    assert house.end() == 0
    assert house.health() == {"stopped"}


def test_turned_off_and_on_by_a_reload(house: StatusHouse) -> None:
    house.start()
    house.healthy()
    house.configure(status=False)
    assert house.command("reload").returncode == 0
    house.until(lambda: house.health() == {"no longer updated"}, "the tab says that it is left behind")
    house.configure(status=True)
    assert house.command("reload").returncode == 0
    house.healthy()


def test_a_foreground_sync_tells_too(house: StatusHouse) -> None:
    done = house.command("sync", "--json")
    assert done.returncode == 0, done.stderr
    assert house.health() == {"healthy"}
    assert {row["Next sync"] for row in house.shown().values()} == {None}
    assert STATUS not in done.stdout
