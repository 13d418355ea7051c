"""Keeps a library in a directory: a snapshot, and after it every change as the request that made it.

A record is written before its request is answered, so a process that is killed loses no answered change; a
record cut short by the kill belongs to a request that nobody got an answer to, and is dropped.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from . import snapshot
from .accounts import write_private
from .library import Library

_HEAD = struct.Struct(">II")
COMPACT_BYTES = 128 * 1024 * 1024


class DirectoryInUseError(RuntimeError):
    """Another sandbox has the directory."""


@dataclass(frozen=True, slots=True)
class Change:
    """A request that changed something: when, by whom, and what was asked."""

    now: float
    caller: str
    method: str
    target: str
    body: bytes
    content_type: str = ""


class Journal:
    """The files `sheets.snapshot` and `sheets.journal` of one directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._snapshot, self._path = directory / "sheets.snapshot", directory / "sheets.journal"
        self._sequence = 0
        self._lock = os.open(directory / "sandbox.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise DirectoryInUseError(f"{directory} is in use by another sandbox") from error
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._size = 0

    def load(self, library: Library) -> Iterator[Change]:
        """Reads the snapshot into the library and gives the changes made since, to be carried out again."""
        if self._snapshot.exists():
            self._sequence = snapshot.load(self._snapshot.read_bytes(), library)
        data = self._path.read_bytes()
        position = 0
        while position + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, position)
            start = position + _HEAD.size
            payload = data[start : start + length]
            if len(payload) < length or zlib.crc32(payload) != checksum:
                break
            position = start + length
            sequence, *fields = msgspec.msgpack.decode(payload)
            if sequence > self._sequence:
                self._sequence = sequence
                yield Change(*fields)
        self._truncate(position)

    def _truncate(self, size: int) -> None:
        os.ftruncate(self._file, size)
        os.lseek(self._file, size, os.SEEK_SET)
        self._size = size

    def append(self, change: Change) -> None:
        """Writes one change down. Raises OSError (a full disk); nothing of it stays then."""
        self._sequence += 1
        payload = msgspec.msgpack.encode([self._sequence, *(getattr(change, name) for name in change.__slots__)])
        record = _HEAD.pack(len(payload), zlib.crc32(payload)) + payload
        try:
            self._write(record)
        except OSError:
            self._truncate(self._size)
            raise
        self._size += len(record)

    def _write(self, record: bytes) -> None:
        rest = memoryview(record)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    @property
    def is_long(self) -> bool:
        return self._size > COMPACT_BYTES

    def compact(self, library: Library) -> None:
        """Writes a snapshot and empties the journal."""
        write_private(self._snapshot, snapshot.dump(library, self._sequence))
        self._truncate(0)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._lock)
