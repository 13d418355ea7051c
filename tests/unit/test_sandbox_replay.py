"""The judge of the sandbox: it must agree where answers agree, and above all notice where they do not."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import replay
from moneymentor_sync.sandbox.comparison import Mapping, difference

ID = "1RecordedRecordedRecordedRecordedRecorded_AB"
SHEETS = f"https://sheets.googleapis.com/v4/spreadsheets/{ID}"
DRIVE = "https://www.googleapis.com/drive/v3/files"


def interaction(method: str, uri: str, body: Any, answer: Any, status: int = 200) -> Any:
    text = None if body is None else json.dumps(body)
    shown = answer if isinstance(answer, str) else json.dumps(answer)
    return {
        "request": {"method": method, "uri": uri, "body": text, "headers": {}},
        "response": {"status": {"code": status}, "headers": {}, "body": {"string": shown}},
    }


def recording() -> list[Any]:
    """A file made, a tab added, a value written and read, the file deleted."""
    kind = "application/vnd.google-apps.spreadsheet"
    made = {"kind": "drive#file", "id": ID, "name": "T", "mimeType": kind}
    grid = {"rowCount": 5, "columnCount": 5}
    tab = {"sheetId": 77, "title": "two", "index": 1, "sheetType": "GRID", "gridProperties": grid}
    written = {
        "spreadsheetId": ID,
        "updatedRange": "two!B1",
        "updatedRows": 1,
        "updatedColumns": 1,
        "updatedCells": 1,
    }
    add = {"requests": [{"addSheet": {"properties": {"title": "two", "gridProperties": grid}}}]}
    rename = {"properties": {"sheetId": 77, "title": "three"}, "fields": "title"}
    return [
        interaction("POST", DRIVE, {"name": "T", "mimeType": kind}, made),
        interaction(
            "POST",
            f"{SHEETS}:batchUpdate",
            add,
            {"spreadsheetId": ID, "replies": [{"addSheet": {"properties": tab}}]},
        ),
        interaction("PUT", f"{SHEETS}/values/two!B1?valueInputOption=RAW", {"values": [["v"]]}, written),
        interaction(
            "POST",
            f"{SHEETS}:batchUpdate",
            {"requests": [{"updateSheetProperties": rename}]},
            {"spreadsheetId": ID, "replies": [{}]},
        ),
        interaction(
            "GET",
            f"{SHEETS}/values/three",
            None,
            {"range": "three!A1:E5", "majorDimension": "ROWS", "values": [["", "v"]]},
        ),
        interaction("DELETE", f"{DRIVE}/{ID}", None, "", 204),
    ]


def outcomes(interactions: list[Any]) -> list[replay.Outcome]:
    return list(replay.replay_one("r", interactions))


def test_a_recording_that_agrees() -> None:
    found = outcomes(recording())
    assert [item.reason for item in found] == [""] * 6
    assert all(item.agrees and item.supported for item in found)


@pytest.mark.parametrize(
    ("number", "change", "reason"),
    [
        (4, lambda body: body["values"][0].__setitem__(1, "w"), 'values[0][1]: "w" recorded, "v" given'),
        (4, lambda body: body.update(range="three!A1:E6"), 'range: "three!A1:E6" recorded'),
        (4, lambda body: body.pop("majorDimension"), ": majorDimension not recorded"),
        (2, lambda body: body.update(more=1), ": more missing (1)"),
        (2, lambda body: body.update(updatedCells=True), "updatedCells: true recorded, 1 given"),
        (2, lambda body: body.update(spreadsheetId="1another"), "spreadsheetId"),
        (4, lambda body: body["values"].append([]), "values: 2 items recorded, 1 given"),
    ],
)
def test_a_difference_anywhere_is_noticed(number: int, change: Any, reason: str) -> None:
    changed = copy.deepcopy(recording())
    body = json.loads(changed[number]["response"]["body"]["string"])
    change(body)
    changed[number]["response"]["body"]["string"] = json.dumps(body)
    found = outcomes(changed)[number]
    assert not found.agrees
    assert reason in found.reason


def test_another_status_is_noticed() -> None:
    changed = recording()
    changed[5]["response"]["status"]["code"] = 200
    assert outcomes(changed)[5].reason.startswith("status 204 for 200")


def test_a_file_of_somebody_else_is_supposed_and_one_that_never_was_is_not() -> None:
    refused = {
        "error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}
    }
    missing = {"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}}
    found = outcomes(
        [
            interaction("GET", SHEETS, None, refused, 403),
            interaction("GET", SHEETS.replace(ID, "test"), None, missing, 404),
        ]
    )
    assert [item.reason for item in found] == ["", ""]


def test_ids_and_addresses_must_fit_once_they_are_known() -> None:
    mapping = Mapping()
    assert difference({"sheetId": 5}, {"sheetId": 9}, mapping) == ""
    assert difference({"sheetId": 5}, {"sheetId": 9}, mapping) == ""
    assert difference({"sheetId": 5}, {"sheetId": 8}, mapping) != ""
    assert difference({"sheetId": 6}, {"sheetId": 9}, mapping) != ""
    assert difference({"emailAddress": "a@b.example"}, {"emailAddress": "x@y.example"}, mapping) == ""
    assert difference({"emailAddress": "c@b.example"}, {"emailAddress": "x@y.example"}, mapping) != ""


def test_moments_must_be_moments_and_theme_colours_colours() -> None:
    moment = {"createdTime": "2023-07-20T08:47:44.700Z"}
    assert difference(moment, {"createdTime": "2026-01-01T00:00:00.000Z"}, Mapping()) == ""
    assert difference(moment, {"createdTime": "yesterday"}, Mapping()) != ""
    theme = {"spreadsheetTheme": {"themeColors": [{"colorType": "TEXT", "color": {"rgbColor": {"red": 1}}}]}}
    other = copy.deepcopy(theme)
    other["spreadsheetTheme"]["themeColors"][0]["color"] = {"rgbColor": {}}
    assert difference(theme, other, Mapping()) == ""
    other["spreadsheetTheme"]["themeColors"][0]["colorType"] = "LINK"
    assert difference(theme, other, Mapping()) != ""


def test_the_command_prints_the_share_and_fails_below_95_percent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.json").write_text(json.dumps({"interactions": recording()}))
    assert replay.main([str(tmp_path)]) == 0
    assert "agree: 6 = 100.0 % of all" in capsys.readouterr().out
    bad = recording()
    bad[5]["response"]["status"]["code"] = 500
    (tmp_path / "bad.json").write_text(json.dumps({"interactions": bad}))
    assert replay.main([str(tmp_path), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["agreeing"], printed["interactions"], len(printed["outcomes"])) == (11, 12, 1)


def test_a_folder_without_recordings_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        replay.main([str(tmp_path)])
    assert end.value.code == 2


RECORDINGS = Path(
    os.environ.get("MMSYNC_RECORDINGS") or Path(__file__).resolve().parents[2].parent / "shared" / "recorded"
)


@pytest.mark.skipif(
    not any(RECORDINGS.glob("*.json")),
    reason="no recordings of Google's answers here (MMSYNC_RECORDINGS names their folder): not compared with them",
)
def test_the_recorded_answers_of_google() -> None:
    summary = replay.replay(RECORDINGS)
    shares = summary.shares()
    assert shares["of_supported"] >= 95, replay.report(summary, verbose=False)
    assert shares["of_all"] >= 95, replay.report(summary, verbose=False)
