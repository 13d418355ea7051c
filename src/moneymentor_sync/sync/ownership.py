"""Whose rows are in a saved tab: those that mmsync wrote are told by the hashes that it keeps of them.

Which they are is saved as row numbers, not as hashes: these are keyed by a secret of the installation, and a
backup may have to be restored by another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from moneymentor_sync.core.backups import OursIn, SavedRow, Spans, current_cells
from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.compare import managed_cells
from moneymentor_sync.core.layout import heading
from moneymentor_sync.core.ports import DatasetState, Store
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import Dataset

from .decide import current_state


def key_headers(dataset: Dataset) -> tuple[str, ...]:
    """Under which headers a dataset's key stands."""
    named = {column.name: column.header for column in dataset.columns}
    return tuple(named.get(name, name) for name in dataset.key)


@dataclass(frozen=True, slots=True)
class Identities:
    """Rows' hashes, of a tab whose header row has been found: `positions` are all managed columns."""

    positions: tuple[int, ...]
    key: tuple[int, ...]
    hasher: Hasher

    @classmethod
    def of(cls, ours: OursIn, header: Sequence[CurrentCell], hasher: Hasher) -> Identities | None:
        """None where a header is not there, or twice."""
        found = [heading(cell) for cell in header]
        wanted = [text.strip() for text in ours.headers]
        if any(found.count(text) != 1 for text in wanted) or not set(ours.key) <= set(ours.headers):
            return None
        key = tuple(ours.headers.index(text) for text in ours.key)
        return cls(tuple(map(found.index, wanted)), key, hasher)

    def hashes(self, row: Sequence[CurrentCell]) -> tuple[bytes, bytes] | None:
        """The hash of a row's key and that of its managed cells; None where it has no whole key."""
        cells = managed_cells(row, self.positions)
        key = tuple([cells[i] for i in self.key])
        return None if None in key else (self.hasher.key(key), self.hasher.row(cells))


def ours_in(dataset: Dataset, state: DatasetState | None) -> OursIn | None:
    """What is known of a dataset's tab before its rows are looked at."""
    state = current_state(dataset, state)
    if state is None or state.known is None:
        return None
    return OursIn(dataset.name, state.known.headers, key_headers(dataset))


def with_rows(ours: OursIn, rows: Iterable[SavedRow], store: Store, hasher: Hasher) -> OursIn:
    """The same with the rows that mmsync wrote."""
    identities: Identities | None = None
    keys: dict[int, bytes] = {}
    for row in rows:
        if row.index == 0:
            identities = Identities.of(ours, current_cells(row), hasher)
        elif identities is not None and (hashes := identities.hashes(current_cells(row))) is not None:
            keys[row.index] = hashes[0]
    written = store.written(ours.dataset, keys.values())
    return replace(ours, rows=_spans(index for index, key in keys.items() if key in written))


def rows_of(ours: OursIn, rows: Iterable[SavedRow], hasher: Hasher) -> dict[bytes, bytes]:
    """The hashes of the rows that mmsync had written, key by key, as a store remembers them."""
    identities: Identities | None = None
    found: dict[bytes, bytes] = {}
    spans = iter(ours.rows)
    span = next(spans, None)
    for row in rows:
        if row.index == 0:
            identities = Identities.of(ours, current_cells(row), hasher)
            continue
        while span is not None and span[1] <= row.index:
            span = next(spans, None)
        if span is None or identities is None:
            break
        if span[0] <= row.index and (hashes := identities.hashes(current_cells(row))) is not None:
            found[hashes[0]] = hashes[1]
    return found


def _spans(indexes: Iterable[int]) -> Spans:
    spans: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if spans and spans[-1][1] == index:
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index, index + 1))
    return tuple(spans)
