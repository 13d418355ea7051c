"""Keys that will not do much longer, found out at a token endpoint (the sandbox's) and on the disk."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from moneymentor_sync.adapters.alert_keys import KeyWatch
from moneymentor_sync.adapters.google_client import GoogleClient
from moneymentor_sync.core.settings import GoogleSettings, ServiceAccount
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as box:
        yield box


def settings(box: Sandbox, *further: Path) -> GoogleSettings:
    return GoogleSettings(
        box.spreadsheet_id,
        ServiceAccount(file=box.credentials_file),
        api_endpoint=box.url,
        further_accounts=tuple(ServiceAccount(file=one) for one in further),
    )


def watch(box: Sandbox, *further: Path) -> KeyWatch:
    made = KeyWatch()
    made.use(settings(box, *further))
    return made


def delete_key(box: Sandbox, email: str, *, deleted: bool = True) -> int:
    connection = http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=20)
    connection.request("POST", "/_sandbox/keys", json.dumps({"account": email, "deleted": deleted}))
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_deleted_key_is_found_out_while_its_last_token_still_works(box: Sandbox) -> None:
    client = GoogleClient(settings(box), box.spreadsheet_id)
    client.obtain_token()
    keys = watch(box)
    assert keys.tokens() == []
    assert delete_key(box, box.client_email) == 200
    (one,) = keys.tokens()
    assert (one.kind, one.whose) == ("refused", box.client_email)
    assert "invalid_grant" in one.text and "Make a new key" in one.hint
    assert client.call_json(client.spreadsheets.get(spreadsheetId=box.spreadsheet_id))["spreadsheetId"]
    client.close()
    delete_key(box, box.client_email, deleted=False)
    assert keys.tokens() == []
    assert delete_key(box, "nobody@example.com") == 404


def test_of_a_pool_each_key_is_looked_after(box: Sandbox) -> None:
    keys = watch(box, box.account("second"))
    delete_key(box, box.email("second"))
    assert [one.whose for one in keys.tokens()] == [box.email("second")]


@pytest.mark.parametrize(
    "fault", [Fault("status", on="token", status=503), Fault("html", on="token"), Fault("close_before", on="token")]
)
def test_what_says_nothing_of_the_key_is_no_alarm_and_ends_none(box: Sandbox, fault: Fault) -> None:
    keys = watch(box)
    box.faults.add(fault)
    assert keys.tokens() == []
    assert fault.fired
    delete_key(box, box.client_email)
    before = keys.tokens()
    again = box.faults.add(Fault(fault.kind, on="token", status=fault.status))
    assert keys.tokens() == before != []
    assert again.fired


def test_a_key_file_that_vanished_or_is_another_is_told_until_it_comes_into_use(box: Sandbox) -> None:
    keys, path = watch(box), box.credentials_file
    assert keys.files() == []
    content = path.read_bytes()
    path.unlink()
    (missing,) = keys.files()
    assert (missing.kind, missing.whose) == ("missing", box.client_email)
    assert str(path) in missing.text and "no such file" in missing.text
    assert keys.tokens() == []  # that is told of already
    path.write_bytes(content.replace(b"}", b" }"))
    (changed,) = keys.files()
    assert changed.kind == "changed" and "mmsync reload" in changed.hint
    keys.use(settings(box))
    assert keys.files() == []


def test_a_key_from_the_environment_has_no_file(box: Sandbox) -> None:
    info = json.loads(box.credentials_file.read_text())
    account = ServiceAccount(client_email=info["client_email"], private_key=info["private_key"])
    keys = KeyWatch()
    keys.use(GoogleSettings(box.spreadsheet_id, account, api_endpoint=box.url))
    assert (keys.files(), keys.tokens()) == ([], [])
    delete_key(box, box.client_email)
    assert [one.whose for one in keys.tokens()] == [box.client_email]
