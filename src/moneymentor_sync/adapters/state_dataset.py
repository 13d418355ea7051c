"""What is kept of a dataset as the values of one row: the same in the state file and in a cluster's database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import DatasetState

COLUMNS = (
    "spreadsheet_id", "tab", "known", "shape", "source", "content", "formats", "rows", "verified_at", "cursor",
    "dirty", "coming",
)  # fmt: skip


def values_of(state: DatasetState, *, dirty: bool) -> tuple[Any, ...]:
    """By COLUMNS. What is coming is known only until the end of a write is."""
    known = None if state.known is None else json.dumps(_plain(state.known))
    return (
        state.spreadsheet_id, state.tab, known, state.shape, state.source, state.content,
        json.dumps(state.formats), state.rows, state.verified_at, state.cursor, dirty,
        json.dumps(state.coming) if dirty else "[]",
    )  # fmt: skip


def state_of(row: Sequence[Any]) -> DatasetState:
    """Of values by COLUMNS. Raises ValueError, TypeError, KeyError where they are none that were ever written."""
    return DatasetState(
        spreadsheet_id=row[0],
        tab=row[1],
        known=_known(row[2]),
        shape=row[3],
        source=row[4],
        content=row[5],
        formats=tuple(json.loads(row[6])),
        rows=int(row[7]),
        verified_at=float(row[8]),
        cursor=row[9],
        dirty=bool(row[10]),
        coming=tuple(int(one) for one in json.loads(row[11])),
    )


def _plain(known: KnownTab) -> dict[str, Any]:
    return asdict(known) | {"headings": sorted(known.headings)}


def _known(text: str | None) -> KnownTab | None:
    if text is None:
        return None
    data = json.loads(text)
    return KnownTab(
        sheet_id=data["sheet_id"],
        title=data["title"],
        headings=frozenset(data["headings"]),
        positions=tuple(data["positions"]),
        headers=tuple(data["headers"]),
        width=data["width"],
        height=data["height"],
        noted=tuple((header, digest) for header, digest in data.get("noted", ())),  # earlier versions knew none
    )
