"""The directory of backups: what is there is whole, nobody else's to read, and never written over."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from moneymentor_sync.adapters import backup_files
from moneymentor_sync.adapters.backup_files import backups_in, keep, remove, scratch
from moneymentor_sync.core.backups import Reason
from moneymentor_sync.core.errors import BackupError

WHEN = 1_795_000_000.7


def finished(place: Path, text: str = "content") -> Path:
    path = place / "backup.xlsx"
    path.write_text(text)
    path.chmod(0o644)
    return path


def kept(directory: Path, text: str = "content", reason: Reason = "hand") -> Path:
    with scratch(directory) as place:
        return keep(finished(place, text), directory, "s", WHEN, reason)


def test_it_appears_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    path = kept(directory)
    assert path.read_text() == "content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [*directory.iterdir()] == [path]


@pytest.mark.parametrize("links", [True, False])
def test_nothing_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:

        def refuse(_source: object, target: Path) -> None:
            raise PermissionError(1, "no links on this file system", str(target))

        monkeypatch.setattr(os, "link", refuse)
    paths = [kept(tmp_path, text) for text in ("one", "two", "three")]
    assert [path.read_text() for path in paths] == ["one", "two", "three"]
    assert [one.name for one in backups_in(tmp_path)] == sorted(path.name for path in paths)


def test_one_that_was_made_elsewhere_is_copied(tmp_path: Path) -> None:
    """`/dev/shm` is another file system than where tests write."""
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system here")
    with scratch(None) as place:
        assert place.is_dir()
    source = elsewhere / f"mmsync-test-{os.getpid()}"
    source.write_text("content")
    try:
        path = keep(source, tmp_path, "s", WHEN, "hand")
        assert path.read_text() == "content" and [*tmp_path.iterdir()] == [path]
    finally:
        source.unlink()


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    left = tmp_path / ".mmsync-backup-left"
    left.mkdir()
    (left / "tab-1.gz").write_text("people's")
    made = left.stat().st_mtime
    with scratch(tmp_path, lambda: made + 3_600):
        assert left.exists()  # its process may be at work
    with scratch(tmp_path, lambda: made + 90_000):
        assert not left.exists()


def test_so_does_what_was_left_in_the_usual_place_for_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore makes the backup of what was before in there, and keeps it elsewhere."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / ".mmsync-backup-left"
    left.mkdir()
    (left / "tab-1.gz").touch()
    (tmp_path / ".mmsync-backup-to-nowhere").symlink_to(tmp_path / "nowhere")
    written = left.stat().st_mtime
    with scratch(None, lambda: written + 86_000):
        assert left.exists(), "somebody may be at it"
    with scratch(None, lambda: written + 87_000):
        assert not left.exists()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.xlsx").write_text("mine")
    path = kept(tmp_path, reason="daily")
    (found,) = backups_in(tmp_path)
    assert (found.name, found.reason, found.made_at) == (path.name, "daily", int(WHEN))
    remove(tmp_path, found.name)
    remove(tmp_path, found.name)  # somebody else was quicker
    assert [one.name for one in tmp_path.iterdir()] == ["notes.xlsx"]
    assert backups_in(tmp_path / "nowhere") == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackupError, match=r"cannot be kept in .*: No space left on device"):
        kept(tmp_path)
    assert [*tmp_path.iterdir()] == []
    assert backup_files.backups_in(tmp_path) == []
