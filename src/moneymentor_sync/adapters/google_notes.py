"""Notes on a tab's headers: row 1 with them, and the fenced batch that writes some and looks where it landed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from moneymentor_sync.core.errors import OvertakenError
from moneymentor_sync.core.header_notes import HeaderCell
from moneymentor_sync.core.layout import KnownTab, heading
from moneymentor_sync.core.ports import HeaderReading

from .google_batch import Batcher
from .google_errors import bad_answer
from .google_reader import Reader, decode_row, quoted
from .google_requests import note_requests

FIELDS = (
    "updatedSpreadsheet(sheets(properties(sheetId,title),data(startRow,rowData(values(userEnteredValue,note)))))"
)


class _Cell(msgspec.Struct):
    note: str = ""


class _Row(msgspec.Struct):
    values: list[_Cell] = []


_row = msgspec.json.Decoder(_Row)


class GoogleNotes:
    """`HeaderNotes` of one spreadsheet."""

    def __init__(self, reader: Reader, batches: Batcher) -> None:
        self._reader, self._batches = reader, batches

    def read(self, known: KnownTab) -> HeaderReading | None:
        found = self._reader.header(known)
        if found is None:
            return None
        fence, info, raw = found
        return HeaderReading(fence, info, _cells(raw))

    def write(
        self, reading: HeaderReading, notes: Mapping[int, str], *, intend: Callable[[str], None]
    ) -> tuple[tuple[HeaderCell, ...], str]:
        self._batches.seen(reading.fence)
        info = reading.info
        answer = self._batches.send(
            note_requests(info.sheet_id, notes),
            intend=intend,
            ranges=[f"{quoted(info.title)}!1:1"],
            fields=FIELDS,
        )
        sheet = next((one for one in answer.sheets if one.properties.sheetId == info.sheet_id), None)
        if sheet is None:
            raise OvertakenError(f"tab {info.title!r} is not what it was")
        rows = sheet.data[0].rowData if sheet.data else []
        return _cells(rows[0] if rows else None), self._batches.token


def _cells(raw: msgspec.Raw | None) -> tuple[HeaderCell, ...]:
    if raw is None:
        return ()
    try:
        notes = [cell.note for cell in _row.decode(raw).values]
    except msgspec.MsgspecError as error:
        raise bad_answer() from error
    return tuple((heading(cell), note) for cell, note in zip(decode_row(raw), notes, strict=True))
