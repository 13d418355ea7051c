"""Fingerprints of rows and tables: how to know that nothing changed without holding what there was.

A table's fingerprint is the sum of its rows' keyed hashes, so it does not depend on their order. The hash is
keyed with a secret of the installation: the state file then tells nothing about the data.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from .cells import Cell, CurrentCell, Formula

HASH_BYTES = 16
_MODULUS = 1 << (8 * HASH_BYTES)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A multiset of rows as (count, sum of hashes modulo 2^128)."""

    count: int
    total: int

    def to_text(self) -> str:
        return f"{self.count}:{self.total:032x}"

    @classmethod
    def from_text(cls, text: str) -> Fingerprint:
        count, _, total = text.partition(":")
        return cls(int(count), int(total, 16))


class Hasher:
    """Keyed BLAKE2b of 16 bytes; one for each installation's secret."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(digest_size=HASH_BYTES, key=secret)

    def digest(self, data: bytes) -> bytes:
        state = self._keyed.copy()
        state.update(data)
        return state.digest()

    def key(self, cells: tuple[CurrentCell, ...]) -> bytes:
        """The hash of a row's key cells; 7, "7" and True are three keys."""
        try:
            return self.digest(b"k" + marshal.dumps(cells, 2))  # type: ignore[arg-type]  # a formula raises
        except ValueError:
            return self.digest(b"f" + repr(cells).encode("utf-8", "surrogatepass"))

    def row(self, cells: tuple[CurrentCell, ...]) -> bytes:
        """The hash of a row's managed cells; a formula equals no value."""
        try:
            return self.digest(marshal.dumps(cells, 2))  # type: ignore[arg-type]  # a formula raises
        except ValueError:
            return self.digest(repr(cells).encode("utf-8", "surrogatepass"))

    def keys(self, rows: Iterable[tuple[Cell, ...]]) -> list[bytes]:
        """As `key`, for rows of the database's, in which there is no formula."""
        return self._digests([b"k" + marshal.dumps(cells, 2) for cells in rows])

    def rows(self, rows: Iterable[tuple[Cell, ...]]) -> list[bytes]:
        """As `row`, for rows of the database's, in which there is no formula."""
        return self._digests([marshal.dumps(cells, 2) for cells in rows])

    def _digests(self, many: Iterable[bytes]) -> list[bytes]:
        found: list[bytes] = []
        copy = self._keyed.copy
        for data in many:  # without a call of ours for each: this runs for every row of a table
            state = copy()
            state.update(data)
            found.append(state.digest())
        return found

    def text(self, text: str) -> str:
        """The hash of a text that people may have written, such as a header, for the state file."""
        return self.digest(text.encode("utf-8", "surrogatepass")).hex()

    def fingerprint(self, packed: Iterable[bytes]) -> Fingerprint:
        """The fingerprint of rows given as bytes."""
        return sum_hashes(self._digests(packed))


def add(left: Fingerprint, right: Fingerprint) -> Fingerprint:
    """The fingerprint of two multisets together."""
    return Fingerprint(left.count + right.count, (left.total + right.total) % _MODULUS)


def sum_hashes(hashes: Iterable[bytes]) -> Fingerprint:
    """The fingerprint of rows whose hashes are known."""
    count = total = 0
    for item in hashes:
        total += int.from_bytes(item, "little")
        count += 1
    return Fingerprint(count, total % _MODULUS)


def is_blank(cells: Iterable[Cell | Formula]) -> bool:
    return all(cell is None for cell in cells)
