"""Reads tabs as typed cells, a row at a time out of the answer's bytes, so that a million cells stay cheap.

One `spreadsheets.get` serves all tabs of a sync; what people typed is asked for (`userEnteredValue`), which
tells a number from its text and a value from a formula. Only what a read gives is here; what it means is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.errors import OvertakenError, RequestRefusedError
from moneymentor_sync.core.fence import FENCE_NAMES, FENCE_TAB, STAGING_PREFIX, FenceSeen
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.ports import Reading, TabInfo, TabView, Wanted
from moneymentor_sync.core.tabs import find_tab

from .google_client import GoogleClient
from .google_errors import bad_answer
from .google_marks import MARKED, Part, read_marks

_STRUCTURE = (
    "spreadsheetId,properties(timeZone),namedRanges(namedRangeId,name,range(sheetId)),"
    "sheets(properties(sheetId,title,hidden,gridProperties(rowCount,columnCount,frozenRowCount))"
)
STRUCTURE_FIELDS = _STRUCTURE + ")"
_GRID = ",data(startRow,startColumn,rowData(values({}))))"
GRID_FIELDS = _STRUCTURE + _GRID.format("userEnteredValue")
NOTED_FIELDS = _STRUCTURE + _GRID.format("userEnteredValue,note")
MARKED_FIELDS = _STRUCTURE + _GRID.format(MARKED)


class _Value(msgspec.Struct):
    stringValue: str | None = None  # noqa: N815 - Google's names
    numberValue: float | None = None  # noqa: N815
    boolValue: bool | None = None  # noqa: N815
    formulaValue: str | None = None  # noqa: N815
    errorValue: dict[str, object] | None = None  # noqa: N815


class _Cell(msgspec.Struct):
    userEnteredValue: _Value | None = None  # noqa: N815


class _Row(msgspec.Struct):
    values: list[_Cell] = []


class _Data(msgspec.Struct):
    startRow: int = 0  # noqa: N815
    startColumn: int = 0  # noqa: N815
    rowData: list[msgspec.Raw] = []  # noqa: N815


class _Grid(msgspec.Struct):
    rowCount: int = 0  # noqa: N815
    columnCount: int = 0  # noqa: N815
    frozenRowCount: int = 0  # noqa: N815


class _Properties(msgspec.Struct):
    sheetId: int = 0  # noqa: N815
    title: str = ""
    hidden: bool = False
    gridProperties: _Grid = msgspec.field(default_factory=_Grid)  # noqa: N815


class _Sheet(msgspec.Struct):
    properties: _Properties
    data: list[_Data] = []


class _Range(msgspec.Struct):
    sheetId: int = 0  # noqa: N815


class _NamedRange(msgspec.Struct):
    namedRangeId: str  # noqa: N815
    name: str
    range: _Range = msgspec.field(default_factory=_Range)


class _Spreadsheet(msgspec.Struct):
    timeZone: str | None = None  # noqa: N815


class Answer(msgspec.Struct):
    """A spreadsheet resource, as far as the field masks here ask for it."""

    spreadsheetId: str = ""  # noqa: N815
    properties: _Spreadsheet = msgspec.field(default_factory=_Spreadsheet)
    sheets: list[_Sheet] = []
    namedRanges: list[_NamedRange] = []  # noqa: N815


class _BatchAnswer(msgspec.Struct):
    updatedSpreadsheet: Answer | None = None  # noqa: N815


_answer = msgspec.json.Decoder(Answer)
_batch_answer = msgspec.json.Decoder(_BatchAnswer)
_row = msgspec.json.Decoder(_Row)


def decode_answer(content: bytes) -> Answer:
    """Raises UnavailableError where the body is cut off, HTML, or something else."""
    try:
        return _answer.decode(content)
    except msgspec.MsgspecError as error:
        raise bad_answer() from error


def decode_batch_answer(content: bytes) -> Answer:
    """What a batchUpdate gives back of the spreadsheet. Raises UnavailableError."""
    try:
        answer = _batch_answer.decode(content).updatedSpreadsheet
    except msgspec.MsgspecError as error:
        raise bad_answer() from error
    if answer is None:
        raise bad_answer()
    return answer


def _cell(cell: _Cell) -> CurrentCell:
    value = cell.userEnteredValue
    if value is None:
        return None
    if value.stringValue is not None:
        return value.stringValue or None
    if value.numberValue is not None:
        return value.numberValue
    if value.boolValue is not None:
        return value.boolValue
    if value.formulaValue is not None:
        return Formula(value.formulaValue)
    return Formula("#ERROR!") if value.errorValue is not None else None


def decode_row(raw: msgspec.Raw) -> list[CurrentCell]:
    """One row of the answer as cells."""
    try:
        return [_cell(cell) for cell in _row.decode(raw).values]
    except msgspec.MsgspecError as error:
        raise bad_answer() from error


def quoted(title: str) -> str:
    """A tab's title in A1 notation; always quoted, since a title may look like a cell."""
    return "'" + title.replace("'", "''") + "'"


def info_of(sheet: _Sheet) -> TabInfo:
    properties, grid = sheet.properties, sheet.properties.gridProperties
    return TabInfo(
        properties.sheetId,
        properties.title,
        grid.rowCount,
        grid.columnCount,
        grid.frozenRowCount,
        properties.hidden,
    )


def fence_of(answer: Answer) -> FenceSeen:
    """The fence among the spreadsheet's named ranges."""
    tab = next((s.properties.sheetId for s in answer.sheets if s.properties.title == FENCE_TAB), None)
    for one in answer.namedRanges:
        if one.name in FENCE_NAMES:
            return FenceSeen(one.namedRangeId, one.name, tab)
    return FenceSeen(None, None, tab)


_Fetch = Callable[[TabInfo, int], tuple[_Data, int]]
"""Reads some rows of a tab from one on: what Google gave, and how many rows were asked for."""


class GoogleTab:
    """A tab as it was read. Its first part is kept as the answer's bytes while the tab has only that one.

    `part` is the number of rows that were asked for, None for all of them. `more` reads another part, `marked`
    one with all that cells have beside values.
    """

    def __init__(self, sheet: _Sheet, more: _Fetch, marked: _Fetch, part: int | None) -> None:
        self._info = info_of(sheet)
        self._first: _Data | None = sheet.data[0] if sheet.data else _Data()
        self._more = more
        self._marked = marked
        self._part = self._info.rows if part is None else part
        raw = self._first.rowData
        self._header = tuple(decode_row(raw[0])) if raw else ()

    @property
    def info(self) -> TabInfo:
        return self._info

    @property
    def header(self) -> Sequence[CurrentCell]:
        return self._header

    @property
    def whole(self) -> bool:
        return self._part >= self._info.rows

    def rows(self) -> Iterator[tuple[int, Sequence[CurrentCell]]]:
        if self.whole and self._first is not None:
            yield from _numbered(self._first.rowData, 0)
            return
        data, self._first = self._first, None
        start, count = 0, self._part
        while start < self._info.rows:
            if data is None:
                data, count = self._more(self._info, start)
            yield from _numbered(data.rowData, start)
            data = None  # let go before the next part is read
            start += count

    def marks(self) -> Marks:
        return read_marks(self._info, self._marked_parts(), self.rows(), decode_row)

    def _marked_parts(self) -> Iterator[Part]:
        start = 0
        while start < self._info.rows:
            data, count = self._marked(self._info, start)
            yield start, data.rowData
            start += count


def _numbered(rows: Sequence[msgspec.Raw], start: int) -> Iterable[tuple[int, list[CurrentCell]]]:
    for index, raw in enumerate(rows, start=start):
        cells = decode_row(raw) if index else []  # row 0 is the header
        if cells:
            yield index, cells


@dataclass(frozen=True, slots=True)
class ReadSizes:
    """Up to `whole` cells all tabs of a sync are asked for in one read, larger ones in parts of `part` cells."""

    whole: int = 3_000_000
    part: int = 800_000  # Google ends a request at 180 s, and memory is to stay small


SMALL_READS = ReadSizes(whole=100_000, part=100_000)
"""For who shares an interpreter: a large answer is unpacked and copied in one breath, 25 ms for 100 MB."""


class Reader:
    """Reads one spreadsheet through a client."""

    def __init__(self, client: GoogleClient, sizes: ReadSizes | None = None) -> None:
        self._client = client
        self._sizes = sizes or ReadSizes()
        self._tabs: tuple[TabInfo, ...] | None = None

    def tabs(self) -> tuple[TabInfo, ...]:
        """All tabs as this look at the spreadsheet found them: at most one read for each `read`."""
        if self._tabs is None:
            self._structure()
        return self._tabs or ()

    def forget_leftovers(self) -> None:
        """Hidden tabs that an interrupted sync had left are gone now."""
        if self._tabs is not None:
            self._tabs = tuple(tab for tab in self._tabs if not tab.title.startswith(STAGING_PREFIX))

    def _structure(self) -> Answer:
        answer = self._get(STRUCTURE_FIELDS, ())
        self._tabs = tuple(info_of(sheet) for sheet in answer.sheets)
        return answer

    def read(self, wanted: Sequence[Wanted]) -> Reading:
        """The tabs' cells. One read where the known titles still hold, else one more for the structure."""
        self._tabs = None
        known = [(one.dataset, one.known) for one in wanted if one.known is not None and not one.coming]
        if known and len(known) == len(wanted):
            where = [(name, TabInfo(k.sheet_id, k.title, k.height, k.width)) for name, k in known]
            try:
                return self._grids(where)
            except (RequestRefusedError, OvertakenError):
                pass  # a tab was renamed, deleted or replaced: look where it is now
        answer = self._structure()
        infos = self.tabs()
        places = [(one.dataset, found) for one in wanted if (found := find_tab(one, infos))]
        if not places:
            return Reading(fence_of(answer), {}, infos, answer.properties.timeZone)
        try:
            reading = self._grids(places, with_fence=False)
        except RequestRefusedError as error:
            raise OvertakenError("a tab was renamed or deleted while it was being looked up") from error
        return Reading(fence_of(answer), reading.tabs, infos, answer.properties.timeZone)

    def _grids(self, where: Sequence[tuple[str, TabInfo]], *, with_fence: bool = True) -> Reading:
        """The cells of tabs that should be there. Raises RequestRefusedError or OvertakenError if they are not."""
        small = sum(tab.rows * tab.columns for _, tab in where) <= self._sizes.whole
        parts = {name: None if small else self._part_rows(tab) for name, tab in where}
        ranges = [quoted(t.title) + (f"!1:{parts[name]}" if parts[name] else "") for name, t in where]
        if with_fence:
            ranges.append(f"{quoted(FENCE_TAB)}!A1")
        answer = self._get(GRID_FIELDS, ranges)
        by_id = {sheet.properties.sheetId: sheet for sheet in answer.sheets}
        tabs: dict[str, TabView] = {}
        for name, tab in where:
            sheet = by_id.get(tab.sheet_id)
            if sheet is None or sheet.properties.title != tab.title:
                raise OvertakenError(f"tab {tab.title!r} is not what it was")
            tabs[name] = GoogleTab(sheet, self._fetch, self._fetch_marked, parts[name])
        return Reading(fence_of(answer), tabs, zone=answer.properties.timeZone)

    def header(self, known: KnownTab) -> tuple[FenceSeen, TabInfo, msgspec.Raw | None] | None:
        """Row 1 of a tab with its notes, as Google sent it; None where the tab is gone. One read where its known
        title still holds, else two more."""
        self._tabs = None
        fence = f"{quoted(FENCE_TAB)}!A1"
        try:
            answer = self._get(NOTED_FIELDS, [f"{quoted(known.title)}!1:1", fence])
        except RequestRefusedError:  # renamed, or gone
            answer = Answer()
        if all(sheet.properties.sheetId != known.sheet_id for sheet in answer.sheets):
            there = self._structure()
            title = next((tab.title for tab in self.tabs() if tab.sheet_id == known.sheet_id), None)
            if title is None:
                return None
            answer = self._get(NOTED_FIELDS, [f"{quoted(title)}!1:1"])
            answer.namedRanges = there.namedRanges
            answer.sheets += [sheet for sheet in there.sheets if sheet.properties.title == FENCE_TAB]
        sheet = next((one for one in answer.sheets if one.properties.sheetId == known.sheet_id), None)
        if sheet is None:
            raise OvertakenError(f"tab {known.title!r} was renamed while it was being looked up")
        rows = sheet.data[0].rowData if sheet.data else []
        return fence_of(answer), info_of(sheet), rows[0] if rows else None

    def _part_rows(self, tab: TabInfo) -> int:
        return max(2, self._sizes.part // max(1, tab.columns))

    def _fetch(self, info: TabInfo, start: int) -> tuple[_Data, int]:
        return self._rows(info, start, self._part_rows(info), GRID_FIELDS)

    def _fetch_marked(self, info: TabInfo, start: int) -> tuple[_Data, int]:
        whole = info.rows * info.columns <= self._sizes.whole
        return self._rows(info, start, info.rows if whole else self._part_rows(info), MARKED_FIELDS)

    def _rows(self, info: TabInfo, start: int, count: int, fields: str) -> tuple[_Data, int]:
        answer = self._get(fields, [f"{quoted(info.title)}!{start + 1}:{start + count}"])
        if len(answer.sheets) != 1 or answer.sheets[0].properties.sheetId != info.sheet_id:
            raise OvertakenError(f"tab {info.title!r} was replaced while it was being read")
        data = answer.sheets[0].data
        return (data[0] if data else _Data()), count

    def _get(self, fields: str, ranges: Sequence[str]) -> Answer:
        request = self._client.spreadsheets.get(
            spreadsheetId=self._client.spreadsheet_id,
            fields=fields,
            prettyPrint=False,
            **({"ranges": list(ranges)} if ranges else {}),
        )
        return decode_answer(self._client.call(request))
