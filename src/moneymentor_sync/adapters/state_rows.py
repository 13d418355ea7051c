"""What we wrote, key by key: hashes in 256 parts by the key's first byte, each one value of the state file.

A row of a table for each key would be a hundred thousand B-tree insertions after a first sync; a part is one.
A small change rewrites the few parts it touches.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping

from moneymentor_sync.core.rows import HASH_BYTES

_RECORD = 2 * HASH_BYTES
Part = dict[bytes, bytes]


def _split(keys: Iterable[bytes]) -> dict[int, list[bytes]]:
    parts: dict[int, list[bytes]] = defaultdict(list)
    for key in keys:
        parts[key[0]].append(key)
    return parts


def _unpack(data: bytes) -> Part:
    starts = range(0, len(data), _RECORD)
    return {data[i : i + HASH_BYTES]: data[i + HASH_BYTES : i + _RECORD] for i in starts}


def _read(db: sqlite3.Connection, dataset: str, part: int) -> bytes:
    row = db.execute("SELECT hashes FROM written WHERE dataset = ? AND part = ?", (dataset, part)).fetchone()
    return bytes(row[0]) if row else b""


def _packed(rows: Mapping[bytes, bytes], keys: Iterable[bytes]) -> bytes:
    return b"".join(sorted([key + rows[key] for key in keys]))


def _write(db: sqlite3.Connection, dataset: str, part: int, data: bytes, before: bytes) -> None:
    if data == before:
        return
    if data:
        db.execute("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", (dataset, part, data))
    else:
        db.execute("DELETE FROM written WHERE dataset = ? AND part = ?", (dataset, part))


def look_up(db: sqlite3.Connection, dataset: str, keys: Iterable[bytes]) -> Part:
    """Of these keys those that were written, with the hash of their row."""
    found: Part = {}
    for part, wanted in _split(keys).items():
        rows = _unpack(_read(db, dataset, part))
        found.update((key, rows[key]) for key in wanted if key in rows)
    return found


def remember_new(db: sqlite3.Connection, dataset: str, rows: Mapping[bytes, bytes]) -> None:
    """Adds keys that are not there yet; those that are keep their hash."""
    for part, keys in _split(rows).items():
        before = _read(db, dataset, part)
        if before:
            held = {key: rows[key] for key in keys} | _unpack(before)
            _write(db, dataset, part, _packed(held, held), before)
        else:
            _write(db, dataset, part, _packed(rows, keys), before)


def remember(
    db: sqlite3.Connection, dataset: str, rows: Mapping[bytes, bytes], forget: Iterable[bytes] | None
) -> None:
    """Adds and replaces rows and forgets keys; with `forget` None, everything but `rows` is forgotten."""
    new, gone = _split(rows), _split(forget or ())
    for part in range(256) if forget is None else sorted({*new, *gone}):
        before = _read(db, dataset, part)
        if forget is None:
            _write(db, dataset, part, _packed(rows, new.get(part, ())), before)
            continue
        held = _unpack(before)
        for key in gone.get(part, ()):
            held.pop(key, None)
        held.update((key, rows[key]) for key in new.get(part, ()))
        _write(db, dataset, part, _packed(held, held), before)
