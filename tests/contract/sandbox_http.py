"""A bare HTTP client for the sandbox: what comes over the wire, with nothing smoothed over."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import google.auth.transport.urllib3
import urllib3
from google.oauth2 import service_account

from moneymentor_sync.sandbox import Sandbox

SCOPES = ["https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def token(box: Sandbox, account: str | None = None) -> str:
    """A bearer token, got the way google-auth gets it."""
    file = box.credentials_file if account is None else box.account(account)
    credentials = service_account.Credentials.from_service_account_file(str(file), scopes=SCOPES)
    with closing_pool() as pool:
        credentials.refresh(google.auth.transport.urllib3.Request(pool))
    return str(credentials.token)


@contextmanager
def closing_pool() -> Iterator[urllib3.PoolManager]:
    pool = urllib3.PoolManager()
    try:
        yield pool
    finally:
        pool.clear()


class Wire:
    """One connection after another to one sandbox, with one token."""

    def __init__(self, box: Sandbox, bearer: str | None = None) -> None:
        self.box = box
        self.bearer = token(box) if bearer is None else bearer

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """A path that starts with neither `/` of an API nor `/_sandbox` is below the first spreadsheet."""
        if not path.startswith(("/v4", "/drive", "/_sandbox", "/token", "/static")) and path != "/":
            path = f"/v4/spreadsheets/{self.box.spreadsheet_id}{path}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        connection = http.client.HTTPConnection(self.box.url.removeprefix("http://"), timeout=10)
        with closing(connection):
            connection.request(method, path, data, sent | (headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())

    def get(self, path: str) -> Any:
        return self.send("GET", path).json

    def put(self, place: str, rows: list[list[Any]]) -> Answer:
        return self.send("PUT", f"/values/{place}?valueInputOption=RAW", {"values": rows})
