"""Backups and restores with the real commands, and by a real daemon."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from .test_daemon import PATIENCE, House, house

__all__ = ["house"]

TAB = "UserProfiles"


def with_backups(house: House, **settings: Any) -> None:
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in ({"enabled": True} | settings).items())
    house.config.write_text(house.config.read_text() + f"[backup]\n{lines}")


def files(house: House) -> list[Path]:
    return sorted((house.folder / "state" / "backups").glob("*.xlsx"))


def people(house: House) -> None:
    """What somebody wrote beside the first row."""
    person = house.box.person()
    column = len(house.box.grid(house.box.spreadsheet_id, TAB)[0])
    person.type(TAB, 0, column, "remarks")
    person.type(TAB, 1, column, "mine")
    person.note(TAB, 1, 0, "a note of hers")


def test_the_daemon_saves_by_itself_and_says_so(house: House) -> None:
    with_backups(house, daily_at="03:30")
    house.start()
    house.until(lambda: house.events("backup.made"), "the first one is made")
    house.until(lambda: (house.status() or {})["backup"]["last"], "the status knows of it")
    house.synced()
    seen = house.client.status()["backup"]
    assert seen["enabled"] and seen["last_error"] is None and seen["next"] > seen["last"]
    (file,) = files(house)
    assert file.name.endswith("-daily.xlsx") and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert openpyxl.load_workbook(file).sheetnames[0] == "Sheet1"
    (event,) = house.events("backup.made")
    assert event["file"] == str(file) and event["took"] >= 0
    shown = house.command("status")
    assert "backup" in shown.stdout and "; next " in shown.stdout
    assert house.end() == 0
    house.start()
    house.synced()
    assert house.end() == 0
    assert files(house) == [file]  # the next one is due tomorrow


def test_a_person_wrecks_a_tab_and_an_operator_puts_it_back(house: House) -> None:
    house.start()
    house.synced()
    people(house)
    saved = house.command("backup", "--json", "--to", str(house.folder / "kept"))
    assert saved.returncode == 0, saved.stderr
    (made,) = json.loads(saved.stdout)["backups"]
    before, notes = (look(house.box.spreadsheet_id, TAB) for look in (house.box.grid, house.box.notes))
    house.sql("DELETE FROM user_profiles WHERE user_id = (SELECT user_id FROM user_profiles LIMIT 1)")
    assert house.command("force").returncode == 0
    assert house.end() == 0  # else it would make the tab again at once
    house.box.person().delete_tab(TAB)
    for _ in range(2):  # nobody can be asked
        asked = house.command("restore", made["path"])
        assert asked.returncode == 2
        assert f"{TAB}: is made again, with " in asked.stdout
        assert "--yes" in asked.stderr
        assert TAB not in house.box.tabs(house.box.spreadsheet_id)
    done = house.command("restore", made["path"], "--yes")
    assert done.returncode == 0, done.stderr
    assert house.box.grid(house.box.spreadsheet_id, TAB) == before
    assert house.box.notes(house.box.spreadsheet_id, TAB) == notes
    house.start()
    house.synced()
    assert sorted(house.emails()) == sorted(house.wanted())
    assert house.box.tabs(house.box.spreadsheet_id).count(TAB) == 1
    again = house.command("restore", made["path"], "--tab", TAB, "--json", "--yes")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["restored"] is True
    assert house.end() == 0


def answered(house: House, arguments: list[str], question: str, answer: str) -> int:
    """Runs a command on a terminal of its own and answers what it asks; gives its exit code."""
    master, theirs = pty.openpty()
    command = [sys.executable, "-m", "moneymentor_sync", *arguments, "-c", str(house.config)]
    environment = {"HOME": str(house.folder), "PATH": "/usr/bin:/bin", "TERM": "dumb"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=house.folder
    )
    os.close(theirs)
    seen, asked = "", False
    try:
        while True:
            ready, _, _ = select.select([master], [], [], PATIENCE)
            assert ready, f"nothing more came after: {seen}"
            seen += os.read(master, 65_536).decode()
            if not asked and question in seen:
                asked = True
                os.write(master, f"{answer}\n".encode())
    except OSError:  # EIO: the other side has gone
        assert asked, seen
        return process.wait(PATIENCE)
    finally:
        os.close(master)


def test_on_a_terminal_it_asks(house: House) -> None:
    assert house.command("sync").returncode == 0
    people(house)
    assert house.command("backup").returncode == 0
    (file,) = files(house)
    house.box.person().delete_tab(TAB)
    for answer, there in (("n", False), ("y", True)):
        assert answered(house, ["restore", str(file)], "Restore?", answer) == 0
        assert (TAB in house.box.tabs(house.box.spreadsheet_id)) is there
    assert len(files(house)) == 2  # what was there before the second answer


def test_while_a_backup_fails_nothing_is_deleted(house: House) -> None:
    with_backups(house, before_deleting=0.1)
    place = house.folder / "state" / "backups"
    assert house.command("sync").returncode == 0
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file in its place")
    house.start()
    house.until(lambda: (house.status() or {})["backup"]["last_error"], "the status tells of the failure")
    house.until(lambda: house.events("backup.failed"), "and the log")
    house.synced()
    count = len(house.emails())
    house.sql("DELETE FROM user_profiles WHERE user_id IN (SELECT user_id FROM user_profiles LIMIT 6)")
    forced = house.command("force", "user_profiles", "--allow-deletes")
    assert forced.returncode == 1
    assert "the backup that goes before that failed" in forced.stderr + forced.stdout
    assert len(house.emails()) == count
    checked = house.command("check", "--json")
    (found,) = [one for one in json.loads(checked.stdout)["checks"] if one["name"] == "backups"]
    assert found["status"] == "failed" and "[backup] directory" in found["hint"]
    place.unlink()
    assert house.command("force", "user_profiles").returncode == 0
    assert sorted(house.emails()) == sorted(house.wanted())
    assert [one for one in files(house) if one.name.endswith("-deletion.xlsx")]
    assert house.end() == 0


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_killed_in_the_middle_nothing_is_half_restored(house: House, nth: int) -> None:
    """At the `nth` request that writes: a hidden tab is made, filled, and copied over."""
    assert house.command("sync").returncode == 0
    person, box, spreadsheet = house.box.person(), house.box, house.box.spreadsheet_id
    cells = [{"userEnteredValue": {"numberValue": number}} for number in range(26)]
    rows = [{"values": cells}] * 1_000
    start = {"sheetId": 0, "rowIndex": 0, "columnIndex": 0}
    person.request({"updateCells": {"start": start, "rows": rows, "fields": "userEnteredValue"}})
    assert house.command("backup").returncode == 0
    (file,) = files(house)
    saved = box.grid(spreadsheet, "Sheet1")
    person.delete_rows("Sheet1", 10, 500)
    wrecked = box.grid(spreadsheet, "Sheet1")
    arguments = ["restore", str(file), "--yes", "-c", str(house.config)]
    command = [sys.executable, "-m", "moneymentor_sync", *arguments]
    environment = {"HOME": str(house.folder), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, env=environment, cwd=house.folder, stdin=subprocess.DEVNULL)
    seen: list[int] = []

    def kill(_request: object) -> None:
        seen.append(1)
        if len(seen) == nth:
            process.kill()

    box.hooks.before_write(kill)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    box.hooks.clear()
    box.person().type("Sheet1", 0, 25, "0")  # the request under way has been answered by now
    shown = box.grid(spreadsheet, "Sheet1")
    assert [row[:25] for row in shown] in ([row[:25] for row in saved], [row[:25] for row in wrecked])
    done = house.command("restore", str(file), "--yes")
    assert done.returncode == 0, done.stderr
    assert box.grid(spreadsheet, "Sheet1") == saved
    assert not [one for one in box.tabs(spreadsheet) if "staging" in one]
    assert house.command("sync").returncode == 0
    assert sorted(house.emails()) == sorted(house.wanted())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["restore"], 2, "Missing argument"),
        (["restore", "nowhere.xlsx"], 1, "nowhere.xlsx cannot be read"),
        (["restore", "sync.toml"], 1, "sync.toml is no backup"),
        (["backup", "--to", "sync.toml"], 1, "backups cannot be kept in sync.toml"),
    ],
)
def test_what_makes_no_sense_is_told(house: House, arguments: list[str], code: int, words: str) -> None:
    done = house.command(*arguments)
    assert done.returncode == code
    assert words in done.stderr and "Traceback" not in done.stderr
