"""The file of a backup: an .xlsx that ordinary programs open, with what a restore needs as parts of its own.

Those parts are unknown to other programs, which ignore them when they open the file and leave them out when they
save it (ECMA-376 part 1, 9.1.7 and 9.1.8). So a file that was changed and saved by one is no backup any more, and
says so, instead of restoring something else than it shows.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
from xlsxwriter.packager import Packager
from xlsxwriter.workbook import Workbook

from moneymentor_sync.core.backups import Backup, SavedRow, SavedTab
from moneymentor_sync.core.errors import BackupError, BackupFileError

from .backup_rows import read_rows

FORMAT = 1
FOLDER = "mmsync"
MANIFEST = f"{FOLDER}/backup.json"
_MAGIC = b"mmsync-backup"
_TYPES = {MANIFEST: "application/vnd.mmsync.backup+json", "rows": "application/vnd.mmsync.rows+gzip"}
_RELATION = "urn:moneymentor-sync:backup"
_HINT_NO_BACKUP = (
    "A restore needs a file that `mmsync backup` made, as it made it: what another program has saved since has "
    "lost what a restore needs."
)


class BackupWorkbook(Workbook):  # type: ignore[misc]  # XlsxWriter has no types
    """An XlsxWriter workbook that takes further parts along, written when it is closed."""

    def __init__(self, path: Path, tmpdir: Path, parts: dict[str, Path]) -> None:
        options = {
            "constant_memory": True,
            "tmpdir": str(tmpdir),
            "strings_to_numbers": False,
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        super().__init__(str(path), options)
        self.use_zip64()
        self.parts = parts
        """By their names in the package, the files that they are copied from."""

    def _get_packager(self) -> _Packager:
        return _Packager(self.parts)


class _Packager(Packager):  # type: ignore[misc]
    def __init__(self, parts: dict[str, Path]) -> None:
        super().__init__()
        self._parts = parts

    def _create_package(self) -> list[tuple[str, str, bool]]:
        files: list[tuple[str, str, bool]] = super()._create_package()
        for path, name, _ in files:
            if name == "[Content_Types].xml":
                _insert(path, "</Types>", "".join(map(_content_type, self._parts)))
            elif name == "_rels/.rels":
                link = f'<Relationship Id="rIdMmsync" Type="{_RELATION}" Target="{MANIFEST}"/>'
                _insert(path, "</Relationships>", link)
        return [*files, *((str(path), name, True) for name, path in self._parts.items())]


def _content_type(part: str) -> str:
    kind = _TYPES.get(part, _TYPES["rows"])
    if part.endswith(".rels"):
        return ""  # the type of all relationships is there by their extension
    return f'<Override PartName="/{part}" ContentType="{kind}"/>'


def _insert(path: str, before: str, text: str) -> None:
    file = Path(path)
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace(before, text + before), encoding="utf-8")


def write_parts(directory: Path, backup: Backup, rows: Sequence[Path]) -> dict[str, Path]:
    """Writes what a backup says of itself beside its rows; gives all parts by their names in the package."""
    said = msgspec.json.encode({"format": FORMAT} | msgspec.to_builtins(backup))
    manifest = directory / "backup.json"
    digest = hashlib.sha256(said).hexdigest().encode()
    manifest.write_bytes(b"%s %d %s\n%s" % (_MAGIC, FORMAT, digest, said))
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATION}/rows" Target="{tab.part}"/>'
        for number, tab in enumerate(backup.tabs, 1)
    )
    rels = directory / "backup.rels"
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    rels.write_text(
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{space}">{links}'
        "</Relationships>",
        encoding="utf-8",
    )
    parts = {MANIFEST: manifest, f"{FOLDER}/_rels/backup.json.rels": rels}
    return parts | {f"{FOLDER}/{tab.part}": path for tab, path in zip(backup.tabs, rows, strict=True)}


class BackupFile:
    """A backup that was opened: what it says of itself, and its tabs' rows."""

    def __init__(self, path: Path, package: zipfile.ZipFile, backup: Backup) -> None:
        self.path, self.backup = path, backup
        self._package = package

    def rows(self, tab: SavedTab, styles: list[dict[str, Any]]) -> Iterator[SavedRow]:
        """A tab's rows; `styles` fills with what they refer to. Raises BackupFileError."""
        with damage(self.path), self._part(tab) as stream:
            yield from read_rows(stream, styles)

    def check(self) -> None:
        """Raises BackupFileError where the rows of any tab are not what they were."""
        for tab in self.backup.tabs:
            with damage(self.path), self._part(tab) as stream:
                digest = hashlib.sha256()
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
            if digest.hexdigest() != tab.checked:
                raise _damaged(self.path)

    def _part(self, tab: SavedTab) -> IO[bytes]:
        return self._package.open(f"{FOLDER}/{tab.part}")


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Opens a backup and makes sure that nothing of it is damaged. Raises BackupFileError, BackupError."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        if not zipfile.is_zipfile(file):
            raise BackupFileError(f"{path} is no backup, or only a part of one", hint=_HINT_NO_BACKUP)
        with damage(path), zipfile.ZipFile(file) as package:
            if MANIFEST not in package.namelist():
                raise BackupFileError(f"{path} is no backup of mmsync's", hint=_HINT_NO_BACKUP)
            opened = BackupFile(path, package, _manifest(path, package.read(MANIFEST)))
            opened.check()
            yield opened


def _manifest(path: Path, content: bytes) -> Backup:
    head, _, said = content.partition(b"\n")
    words = head.split(b" ")
    if len(words) != 3 or words[0] != _MAGIC or not words[1].isdigit():
        raise _damaged(path)
    if int(words[1]) > FORMAT:
        raise BackupFileError(
            f"{path} was made by a newer mmsync (format {int(words[1])}; this one reads up to {FORMAT})",
            hint="Restore it with the mmsync that made it, or a newer one.",
        )
    if hashlib.sha256(said).hexdigest().encode() != words[2]:
        raise _damaged(path)
    try:
        return msgspec.json.decode(said, type=Backup, strict=True)
    except msgspec.MsgspecError as error:
        raise _damaged(path) from error


@contextmanager
def damage(path: Path) -> Iterator[None]:
    """What a damaged file raises as BackupFileError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, msgspec.MsgspecError, KeyError, NotImplementedError) as error:
        raise _damaged(path) from error
    except OSError as error:
        if error.errno is not None:  # the disk's word, not gzip's
            raise BackupError(f"{path} cannot be read: {os.strerror(error.errno)}") from error
        raise _damaged(path) from error


def _damaged(path: Path) -> BackupFileError:
    return BackupFileError(f"{path} is damaged; nothing was restored", hint="Take another backup.")
