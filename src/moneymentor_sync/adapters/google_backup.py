"""Reads a spreadsheet as it has to be saved: all that cells have, and all that lies over them.

Large tabs come in parts, between which people may move rows. So each is looked at a second time, values alone,
and where that finds anything else than the first time it is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from moneymentor_sync.core.backups import Dimension, SavedRow, current_cells
from moneymentor_sync.core.errors import OvertakenError, RequestRefusedError
from moneymentor_sync.core.fence import FENCE_NAMES, FENCE_TAB, STAGING_PREFIX, FenceSeen
from moneymentor_sync.core.ports import TabInfo

from .backup_rows import RowsWriter, Styles, decode_saved
from .google_client import GoogleClient
from .google_errors import bad_answer
from .google_reader import quoted

Json = dict[str, Any]
STRUCTURE_FIELDS = (
    "spreadsheetId,properties(title),namedRanges,sheets(properties,merges,conditionalFormats,basicFilter,filterViews,"
    "protectedRanges,bandedRanges,charts(chartId),slicers(slicerId),developerMetadata(metadataId),rowGroups,"
    "columnGroups)"
)
_PROPERTIES = "sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),data(startRow,"
CELL_FIELDS = "userEnteredValue,effectiveValue,userEnteredFormat,note,textFormatRuns,dataValidation,pivotTable"
DATA_FIELDS = (
    f"{_PROPERTIES}rowData(values({CELL_FIELDS})),rowMetadata(pixelSize,hiddenByUser),"
    "columnMetadata(pixelSize,hiddenByUser)))"
)
VALUE_FIELDS = f"{_PROPERTIES}rowData(values(userEnteredValue))))"
PART_CELLS = 60_000
"""Cells of one read: with formats each is some 500 bytes, and memory is to stay small."""
LOOK_CELLS = 600_000
"""Cells of one read when only values are looked at."""


class _Dimension(msgspec.Struct):
    pixelSize: int = 0  # noqa: N815 - Google's names
    hiddenByUser: bool = False  # noqa: N815


class _Data(msgspec.Struct):
    startRow: int = 0  # noqa: N815
    rowData: list[msgspec.Raw] = []  # noqa: N815
    rowMetadata: list[_Dimension] = []  # noqa: N815
    columnMetadata: list[_Dimension] = []  # noqa: N815


class _Grid(msgspec.Struct):
    rowCount: int = 0  # noqa: N815
    columnCount: int = 0  # noqa: N815


class _Properties(msgspec.Struct):
    sheetId: int = 0  # noqa: N815
    title: str = ""
    gridProperties: _Grid = msgspec.field(default_factory=_Grid)  # noqa: N815


class _Sheet(msgspec.Struct):
    properties: _Properties
    data: list[_Data] = []


class _Answer(msgspec.Struct):
    sheets: list[_Sheet] = []


_answer = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True)
class Structure:
    """A spreadsheet without its cells. `tabs` are Google's JSON of those that have cells, our own left out;
    `all_tabs` has those, too."""

    title: str
    tabs: tuple[Json, ...]
    named: tuple[Json, ...]
    left_out: tuple[str, ...]
    fence: FenceSeen
    all_tabs: tuple[TabInfo, ...]


@dataclass(frozen=True, slots=True)
class SavedRows:
    """What was written of a tab beside its rows. `steady` is False where it never stayed the same for two looks."""

    columns: tuple[Dimension, ...]
    rows: tuple[Dimension, ...]
    filled: int
    cells: int
    steady: bool = True


def is_ours(title: str) -> bool:
    """Whether a tab is one in which mmsync keeps only something of its own."""
    return title == FENCE_TAB or title.startswith(STAGING_PREFIX)


class BackupReader:
    """Reads one spreadsheet through a client. `attempt` does a read as often as it takes (retries are not ours)."""

    def __init__(
        self,
        client: GoogleClient,
        attempt: Callable[[Callable[[], bytes]], bytes],
        *,
        part_cells: int = PART_CELLS,
        look_cells: int = LOOK_CELLS,
    ) -> None:
        self._client = client
        self._attempt = attempt
        self._part, self._look = part_cells, look_cells

    def structure(self) -> Structure:
        try:
            found = msgspec.json.decode(self._get(STRUCTURE_FIELDS, ()))
            title = found["properties"]["title"]
            all_tabs = tuple(_info(one["properties"]) for one in found["sheets"])
            sheets = [one for one in found["sheets"] if not is_ours(one["properties"]["title"])]
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise bad_answer() from error
        named = [one for one in found.get("namedRanges", ()) if one.get("name") not in FENCE_NAMES]
        has_cells = [one for one in sheets if one["properties"].get("sheetType", "GRID") == "GRID"]
        left_out = [one["properties"]["title"] for one in sheets if one not in has_cells]
        fence = _fence(found.get("namedRanges", ()), all_tabs)
        return Structure(title, tuple(has_cells), tuple(named), tuple(left_out), fence, all_tabs)

    def save(self, tab: Json, path: Path, *, tries: int = 3) -> SavedRows:
        """Writes a tab's rows into a new file; reads them again, so many times in all, while they change meanwhile.

        Raises OvertakenError where the tab is not what the structure said, and what the client raises.
        """
        while True:
            tries -= 1
            path.unlink(missing_ok=True)
            with RowsWriter(path) as writer:
                found, digest = self._rows(tab, writer)
            steady = digest is None or digest == self._second_look(tab)
            if steady or tries <= 0:
                return replace(found, steady=steady)

    def _rows(self, tab: Json, writer: RowsWriter) -> tuple[SavedRows, bytes | None]:
        """The rows, and a digest of their values where they did not come in one answer."""
        columns: list[Dimension] = []
        rows: list[Dimension] = []
        digest = hashlib.blake2b()
        parts = 0
        for data in self._parts(tab, self._part, DATA_FIELDS):
            parts += 1
            if not columns:
                _add(columns, data.columnMetadata)
            _add(rows, data.rowMetadata)
            for index, raw in enumerate(data.rowData, data.startRow):
                row = decode_saved(index, raw, writer.styles)
                if row is None:
                    continue
                writer.put(row)
                digest.update(_values(row))
        found = SavedRows(tuple(columns), tuple(rows), writer.rows, writer.cells)
        return found, digest.digest() if parts > 1 else None

    def _second_look(self, tab: Json) -> bytes:
        digest = hashlib.blake2b()
        styles = Styles()
        for data in self._parts(tab, self._look, VALUE_FIELDS):
            for index, raw in enumerate(data.rowData, data.startRow):
                row = decode_saved(index, raw, styles)
                if row is not None:
                    digest.update(_values(row))
        return digest.digest()

    def _parts(self, tab: Json, cells: int, fields: str) -> Iterator[_Data]:
        properties = tab["properties"]
        grid = properties["gridProperties"]
        size = (int(grid["rowCount"]), int(grid["columnCount"]))
        count = max(1, cells // max(1, size[1]))
        for start in range(0, size[0], count):
            end = min(start + count, size[0])
            yield self._one(properties, size, f"{quoted(properties['title'])}!{start + 1}:{end}", fields)

    def _one(self, properties: Json, size: tuple[int, int], where: str, fields: str) -> _Data:
        try:
            answer = _answer.decode(self._get(fields, [where]))
        except RequestRefusedError as error:  # a range of what is no longer there
            raise OvertakenError(f"tab {properties['title']!r} went while it was being read") from error
        except msgspec.MsgspecError as error:
            raise bad_answer() from error
        sheets = answer.sheets
        grid = sheets[0].properties.gridProperties if sheets else _Grid()
        is_same = len(sheets) == 1 and sheets[0].properties.sheetId == properties.get("sheetId", 0)
        if not is_same or (grid.rowCount, grid.columnCount) != size:
            raise OvertakenError(f"tab {properties['title']!r} got another size while it was being read")
        return sheets[0].data[0] if sheets[0].data else _Data()

    def _get(self, fields: str, ranges: Sequence[str]) -> bytes:
        def read() -> bytes:
            request = self._client.spreadsheets.get(
                spreadsheetId=self._client.spreadsheet_id,
                fields=fields,
                prettyPrint=False,
                **({"ranges": list(ranges)} if ranges else {}),
            )
            return self._client.call(request)

        return self._attempt(read)


def _info(properties: Json) -> TabInfo:
    grid = properties.get("gridProperties", {})
    return TabInfo(
        properties.get("sheetId", 0),
        properties["title"],
        grid.get("rowCount", 0),
        grid.get("columnCount", 0),
        grid.get("frozenRowCount", 0),
        bool(properties.get("hidden")),
    )


def _fence(named: Sequence[Json], tabs: Sequence[TabInfo]) -> FenceSeen:
    tab = next((one.sheet_id for one in tabs if one.title == FENCE_TAB), None)
    seen = next((one for one in named if one.get("name") in FENCE_NAMES), None)
    return FenceSeen(seen["namedRangeId"], seen["name"], tab) if seen else FenceSeen(None, None, tab)


def _values(row: SavedRow) -> bytes:
    """What people and we entered in a row, as bytes: what formulas show changes by itself."""
    cells = current_cells(row)
    return repr((row.index, cells)).encode("utf-8", "surrogatepass") if any(c is not None for c in cells) else b""


def _add(runs: list[Dimension], given: Sequence[_Dimension]) -> None:
    for one in given:
        if runs and runs[-1][:2] == (one.pixelSize, one.hiddenByUser):
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((one.pixelSize, one.hiddenByUser, 1))
