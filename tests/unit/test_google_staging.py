"""Filling a hidden tab: bodies in order, all from one thread, and none after one that failed."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from moneymentor_sync.adapters.google_client import GoogleClient
from moneymentor_sync.adapters.google_staging import BODY_BYTES, Staging
from moneymentor_sync.core.cells import Cell
from moneymentor_sync.core.errors import RowTooLargeError, UnavailableError

WIDE = "x" * (BODY_BYTES // 5)
ROWS: list[tuple[Cell, ...]] = [(float(number), WIDE, None, True) for number in range(10)]
"""Four of them fit a body."""


class Client:
    """Takes the calls of a GoogleClient; the one numbered `fail_at` fails."""

    spreadsheet_id = "id"

    def __init__(self, fail_at: int | None = None) -> None:
        self.sent: list[tuple[str, list[list[Any]]]] = []
        self.threads: set[int] = set()
        self.values = SimpleNamespace(update=lambda **given: given)
        self._fail_at = fail_at

    def call(self, request: dict[str, Any], body: bytes) -> bytes:
        self.threads.add(threading.get_ident())
        content = msgspec.json.decode(body)
        assert len(body) < 2_000_000
        assert request["range"] == content["range"]
        assert (request["valueInputOption"], content["majorDimension"]) == ("RAW", "ROWS")
        if len(self.sent) == self._fail_at:
            raise UnavailableError("no answer")
        self.sent.append((content["range"], content["values"]))
        return b"{}"


def fill(client: Client, rows: list[tuple[Cell, ...]]) -> list[int]:
    """Fills a tab from row 2 on; gives what the progress was told."""
    ticks: list[int] = []
    staging = Staging(cast(GoogleClient, client), *cast(Any, (None, None, None)))
    staging.fill("it's", rows, 4, "d", first_row=2, tick=lambda _dataset, _phase, done, _total: ticks.append(done))
    return ticks


def test_all_rows_are_sent_in_order_by_the_caller_itself() -> None:
    client = Client()
    assert fill(client, ROWS) == [4, 8, 10]
    assert [target for target, _ in client.sent] == ["'it''s'!A2:D5", "'it''s'!A6:D9", "'it''s'!A10:D11"]
    assert [tuple(row) for _, values in client.sent for row in values] == ROWS
    assert client.threads == {threading.get_ident()}


def test_nothing_follows_a_body_that_failed() -> None:
    client = Client(fail_at=1)
    before = threading.active_count()
    with pytest.raises(UnavailableError):
        fill(client, ROWS)
    assert [target for target, _ in client.sent] == ["'it''s'!A2:D5"]
    assert threading.active_count() == before


def test_a_row_that_no_body_can_hold_stops_it_where_it_stands() -> None:
    client = Client()
    rows = [*ROWS[:6], (1.0, "x" * BODY_BYTES, None, None), *ROWS[6:]]
    with pytest.raises(RowTooLargeError):
        fill(client, rows)
    assert [target for target, _ in client.sent] == ["'it''s'!A2:D5"]


def test_no_rows_are_no_request() -> None:
    client = Client()
    assert fill(client, []) == []
    assert client.sent == []
