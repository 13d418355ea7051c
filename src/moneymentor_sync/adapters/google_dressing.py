"""What a new tab gets beside cells, as requests of spreadsheets.batchUpdate: a chart, red for what is late, widths.

Made once: whoever moves or deletes any of it has the last word. Google moves all of it along with the columns.
"""

from __future__ import annotations

from typing import Any

from moneymentor_sync.core.layout import column_letter
from moneymentor_sync.core.sheet_status import Dressing

ROWS_BETWEEN = 4
"""Blank rows between the table and the chart below it: room for a few more datasets."""
CHART_PIXELS = (900, 320)
_RED = {"red": 0.96, "green": 0.8, "blue": 0.8}
_DARK_RED = {"red": 0.6}


def dressing_requests(
    sheet_id: int,
    dressing: Dressing,
    headers: tuple[str, ...],
    positions: tuple[int, ...],
    *,
    rows: int,
    filled: int,
) -> list[dict[str, Any]]:
    """`positions` are where the managed columns stand, `rows` the grid's, `filled` those of them that are."""
    widths = [
        _width(sheet_id, position, width)
        for position, width in zip(positions, dressing.widths, strict=True)
        if width is not None
    ]
    return [
        *widths,
        _late(sheet_id, positions[dressing.late], positions[dressing.after], rows),
        _chart(sheet_id, dressing, headers, positions, rows, filled),
    ]


def _width(sheet_id: int, column: int, pixels: int) -> dict[str, Any]:
    span = {"sheetId": sheet_id, "dimension": "COLUMNS", "startIndex": column, "endIndex": column + 1}
    given = {"range": span, "properties": {"pixelSize": pixels}, "fields": "pixelSize"}
    return {"updateDimensionProperties": given}


def _column(sheet_id: int, column: int, rows: int, start: int = 0) -> dict[str, int]:
    return {
        "sheetId": sheet_id,
        "startRowIndex": start,
        "endRowIndex": rows,
        "startColumnIndex": column,
        "endColumnIndex": column + 1,
    }


def _late(sheet_id: int, late: int, after: int, rows: int) -> dict[str, Any]:
    """Without a function of several arguments: what stands between these depends on the spreadsheet's locale."""
    moment = f"${column_letter(after)}2"
    rule = {
        "ranges": [_column(sheet_id, late, rows, 1)],
        "booleanRule": {
            "condition": {
                "type": "CUSTOM_FORMULA",
                "values": [{"userEnteredValue": f"=({moment}>0)*(NOW()>{moment})"}],
            },
            "format": {"backgroundColor": _RED, "textFormat": {"foregroundColor": _DARK_RED, "bold": True}},
        },
    }
    return {"addConditionalFormatRule": {"rule": rule, "index": 0}}


def _chart(
    sheet_id: int, dressing: Dressing, headers: tuple[str, ...], positions: tuple[int, ...], rows: int, filled: int
) -> dict[str, Any]:
    """Over the whole columns, so that it grows with the table; Google leaves blank rows out."""

    def source(index: int) -> dict[str, Any]:
        return {"sourceRange": {"sources": [_column(sheet_id, positions[index], rows)]}}

    bars, line = headers[dressing.bars], headers[dressing.line]
    spec = {
        "title": f"{bars} and {line[:1].lower()}{line[1:]}",
        "basicChart": {
            "chartType": "COMBO",
            "legendPosition": "BOTTOM_LEGEND",
            "headerCount": 1,
            "axis": [{"position": "LEFT_AXIS", "title": bars}, {"position": "RIGHT_AXIS", "title": line}],
            "domains": [{"domain": source(dressing.along)}],
            "series": [
                {"series": source(dressing.bars), "targetAxis": "LEFT_AXIS", "type": "COLUMN"},
                {"series": source(dressing.line), "targetAxis": "RIGHT_AXIS", "type": "LINE"},
            ],
        },
    }
    anchor = {"sheetId": sheet_id, "rowIndex": min(filled + ROWS_BETWEEN, rows - 1), "columnIndex": 0}
    width, height = CHART_PIXELS
    position = {"overlayPosition": {"anchorCell": anchor, "widthPixels": width, "heightPixels": height}}
    return {"addChart": {"chart": {"spec": spec, "position": position}}}
