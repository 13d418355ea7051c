"""Where backups are: a directory of files that only their owner reads. A new one appears whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from moneymentor_sync.core.backups import BackupName, Reason, file_name, parse_name
from moneymentor_sync.core.errors import BackupError

_HINT = "Name another directory with `--to`, or `[backup] directory`; under systemd, one in the state directory."
_SCRATCH = ".mmsync-backup-"
_ABANDONED = 86_400.0


@contextmanager
def scratch(directory: Path | None, clock: Callable[[], float] = time.time) -> Iterator[Path]:
    """A directory to make a backup in, beside where it is to stand, gone at the end. Without one, in the usual
    place for such. Raises BackupError."""
    with disk_errors(directory):
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _tidy(Path(directory or tempfile.gettempdir()), clock())
        held = tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=directory)
    with held as place:
        yield Path(place)


def _tidy(directory: Path, now: float) -> None:
    """Removes what a process of this user left that was killed: it is as private as what was to be saved."""
    for one in directory.glob(f"{_SCRATCH}*"):
        with suppress(OSError):  # it is just being removed by whom it belongs to
            found = one.lstat()
            if found.st_uid == os.geteuid() and now - found.st_mtime > _ABANDONED:
                shutil.rmtree(one)


def keep(made: Path, directory: Path, spreadsheet_id: str, made_at: float, reason: Reason) -> Path:
    """Gives a finished file its name; never takes that of another. Raises BackupError."""
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if made.stat().st_dev != directory.stat().st_dev:
            with scratch(directory) as beside:
                copy = Path(shutil.copyfile(made, beside / made.name))
                return keep(copy, directory, spreadsheet_id, made_at, reason)
        made.chmod(0o600)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        for number in range(1, 1000):
            path = directory / file_name(spreadsheet_id, made_at, reason, number)
            if _put(made, path):
                _sync_directory(directory)
                return path
    raise BackupError(f"there are a thousand backups of one second in {directory}")


def _put(made: Path, path: Path) -> bool:
    """False where the name is taken."""
    try:
        os.link(made, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        made.rename(path)
    return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def backups_in(directory: Path) -> list[BackupName]:
    """All that are there, oldest first; none where there is no such directory. Raises BackupError."""
    with disk_errors(directory):
        names = [one.name for one in directory.iterdir()] if directory.is_dir() else []
    found = [one for one in map(parse_name, names) if one is not None]
    return sorted(found, key=lambda one: (one.made_at, one.name))


def remove(directory: Path, name: str) -> None:
    """Raises BackupError."""
    with disk_errors(directory):
        (directory / name).unlink(missing_ok=True)


@contextmanager
def disk_errors(directory: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = directory or tempfile.gettempdir()
        raise BackupError(f"backups cannot be kept in {where}: {error.strerror or error}", hint=_HINT) from error
