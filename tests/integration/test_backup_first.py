"""Before a sync that deletes many rows the spreadsheet is saved; where that fails, nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.backups import parse_name
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.settings import BackupSettings
from moneymentor_sync.sandbox import Fault, Sandbox
from moneymentor_sync.wiring import open_engine

from .saving import Desk
from .workbench import TAB, Workbench, body

PEOPLE = [(i, f"n{i}", i / 2) for i in range(1, 11)]
ON = BackupSettings(enabled=True, before_deleting=0.2)


class Careful(Workbench):
    """A workbench with backups on."""

    backup = ON

    @property
    def config(self) -> Any:
        return replace(super().config, backup=replace(self.backup, directory=self.directory / "backups"))

    @property
    def files(self) -> list[Path]:
        return sorted((self.directory / "backups").glob("*.xlsx"))


@pytest.fixture
def careful(box: Sandbox, tmp_path: Path) -> Iterator[Careful]:
    bench = Careful(box, tmp_path)
    bench.people(*PEOPLE)
    bench.sync()
    assert bench.files == []  # what only inserts needs none
    yield bench
    box.faults.clear()
    box.hooks.clear()


def test_it_is_saved_before_rows_go(careful: Careful) -> None:
    careful.person.note(TAB, 1, 1, "beside the first one")
    careful.people(*PEOPLE[3:])
    assert careful.sync().deleted == 3
    (file,) = careful.files
    name = parse_name(file.name)
    assert name is not None and name.reason == "deletion"
    desk = Desk(careful, ON)
    desk.restore(file)
    assert careful.rows()[0][:2] == [1, "n1"]
    assert careful.box.notes(careful.spreadsheet, TAB) == {(1, 1): "beside the first one"}
    assert careful.sync(force=True).deleted == 3  # and mmsync knows them still


@pytest.mark.parametrize(("left", "files"), [(PEOPLE[1:], 0), (PEOPLE[2:], 0), (PEOPLE[3:], 1), ([], 1)])
def test_by_the_share_of_the_tabs_rows(careful: Careful, left: list[tuple[Any, ...]], files: int) -> None:
    careful.people(*left)
    careful.sync(force=True)  # an operator's word lifts the guard, not this
    assert len(careful.files) == files


def test_updates_need_none(careful: Careful) -> None:
    careful.people(*((i, "another", 0) for i, _, _ in PEOPLE))
    assert careful.sync().updated == 10
    assert careful.files == []


def test_a_sync_that_the_guard_refuses_makes_none(careful: Careful) -> None:
    careful.people(*PEOPLE[8:])
    assert careful.refused().error_code == "shrink_refused"
    assert careful.files == []


def failed_backup(bench: Careful, *, force: bool = False) -> DatasetResult:
    before, run = bench.everything(), bench.run(force=force)
    assert bench.everything() == before
    return next(one for one in run.datasets if one.result == "failed")


def test_no_backup_no_deletion(careful: Careful) -> None:
    (careful.directory / "backups").rmdir() if (careful.directory / "backups").exists() else None
    (careful.directory / "backups").write_text("in its place")
    careful.people(*PEOPLE[4:])
    for force in (False, True):
        found = failed_backup(careful, force=force)
        assert found.error_code == "backup_first"
        assert found.error is not None and found.error.startswith(
            "tab 'People': 4 of 10 rows would be deleted, and the backup that goes before that failed: backups "
        )
        assert found.hint is not None and "[backup] enabled = false" in found.hint
    (careful.directory / "backups").unlink()
    assert careful.sync().deleted == 4


def test_a_failed_backup_holds_up_its_own_dataset_only(careful: Careful) -> None:
    careful.datasets = [
        careful.dataset(),
        careful.dataset(name="scores", tab="Scores", query="SELECT id, score FROM people ORDER BY id"),
    ]
    careful.sync()
    (careful.directory / "backups").write_text("in its place")
    careful.people(*((i, "other" if i > 9 else f"n{i}", i + 1) for i in range(1, 11)))
    careful.sql("DELETE FROM people WHERE id < 5")
    careful.sql("INSERT INTO people VALUES (0, 'zero', 0)")
    careful.datasets[1] = replace(careful.datasets[1], query="SELECT id, score FROM people WHERE id > 4")
    run = careful.run()
    assert [one.error_code for one in run.datasets] == ["backup_first", "backup_first"]
    careful.datasets[1] = replace(careful.datasets[1], mode="upsert")
    run = careful.run()
    assert [one.error_code for one in run.datasets] == ["backup_first", None]


def test_rows_that_move_while_it_is_made_lose_nothing(careful: Careful) -> None:
    """A person sorts the tab while it is saved: the deletion goes by what is there afterwards."""
    for row in range(1, 11):
        careful.person.type(TAB, row, 3, f"of {row}")
    moved: list[int] = []

    def hook(request: Any) -> None:
        if "effectiveValue" in str(request.query) and not moved:
            moved.append(1)
            careful.person.sort(TAB, 0, descending=True)

    careful.box.hooks.before_read(hook)
    careful.people(*PEOPLE[3:])
    result = careful.sync()
    assert moved and result.deleted == 3 and result.repaired == 0
    assert careful.rows() == [[*row, f"of {int(row[0])}"] for row in body(PEOPLE[:2:-1])]
    assert len(careful.files) == 1


def test_one_backup_a_sync(careful: Careful) -> None:
    """Also where the write is made a second time."""
    careful.box.faults.add(Fault(kind="status", on="write", status=503))
    careful.people(*PEOPLE[3:])
    careful.sync()
    assert careful.rows() == body(PEOPLE[3:])
    assert len(careful.files) == 1


def test_what_was_kept_long_enough_goes(careful: Careful) -> None:
    careful.backup = replace(ON, keep_daily=2, keep_weekly=0)
    hand = Desk(careful, ON).save()
    rows = [*PEOPLE]
    for _ in range(5):
        careful.clock.now += 86_400
        rows = rows[:-2]
        careful.people(*rows)
        careful.sync(force=True)
    names = [parse_name(file.name) for file in careful.files]
    assert [one.reason for one in names if one] == ["hand", "deletion", "deletion"]
    assert Path(hand.path) in careful.files


def test_switched_off_it_costs_nothing(bench: Workbench) -> None:
    bench.people(*PEOPLE)
    bench.sync()
    bench.people(*PEOPLE[5:])
    assert bench.sync().reads == 1
    assert not list(bench.directory.glob("**/*.xlsx"))


def test_it_shows_progress_so_that_nobody_takes_it_for_dead(careful: Careful) -> None:
    seen: list[tuple[str, str]] = []
    careful.people(*PEOPLE[3:])

    def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
        del done, total
        seen.append((dataset, phase))

    with open_engine(careful.config, holder="test", surroundings=Desk(careful).around, tick=tick) as engine:
        run: RunResult = engine.run(careful.config.datasets)
    assert run.ok
    assert {("backup", "reading"), ("backup", "saving")} <= {*seen}
