"""The sandbox over HTTP: tokens, quotas, faults, the log, persons' edits, and who it answers."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.auth import crypt, jwt
from tests.contract.sandbox_http import SCOPES, Wire, token

from moneymentor_sync.sandbox import ApiError, DirectoryInUseError, Fault, Formula, Quota, Sandbox


class Clock:
    """Time as the tests have it."""

    def __init__(self) -> None:
        self.now = time.time()  # google-auth signs its assertions with the real time
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture(scope="module")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a key in it: making one takes a moment."""
    directory = tmp_path_factory.mktemp("key")
    with Sandbox(directory):
        pass
    return directory


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(tmp_path: Path, key_directory: Path, clock: Clock) -> Iterator[Sandbox]:
    (tmp_path / "mmsync.json").write_bytes((key_directory / "mmsync.json").read_bytes())
    with Sandbox(tmp_path, clock=clock, pause=clock.wait) as box:
        yield box


@pytest.fixture
def wire(box: Sandbox) -> Wire:
    return Wire(box)


# --- tokens -----------------------------------------------------------------------------------------------


def grant(box: Sandbox, **changes: Any) -> Any:
    """Asks for a token with an assertion changed like that."""
    info = json.loads(box.credentials_file.read_text())
    now = int(time.time())
    claims = {
        "iss": info["client_email"],
        "aud": info["token_uri"],
        "scope": " ".join(SCOPES),
        "iat": now,
        "exp": now + 3600,
    } | changes
    signer = crypt.RSASigner.from_service_account_info(info)
    assertion = jwt.encode(signer, claims).decode()
    body = f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
    answer = Wire(box, "").send("POST", "/token", body.encode())
    return answer.status, answer.json


def test_a_signed_assertion_gets_a_token(box: Sandbox) -> None:
    status, body = grant(box)
    assert (status, body["token_type"]) == (200, "Bearer")
    assert Wire(box, body["access_token"]).send("GET", "?fields=spreadsheetId").status == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"iss": "nobody@example.com"}, "invalid_grant"),
        ({"iat": 0, "exp": 3600}, "invalid_grant"),
        ({"exp": 2**33}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_a_wrong_assertion_gets_none(box: Sandbox, changes: Any, code: str) -> None:
    status, body = grant(box, **changes)
    assert (status, body["error"]) == (400, code)


def test_a_forged_signature_gets_none(box: Sandbox) -> None:
    other = json.loads(box.account("other").read_text())
    mine = json.loads(box.credentials_file.read_text())
    signer = crypt.RSASigner.from_service_account_info(other)
    now = int(time.time())
    claims = {"iss": mine["client_email"], "aud": mine["token_uri"], "scope": "x"} | {"iat": now, "exp": now + 60}
    body = b"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=" + jwt.encode(signer, claims)
    answer = Wire(box, "").send("POST", "/token", body)
    assert (answer.status, answer.json["error_description"]) == (400, "Invalid JWT Signature.")


def test_without_a_valid_token_nothing_is_answered(box: Sandbox, wire: Wire, clock: Clock) -> None:
    answer = Wire(box, "nonsense").send("GET", "")
    assert (answer.status, answer.json["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert answer.json["error"]["message"].startswith("Request had invalid authentication credentials.")
    assert Wire(box, "").send("GET", "").status == 401
    assert wire.send("GET", "?fields=spreadsheetId").status == 200
    clock.now += 3601
    assert wire.send("GET", "?fields=spreadsheetId").status == 401


def test_another_account_sees_nothing_until_it_is_shared(box: Sandbox) -> None:
    other = Wire(box, token(box, "other"))
    assert other.send("GET", "").status == 403
    box.share(box.spreadsheet_id, "other@mmsync-sandbox.iam.gserviceaccount.com", "reader")
    assert other.send("GET", "").status == 200
    assert other.put("A1", [[1]]).status == 403


# --- quotas -----------------------------------------------------------------------------------------------


def test_the_sixty_first_read_of_a_minute_is_refused(box: Sandbox, wire: Wire, clock: Clock) -> None:
    box.quota = Quota(reads_per_user=2, writes_per_user=1)
    assert [wire.send("GET", "?fields=spreadsheetId").status for _ in range(3)] == [200, 200, 429]
    assert wire.put("A1", [[1]]).status == 200
    answer = wire.put("A1", [[2]])
    error = answer.json["error"]
    assert "Retry-After" not in answer.headers
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["message"] == (
        "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per user' of "
        "service 'sheets.googleapis.com' for consumer 'project_number:100000000001'."
    )
    assert error["details"][0]["metadata"]["quota_limit"] == "WriteRequestsPerMinutePerUser"
    clock.now += 59
    assert wire.put("A1", [[3]]).status == 429
    clock.now += 1
    assert wire.put("A1", [[4]]).status == 200
    assert box.grid(box.spreadsheet_id, "Sheet1") == [[4]]


def test_googles_limits_are_the_default_and_can_be_turned_off(box: Sandbox, wire: Wire) -> None:
    assert box.quota == Quota(60, 60, 300, 300)
    wire.send("POST", "/_sandbox/quota", {"reads_per_user": 1})
    assert [wire.send("GET", "?fields=spreadsheetId").status for _ in range(2)] == [200, 429]
    wire.send("POST", "/_sandbox/quota", {"off": True})
    assert box.quota is None
    assert {wire.send("GET", "?fields=spreadsheetId").status for _ in range(70)} == {200}


def test_the_project_has_a_quota_of_its_own_and_drive_has_none(box: Sandbox, wire: Wire) -> None:
    box.quota = Quota(reads_per_project=1)
    wire.send("GET", "?fields=spreadsheetId")
    message = wire.get("?fields=spreadsheetId")["error"]["message"]
    assert "limit 'Read requests per minute' of" in message
    assert wire.send("GET", "/drive/v3/files").status == 200


# --- faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "application/json"), (500, "application/json"), (502, "text/html"), (503, "application")],
)
def test_a_status_on_request(box: Sandbox, wire: Wire, status: int, kind: str) -> None:
    fault = box.faults.add(Fault("status", on="write", status=status, retry_after=7))
    answer = wire.put("A1", [[1]])
    assert (answer.status, answer.headers["Retry-After"]) == (status, "7")
    assert answer.headers["Content-Type"].startswith(kind)
    assert fault.fired == 1
    assert box.grid(box.spreadsheet_id, "Sheet1") == []
    assert wire.put("A1", [[1]]).status == 200
    assert fault.fired == 1


def test_an_error_although_it_was_applied(box: Sandbox, wire: Wire) -> None:
    box.faults.add(Fault("status", on="write", status=503, after_applying=True))
    assert wire.put("A1", [[1]]).status == 503
    assert box.grid(box.spreadsheet_id, "Sheet1") == [[1]]


@pytest.mark.parametrize(
    ("kind", "error", "grid"),
    [
        ("reset_before", ConnectionResetError, []),
        ("reset_after", ConnectionResetError, [[1]]),
        ("close_before", http.client.RemoteDisconnected, []),
        ("close_after", http.client.RemoteDisconnected, [[1]]),
        ("truncate", http.client.IncompleteRead, [[1]]),
    ],
)
def test_a_connection_that_breaks(box: Sandbox, wire: Wire, kind: Any, error: type[Exception], grid: Any) -> None:
    fault = box.faults.add(Fault(kind, on="write"))
    with pytest.raises(error) as raised:
        wire.put("A1", [[1]])
    assert type(raised.value) is error
    assert box.grid(box.spreadsheet_id, "Sheet1") == grid
    assert (fault.fired, box.log.of("write")[-1].fault) == (1, kind)
    assert box.log.of("write")[-1].applied == bool(grid)


def test_a_server_that_dies_refuses_connections_until_it_is_there_again(box: Sandbox, wire: Wire) -> None:
    fault = box.faults.add(Fault("refuse", on="write"))
    with pytest.raises(http.client.RemoteDisconnected):
        wire.put("A1", [[1]])
    with pytest.raises(ConnectionRefusedError):
        wire.put("A1", [[1]])
    box.plug_in()
    assert (fault.fired, box.grid(box.spreadsheet_id, "Sheet1")) == (1, [])
    assert wire.put("A1", [[1]]).status == 200
    box.unplug()
    with pytest.raises(ConnectionRefusedError):
        wire.put("A1", [[1]])


def test_answers_that_are_no_json(box: Sandbox, wire: Wire) -> None:
    box.faults.add(Fault("not_json", on="read"))
    box.faults.add(Fault("html", on="read", nth=2))
    answer = wire.send("GET", "?fields=spreadsheetId")
    assert answer.status == 200
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(answer.body)
    answer = wire.send("GET", "?fields=spreadsheetId")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_faults_wait_for_their_turn_and_match_paths(box: Sandbox, wire: Wire, clock: Clock) -> None:
    third = box.faults.add(Fault("status", on="read", nth=3, count=2))
    pause = box.faults.add(Fault("delay", on=r"GET .*/values/", seconds=90, count=None))
    assert [wire.send("GET", "?fields=spreadsheetId").status for _ in range(5)] == [200, 200, 503, 503, 200]
    wire.send("GET", "/values/A1")
    assert (third.fired, pause.fired, clock.waited) == (2, 1, [90])
    box.faults.clear()
    wire.send("GET", "/values/A1")
    assert pause.fired == 1


def test_faults_over_http(box: Sandbox, wire: Wire) -> None:
    made = wire.send("POST", "/_sandbox/faults", {"kind": "status", "on": "drive", "status": 403}).json
    assert wire.send("GET", "/drive/v3/files").status == 403
    assert wire.get("/_sandbox/faults")["faults"][0]["fired"] == 1
    assert wire.send("DELETE", f"/_sandbox/faults/{made['fault_id']}").status == 200
    assert wire.send("DELETE", f"/_sandbox/faults/{made['fault_id']}").status == 404
    assert wire.send("POST", "/_sandbox/faults", {"kind": "explode"}).status == 400
    assert wire.send("POST", "/_sandbox/faults", {"colour": "red"}).status == 400
    assert box.faults.all == []


def test_a_fault_at_the_token_endpoint(box: Sandbox) -> None:
    box.faults.add(Fault("status", on="token", status=500))
    assert grant(box)[0] == 500
    assert grant(box)[0] == 200


# --- persons and hooks ------------------------------------------------------------------------------------


def test_a_person_edits_between_two_requests(box: Sandbox, wire: Wire) -> None:
    wire.put("A1", [["key"], ["b"], ["a"]])
    person = box.person()
    edits = iter([lambda: person.sort("Sheet1", 0)])
    box.hooks.before_write(lambda request: next(edits, lambda: None)())
    wire.put("B2", [["beside b?"]])
    assert box.grid(box.spreadsheet_id, "Sheet1") == [["key"], ["a", "beside b?"], ["b"]]
    box.hooks.clear()
    box.hooks.after_read(lambda request: person.insert_rows("Sheet1", 0))
    assert wire.get("/values/A1")["values"] == [["key"]]
    assert box.grid(box.spreadsheet_id, "Sheet1")[1] == ["key"]


def test_what_a_person_can_do(box: Sandbox) -> None:
    person, book = box.person(), box.spreadsheet_id
    person.type_rows("Sheet1", 0, 0, [["a", "=1+1", "3/4"], ["b", None, "'007"]])
    person.note("Sheet1", 0, 0, "mine")
    person.color("Sheet1", 1, 0)
    person.insert_columns("Sheet1", 0)
    person.move_rows("Sheet1", 0, 1, 2)
    person.hide_columns("Sheet1", 0, 1)
    person.hide_rows("Sheet1", 3, 4)
    person.filter("Sheet1")
    grid = box.grid(book, "Sheet1")
    assert grid[0] == [None, "b", None, "007"]
    assert grid[1][:3] == [None, "a", Formula("=1+1")]
    assert box.notes(book, "Sheet1") == {(1, 1): "mine"}
    assert box.formats(book, "Sheet1")[0, 1]["backgroundColor"] == {"red": 1, "green": 1}
    person.delete_columns("Sheet1", 0)
    person.move_columns("Sheet1", 0, 1, 2)
    person.delete_rows("Sheet1", 0)
    assert box.grid(book, "Sheet1")[0][:2] == [Formula("=1+1"), "a"]
    person.add_tab("Second")
    person.rename_tab("Second", "Two")
    person.move_tab("Two", 0)
    assert box.tabs(book) == ["Two", "Sheet1"]
    person.hide_tab("Two")
    person.delete_tab("Two")
    assert box.tabs(book) == ["Sheet1"]


def test_a_persons_protection_stops_the_account(box: Sandbox, wire: Wire) -> None:
    key = box.person().protect("Sheet1", 0, 1)
    assert "protected cell or object" in wire.put("A1", [[1]]).json["error"]["message"]
    box.person().unprotect(key)
    assert wire.put("A1", [[1]]).status == 200


def test_edits_over_http(box: Sandbox, wire: Wire) -> None:
    edit = {"edit": "type", "tab": "Sheet1", "row": 0, "column": 0, "text": "=2*3"}
    assert wire.send("POST", "/_sandbox/edit", edit).json == {"result": None}
    assert wire.get("/values/A1")["values"] == [["6"]]
    assert wire.send("POST", "/_sandbox/edit", {"edit": "explode"}).status == 400
    assert wire.send("POST", "/_sandbox/edit", {"edit": "sort", "tab": "Nope", "column": 0}).status == 400
    assert wire.send("POST", "/_sandbox/edit", {"edit": "sort", "where": 1}).status == 400


# --- the log, the page, the wire ---------------------------------------------------------------------------


def test_every_request_is_in_the_log(box: Sandbox, wire: Wire) -> None:
    box.log.reset()
    wire.put("A1", [[1]])
    wire.put("Nope!A1", [[1]])
    wire.send("GET", "/values/A1")
    wire.send("GET", "/drive/v3/files")
    seen = [(entry.method, entry.kind, entry.status, entry.applied) for entry in box.log.entries]
    assert seen == [
        ("PUT", "write", 200, True),
        ("PUT", "write", 400, False),
        ("GET", "read", 200, False),
        ("GET", "drive", 200, False),
    ]
    assert box.log.entries[0].bytes_in == len(b'{"values": [[1]]}')
    counts = wire.get("/_sandbox/log")["counts"]
    assert counts == {"read": 1, "write": 2, "drive": 1, "token": 0}
    wire.send("DELETE", "/_sandbox/log")
    assert box.log.entries == []


def test_only_loopback_names_are_answered(box: Sandbox, wire: Wire) -> None:
    for path in ("", "/_sandbox/log", "/"):
        assert wire.send("GET", path, headers={"Host": "evil.example"}).status == 403
    assert wire.send("POST", "/_sandbox/edit", {}, {"Origin": "https://evil.example"}).status == 403
    assert wire.send("GET", "/_sandbox/log", headers={"Host": "localhost:1"}).status == 200
    assert wire.send("GET", "/_sandbox/log", headers={"Host": "[::1]:1", "Origin": box.url}).status == 200


def test_answers_are_gzipped_for_who_asks(wire: Wire) -> None:
    plain, packed = wire.send("GET", ""), wire.send("GET", "", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3


def test_answers_are_indented_unless_told_otherwise(wire: Wire) -> None:
    assert wire.send("GET", "?fields=spreadsheetId").body.startswith(b'{\n  "spreadsheetId"')
    assert wire.send("GET", "?fields=spreadsheetId&prettyPrint=false").body.startswith(b'{"spreadsheetId"')


def test_a_body_over_ten_mebibytes_is_refused(wire: Wire) -> None:
    answer = wire.send("POST", ":batchUpdate", b" " * 10_485_761)
    assert answer.json["error"]["message"] == "Request payload size exceeds the limit: 10485760 bytes."
    assert answer.status == 400


def test_connections_are_kept_and_bodies_may_come_in_chunks(box: Sandbox, wire: Wire) -> None:
    connection = http.client.HTTPConnection(box.url.removeprefix("http://"), timeout=10)
    headers = {"Authorization": f"Bearer {wire.bearer}"}
    path = f"/v4/spreadsheets/{box.spreadsheet_id}/values/A1?valueInputOption=RAW"
    with closing(connection):
        for number in range(3):
            body = json.dumps({"values": [[number]]}).encode()
            connection.request("PUT", path, iter([body[:5], body[5:]]), headers, encode_chunked=True)
            connection.getresponse().read()
            assert connection.sock is not None
    assert box.grid(box.spreadsheet_id, "Sheet1") == [[2]]


def test_long_urls_come_as_an_overridden_post(wire: Wire) -> None:
    wire.put("A1", [["x"]])
    answer = wire.send("POST", "/values/A1", b"", {"X-HTTP-Method-Override": "GET"})
    assert answer.json["values"] == [["x"]]


def test_the_page_gets_a_window_of_a_tab(box: Sandbox, wire: Wire) -> None:
    book = box.spreadsheet_id
    box.person().type_rows("Sheet1", 0, 0, [["id", "=1/0"], [1.5, True]])
    box.person().color("Sheet1", 0, 0, red=1, green=0, blue=0)
    box.person().hide_columns("Sheet1", 1, 2)
    summary = wire.get("/_sandbox/spreadsheets")[0]
    assert summary["tabs"][0] == {
        "sheetId": 0,
        "title": "Sheet1",
        "hidden": False,
        "rows": 1000,
        "columns": 26,
        "frozenRows": 0,
    }
    grid = wire.get(f"/_sandbox/spreadsheets/{book}/grid?row=0&rows=2&columns=3")
    assert grid["cells"] == [
        [
            {"text": "id", "type": "text", "background": "#ff0000"},
            {"text": "#DIV/0!", "type": "error", "formula": "=1/0"},
        ],
        [{"text": "1.5", "type": "number"}, {"text": "TRUE", "type": "bool"}],
    ]
    assert grid["hiddenColumns"] == [1]
    before = wire.get(f"/_sandbox/spreadsheets/{book}/version")["version"]
    wire.put("A1", [["new"]])
    assert wire.get(f"/_sandbox/spreadsheets/{book}/version")["version"] != before
    assert wire.send("GET", "/_sandbox/spreadsheets/nope/grid").status == 404
    assert wire.send("GET", f"/_sandbox/spreadsheets/{book}/grid?row=x").status == 400


def test_static_files_cannot_be_left(wire: Wire) -> None:
    assert wire.send("GET", "/static/../sandbox.py").status == 404
    assert wire.send("GET", "/static/nothing.js").status == 404


def test_two_sandboxes_do_not_share_a_directory(box: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(DirectoryInUseError, match="in use by another sandbox"):
        Sandbox(tmp_path).start()


def test_a_taken_port_is_said_and_leaves_nothing_open(
    box: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("second")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Sandbox(directory, taken.getsockname()[1]).start()
    with Sandbox(directory) as second:
        assert second.tabs(second.spreadsheet_id) == ["Sheet1"]


# --- what is kept -----------------------------------------------------------------------------------------


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as box:
        book, key = box.spreadsheet_id, box.credentials_file.read_bytes()
        wire = Wire(box)
        wire.put("A1", [["text", 1.5, True, ""], ["=no formula", 2]])
        person = box.person()
        person.type("Sheet1", 2, 0, "=A1&1")
        person.type("Sheet1", 2, 1, "2026-10-03")
        person.note("Sheet1", 0, 0, "note")
        person.protect("Sheet1", 5, 6)
        person.hide_columns("Sheet1", 3, 4)
        person.filter("Sheet1")
        name = {"name": "n", "namedRangeId": "n.1", "range": {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 2}}
        meta = {"metadataId": 3, "metadataKey": "k", "location": {"sheetId": 0}, "visibility": "DOCUMENT"}
        merge = {"range": {"sheetId": 0, "startRowIndex": 7, "endRowIndex": 9}, "mergeType": "MERGE_ALL"}
        person.request(
            {"addNamedRange": {"namedRange": name}},
            {"createDeveloperMetadata": {"developerMetadata": meta}},
            {"mergeCells": merge},
        )
        before = wire.send("GET", "?includeGridData=true").body
        bearer = wire.bearer
    with Sandbox(tmp_path) as box:
        assert box.spreadsheet_id == book
        assert Wire(box, bearer).send("GET", "?includeGridData=true").body == before
        assert json.loads(key)["private_key"] == json.loads(box.credentials_file.read_bytes())["private_key"]


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "box"
    with Sandbox(directory):
        pass
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_a_full_disk_refuses_the_write_and_keeps_what_was(
    box: Sandbox, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.put("A1", [["kept"]])
    real = box._journal._write

    def full(record: bytes) -> None:
        real(record[: len(record) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(box._journal, "_write", full)
    assert wire.put("A1", [["lost"]]).status == 500
    monkeypatch.undo()
    assert wire.get("/values/A1")["values"] == [["kept"]]
    assert wire.put("A2", [["next"]]).status == 200


def test_a_bug_is_answered_with_500_and_shown(
    box: Sandbox, wire: Wire, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(box._service, "_executed", broken)
    assert wire.send("GET", "").status == 500
    assert "RuntimeError: a bug" in capsys.readouterr().err


def test_a_person_is_told_of_refusals(box: Sandbox) -> None:
    with pytest.raises(ApiError, match="Unable to parse range: Nope"):
        box.person().delete_tab("Nope")


def test_no_request_and_no_state_is_missed(box: Sandbox, wire: Wire) -> None:
    arrived: list[str] = []
    states: list[Any] = []
    box.hooks.on_arrival(lambda request: arrived.append(request.method))
    box.hooks.on_change(lambda _request, _caller, _before: states.append(box.grid(box.spreadsheet_id, "Sheet1")))
    wire.put("A1", [[1]])
    box.faults.add(Fault("reset_before"))
    with pytest.raises(ConnectionResetError):
        wire.put("A1", [[2]])
    box.person().type("Sheet1", 0, 0, "3")
    assert wire.put("nonsense!A1", [[4]]).status == 400
    assert arrived == ["PUT", "PUT", "PUT"]
    assert states == [[[1]], [[3.0]]]


def test_what_an_owner_does_about_a_spreadsheet(box: Sandbox, wire: Wire) -> None:
    box.unshare(box.spreadsheet_id, box.client_email)
    assert wire.send("GET", "?fields=spreadsheetId").status == 403
    box.share(box.spreadsheet_id, box.client_email)
    assert wire.send("GET", "?fields=spreadsheetId").status == 200
    box.delete(box.spreadsheet_id)
    assert wire.send("GET", "?fields=spreadsheetId").status == 404
