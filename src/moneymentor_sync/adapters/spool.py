"""Rows set aside while a sync decides: in memory while they are few, else in a file that has no name.

The file is gone with the process, whatever ends it; nothing in it can be found by a name.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from moneymentor_sync.core.errors import StateError

MEMORY_BYTES = 32 * 1024 * 1024
_BATCH = 1_000


class Spool:
    """Records of plain values (as marshal takes them), appended in order and read again any number of times."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._file = SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115 - closed by `close`
        self._pending: list[Any] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, record: Any) -> None:
        self._pending.append(record)
        self._count += 1
        if len(self._pending) >= _BATCH:
            self._flush()

    def extend(self, records: Iterable[Any]) -> None:
        """Appends many at once; the fast way for records that come in chunks."""
        chunk = list(records)
        self._flush()
        self._count += len(chunk)
        if chunk:
            self._write(chunk)

    def __iter__(self) -> Iterator[Any]:
        self._flush()
        self._file.seek(0)
        position = 0
        while True:
            self._file.seek(position)
            size = self._file.read(8)
            if not size:
                return
            data = self._file.read(int.from_bytes(size, "little"))
            position = self._file.tell()
            yield from marshal.loads(data)  # noqa: S302 - only ever this process's own bytes

    def _flush(self) -> None:
        if self._pending:
            self._write(self._pending)
            self._pending = []

    def _write(self, chunk: list[Any]) -> None:
        data = marshal.dumps(chunk, 2)
        try:
            self._file.seek(0, 2)
            self._file.write(len(data).to_bytes(8, "little"))
            self._file.write(data)
        except OSError as error:
            raise StateError(
                f"rows cannot be set aside in the temporary directory: {error.strerror}",
                hint="Free some space there, or set TMPDIR to a larger place.",
            ) from error

    def close(self) -> None:
        self._file.close()
