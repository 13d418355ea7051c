"""Backups: real HTTP to the stand-in, real files, opened by another program than the one that wrote them."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from moneymentor_sync.adapters import google_backup
from moneymentor_sync.adapters.backup_package import open_backup
from moneymentor_sync.core.backups import SavedRow, parse_name, tag_of
from moneymentor_sync.core.errors import BackupError, BackupFileError, UnavailableError
from moneymentor_sync.core.settings import BackupSettings
from moneymentor_sync.daemon.backups import Backups
from moneymentor_sync.sandbox import Fault
from moneymentor_sync.wiring.kept_backups import KeptBackups
from moneymentor_sync.wiring.quota import Quotas

from .saving import Desk
from .workbench import TAB, Workbench


@pytest.fixture
def desk(bench: Workbench) -> Desk:
    return Desk(bench)


def sheet_of(path: str, tab: str) -> Any:
    return openpyxl.load_workbook(path)[tab]


def peopled(bench: Workbench) -> None:
    """A tab of ours with what people put into it."""
    bench.people((1, "=1+1", 2.5), (2, "007", None), (3, "Ada", 7), (4, "TRUE", -1))
    bench.sync()
    person = bench.person
    person.type(TAB, 0, 4, "remarks")
    person.type(TAB, 1, 4, '=B3&"!"')
    person.type(TAB, 2, 4, "2026-11-26")
    person.type(TAB, 3, 4, "TRUE")
    person.note(TAB, 2, 1, "ask her")
    person.color(TAB, 3, 1, red=1, green=0.5, blue=0)
    person.hide_rows(TAB, 10, 12)
    person.hide_columns(TAB, 5, 6)


def test_another_program_reads_what_is_in_the_spreadsheet(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    bench.person.merge("Sheet1", 0, 2, 0, 2)
    bench.person.hide_tab("Sheet1")
    made = desk.save()
    book = openpyxl.load_workbook(made.path)
    assert book.sheetnames == ["Sheet1", TAB]
    assert book["Sheet1"].sheet_state == "hidden"
    assert [str(one) for one in book["Sheet1"].merged_cells.ranges] == ["A1:B2"]
    sheet = book[TAB]
    rows = [[cell.value for cell in row[:3]] for row in sheet.iter_rows(max_row=5)]
    assert rows == [["id", "name", "score"], [1, "=1+1", 2.5], [2, "007", None], [3, "Ada", 7], [4, "TRUE", -1]]
    assert [cell.data_type for cell in sheet["B"][1:5]] == ["s", "s", "s", "s"]
    assert (sheet["E2"].value, sheet["E2"].data_type) == ('=B3&"!"', "f")
    assert sheet["E3"].is_date
    assert sheet["E4"].value is True
    assert sheet["B3"].comment.text == "ask her"
    assert sheet["A1"].font.bold
    assert sheet["B4"].fill.fgColor.rgb == "FFFF8000"
    assert sheet.freeze_panes == "A2"
    assert sheet.row_dimensions[11].hidden and sheet.row_dimensions[12].hidden
    assert sheet.column_dimensions["F"].hidden
    assert book.active.title == TAB  # a hidden tab cannot be the one that is shown
    values = openpyxl.load_workbook(made.path, data_only=True)[TAB]
    assert values["E2"].value == "007!"


def test_rows_that_have_a_format_and_nothing_else_are_kept_and_not_counted(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    bench.person.color(TAB, 900, 0, red=1, green=0, blue=0)
    bench.person.note(TAB, 901, 0, "here")
    made = desk.save()
    assert made.rows == 1 + 4 + 1  # the header, ours, and the note
    assert openpyxl.load_workbook(made.path)[TAB]["A901"].fill.fgColor.rgb == "FFFF0000"


def test_its_file_is_whole_private_and_says_nothing(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    paths = [Path(desk.save().path) for _ in range(2)]
    assert len({*paths}) == 2  # of the same second: none is written over
    assert stat.S_IMODE(desk.directory.stat().st_mode) == 0o700
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        name = parse_name(path.name)
        assert name is not None and name.made_at == bench.clock.now and name.reason == "hand"
        assert name.tag == tag_of(bench.spreadsheet) and bench.spreadsheet not in path.name
    assert {one.name for one in desk.directory.iterdir()} == {one.name for one in paths}


def test_the_package_keeps_the_rules_of_its_kind(desk: Desk, bench: Workbench) -> None:
    """Each part has a type, and what a relationship points to is there (ECMA-376 part 2): else Excel mends it."""
    peopled(bench)
    with zipfile.ZipFile(desk.save().path) as package:
        names = set(package.namelist())
        types = ElementTree.fromstring(package.read("[Content_Types].xml"))
        by_extension = {one.get("Extension") for one in types if one.tag.endswith("Default")}
        by_name = {one.get("PartName") for one in types if one.tag.endswith("Override")}
        assert len(by_name) == sum(one.tag.endswith("Override") for one in types)
        for name in names - {"[Content_Types].xml"}:
            assert f"/{name}" in by_name or name.rsplit(".", 1)[-1] in by_extension, name
        assert {name.removeprefix("/") for name in by_name if name} <= names
        for name in (one for one in names if one.endswith(".rels")):
            links = ElementTree.fromstring(package.read(name))
            assert len({one.get("Id") for one in links}) == len(links)
            base = name.split("_rels/")[0]
            for link in links:
                if link.get("TargetMode") != "External":
                    target = str(link.get("Target"))
                    assert os.path.normpath(target if target[0] == "/" else base + target).lstrip("/") in names
        assert package.testzip() is None


def test_what_an_xlsx_cannot_hold_is_told_and_kept(desk: Desk, bench: Workbench) -> None:
    bench.sync()
    long = "x" * 40_000
    person, title = bench.person, "Plan: [A/B] of the very long year 2026"
    person.rename_tab("Sheet1", title)
    person.type(title, 0, 0, long)
    person.type(title, 1, 0, "=IFERROR(1/0)")
    person.type(title, 2, 0, f"='{TAB}'!A1")
    made = desk.save()
    sheet = openpyxl.load_workbook(made.path).worksheets[0]
    assert sheet.title == "Plan_ _A_B_ of the very long ye"
    assert len(sheet["A1"].value) == 32_767
    assert sheet["A2"].value is None and sheet["A2"].comment.text == "In Google Sheets: =IFERROR(1/0)"
    assert sheet["A3"].value == f"='{TAB}'!A1"
    assert len(made.notes) == 3, made.notes
    with open_backup(Path(made.path)) as file:
        rows = list(file.rows(file.backup.tabs[0], []))
    assert rows[0].cells == [long]
    assert file.backup.tabs[0].title == title


def test_a_formula_that_refers_to_a_renamed_sheet_is_only_shown(desk: Desk, bench: Workbench) -> None:
    bench.sync()
    bench.person.rename_tab("Sheet1", "a/b")
    bench.person.type(TAB, 0, 5, "='a/b'!A1")
    sheet = sheet_of(desk.save().path, TAB)
    assert sheet["F1"].value is None and "a/b" in sheet["F1"].comment.text


def test_a_spreadsheet_that_was_never_synced_is_saved_too(desk: Desk, bench: Workbench) -> None:
    bench.person.type("Sheet1", 0, 0, "theirs")
    made = desk.save()
    assert sheet_of(made.path, "Sheet1")["A1"].value == "theirs"
    assert not bench.state.exists()  # and none is made by looking


def test_nothing_is_written_to_the_spreadsheet(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    before = bench.box.document(bench.spreadsheet).version
    desk.save()
    assert bench.box.document(bench.spreadsheet).version == before
    assert {entry.kind for entry in bench.box.log.entries} <= {"read", "token"}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads in parts of ten rows of a usual tab."""
    sizes = {"part_cells": 260, "look_cells": 520}
    monkeypatch.setattr(google_backup.BackupReader.__init__, "__kwdefaults__", sizes)


def saved_rows(path: str, tab: str) -> list[SavedRow]:
    with open_backup(Path(path)) as file:
        return list(file.rows(next(one for one in file.backup.tabs if one.title == tab), []))


@pytest.mark.usefixtures("small_parts")
def test_a_large_tab_comes_in_parts_and_is_all_there(desk: Desk, bench: Workbench) -> None:
    bench.people(*((i, f"n{i}", i) for i in range(1, 200)))
    bench.sync()
    made = desk.save()
    rows = saved_rows(made.path, TAB)
    assert [row.cells[0] for row in rows] == ["id", *range(1, 200)]
    assert made.reads > 100 and not made.notes


@pytest.mark.usefixtures("small_parts")
def test_rows_that_are_moved_between_two_parts_are_read_again(desk: Desk, bench: Workbench) -> None:
    bench.people(*((i, f"n{i}", i) for i in range(1, 60)))
    bench.sync()
    seen = [0]

    def hook(request: Any) -> None:
        seen[0] += TAB in str(request.query) or TAB in str(request)
        if seen[0] == 4:
            bench.person.move_rows(TAB, 50, 60, 1)  # what was not read yet goes to where it was

    bench.box.hooks.before_read(hook)
    made = desk.save()
    keys = sorted(float(str(row.cells[0])) for row in saved_rows(made.path, TAB)[1:])
    assert seen[0] > 4
    assert keys == [*range(1, 60)]  # none twice, none missing
    assert not made.notes


@pytest.mark.usefixtures("small_parts")
def test_a_tab_that_never_stays_the_same_is_saved_with_a_word_about_it(desk: Desk, bench: Workbench) -> None:
    bench.people(*((i, f"n{i}", i) for i in range(1, 30)))
    bench.sync()
    count = [0]

    def hook(request: Any) -> None:
        count[0] += 1
        bench.person.type(TAB, 5, 6, str(count[0]))

    bench.box.hooks.before_read(hook)
    made = desk.save()
    assert made.notes == (f"tab {TAB!r} kept changing while it was read: rows may be in it twice, or not at all",)
    with open_backup(Path(made.path)) as file:
        assert file.backup.unsteady == (TAB,)


def test_a_tab_that_is_deleted_while_it_is_read_is_left_out(desk: Desk, bench: Workbench) -> None:
    bench.sync()
    bench.person.add_tab("Short-lived")
    done = bench.box.hooks

    def hook(request: Any) -> None:
        if "Short-lived" in bench.box.tabs(bench.spreadsheet) and "Sheet1" in str(request.query):
            bench.person.delete_tab("Short-lived")

    done.before_read(hook)
    made = desk.save()
    assert "Short-lived" not in bench.box.tabs(bench.spreadsheet)
    assert openpyxl.load_workbook(made.path).sheetnames == ["Sheet1", TAB]


def test_google_fails_for_a_moment(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    bench.box.faults.add(Fault(kind="status", on="read", status=503, count=2))
    made = desk.save()
    assert len(saved_rows(made.path, TAB)) == 5
    assert bench.clock.slept


def test_google_fails_for_good_and_no_file_is_left(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    bench.box.faults.add(Fault(kind="status", on="read", status=503, nth=2, count=None))
    with pytest.raises(UnavailableError):
        desk.save()
    assert list(desk.directory.iterdir()) == []


def test_a_directory_that_cannot_be_written(desk: Desk, bench: Workbench) -> None:
    desk.directory.write_text("a file in its place")
    with pytest.raises(BackupError, match=r"backups cannot be kept in .*backups") as caught:
        desk.save()
    assert "--to" in caught.value.hint


# --- files that are none ----------------------------------------------------------------------------------


def rewritten(path: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The package with each part put through `change`; None leaves it out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def cut(path: Path, target: Path) -> Path:
    target.write_bytes(path.read_bytes()[:-900])
    return target


def resaved(path: Path, target: Path) -> Path:
    book = openpyxl.load_workbook(path)
    book.save(target)
    return target


def flipped(name: str, content: bytes) -> bytes:
    return content[:-30] + bytes([content[-30] ^ 1]) + content[-29:] if name.endswith("tab-2.gz") else content


def in_manifest(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, content: content.replace(old, new, 1) if name == "mmsync/backup.json" else content


BROKEN: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "cut": (cut, "no backup, or only"),
    "no backup": (resaved, "no backup of mmsync's"),
    "rows damaged": (lambda path, to: rewritten(path, to, flipped), "damaged"),
    "words damaged": (lambda path, to: rewritten(path, to, in_manifest(b"People", b"Peoplx")), "damaged"),
    "no version": (lambda path, to: rewritten(path, to, in_manifest(b"mmsync-backup", b"?")), "damaged"),
    "newer": (
        lambda path, to: rewritten(path, to, in_manifest(b"mmsync-backup 1", b"mmsync-backup 2")),
        "made by a newer mmsync .format 2; this one reads up to 1",
    ),
    "rows missing": (
        lambda path, to: rewritten(path, to, lambda name, content: None if "tab-1" in name else content),
        "damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_no_whole_backup_is_refused(desk: Desk, bench: Workbench, tmp_path: Path, case: str) -> None:
    peopled(bench)
    change, words = BROKEN[case]
    broken = change(Path(desk.save().path), tmp_path / "broken.xlsx")
    with pytest.raises(BackupFileError, match=words), open_backup(broken):
        pass


def test_a_damaged_byte_anywhere_in_the_rows_is_found(desk: Desk, bench: Workbench, tmp_path: Path) -> None:
    """In the file as the disk has it, not in the parts."""
    peopled(bench)
    path = Path(desk.save().path)
    with zipfile.ZipFile(path) as package:
        info = package.getinfo("mmsync/tab-2.gz")
    content = bytearray(path.read_bytes())
    content[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0x10
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(content)
    with pytest.raises(BackupFileError, match="damaged"), open_backup(broken):
        pass


def test_a_clock_that_was_far_ahead_once_costs_one_backup(desk: Desk, bench: Workbench) -> None:
    """One with a stamp of the future is neither the last one nor in the place of those that are kept."""
    bench.people((1, "a", 1))
    bench.sync()
    careful = Desk(bench, BackupSettings(enabled=True, keep_daily=1, keep_weekly=0))
    bench.clock.now += 400 * 86_400
    ahead = careful.save("daily")
    bench.clock.now -= 400 * 86_400
    with closing(Quotas(bench.clock)) as quotas:
        kept = KeptBackups(careful.around, None, quotas, lambda: None)
        backups = Backups(kept, lambda: careful.config, lambda _: True, bench.clock, lambda *_args, **_given: None)
        for _ in range(4):
            backups.turn()
            bench.clock.now += 60
    files = sorted(careful.directory.iterdir())
    assert len(files) == 2
    assert Path(ahead.path) in files
    assert backups.seen.last == bench.clock.now - 240
