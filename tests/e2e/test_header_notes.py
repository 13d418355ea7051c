"""Notes on headers from the configuration's file on: the real daemon, reloaded."""

from __future__ import annotations

from moneymentor_sync.core.header_notes import is_ours

from .test_daemon import House
from .test_daemon import house as house  # the fixture


def notes(place: House, tab: str) -> dict[str, str]:
    """What stands in row 1 of a tab, each with its note."""
    spreadsheet = place.box.spreadsheet_id
    sheet = next(one for one in place.box.document().sheets if one.title == tab)
    header = [str(cell) for cell in place.box.grid(spreadsheet, tab)[0]]
    return {text: sheet.note(0, at) or "" for at, text in enumerate(header)}


def turn(place: House, on: str) -> None:
    """Changes the setting in the file, has the daemon read it, and syncs."""
    before = place.config.read_text().partition("[sheet]")[0]
    place.config.write_text(f"{before}[sheet]\nheader_notes = {on}\n")
    done = place.command("reload")
    assert "sheet.header_notes" in done.stdout, done.stdout + done.stderr
    forced = place.command("force")
    assert forced.returncode == 0, forced.stdout + forced.stderr


def test_a_reload_brings_notes_and_takes_them_away(house: House) -> None:
    house.start()
    house.synced()
    assert set(notes(house, "UserProfiles").values()) == {""}
    turn(house, "true")
    for tab in ("UserProfiles", "course_statistics"):
        assert all(map(is_ours, notes(house, tab).values()))
    score = notes(house, "course_statistics")["Score (%)"]
    assert score.startswith("100 × correct ÷ total responses, rounded half up (dataset course_statistics).")
    house.box.person().note("UserProfiles", 0, 2, "ask Ana")
    house.box.log.reset()
    assert house.command("force").returncode == 0
    assert house.box.log.count("write") == 0
    turn(house, "false")
    assert {text for text, note in notes(house, "UserProfiles").items() if note} == {"email"}
    assert set(notes(house, "course_statistics").values()) == {""}
    assert house.end() == 0
    assert not house.events("dataset.noted")
