"""Sends fenced batches: one spreadsheets.batchUpdate each, applied whole or not at all, and never twice.

The fence is in the spreadsheet itself (`core.fence`): each batch takes the one away that was last seen and
puts up a new one, so that a batch sent again, by whomever, is refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from moneymentor_sync.core.errors import OvertakenError, RequestRefusedError, RowTooLargeError
from moneymentor_sync.core.fence import FENCE_NAMES, FenceSeen, is_stale, next_token

from .google_client import GoogleClient
from .google_reader import Answer, decode_answer, decode_batch_answer
from .google_requests import Request, encode, fence_requests

MAX_BODY_BYTES = 1_950_000
"""Google recommends 2 MB a request at most."""
BATCH_FIELDS = (
    "updatedSpreadsheet(sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),"
    "data(startRow,startColumn,rowData(values(userEnteredValue)))))"
)


class Batcher:
    """The fence as this process knows it, and the batches that turn it."""

    def __init__(self, client: GoogleClient, rng: random.Random) -> None:
        self._client = client
        self._rng = rng
        self._epoch = f"{rng.getrandbits(64):016x}"
        self._sequence = 0
        self._name = FENCE_NAMES[0]
        self._refused_names = 0
        self._seen = FenceSeen(None, None, None)

    @property
    def token(self) -> str:
        return self._seen.token or ""

    @property
    def following(self) -> str:
        """The fence that the next batch will put up."""
        return next_token(self._epoch, self._sequence + 1)

    def seen(self, fence: FenceSeen) -> None:
        """Starts from what a read has just found."""
        self._seen = fence

    def new_sheet_id(self) -> int:
        """An id for a new tab; Google refuses one that is taken, and then nothing has happened."""
        return self._rng.randrange(1, 2**31 - 1)

    def send(
        self,
        requests: Sequence[Request],
        *,
        intend: Callable[[str], None],
        ranges: Sequence[str] = (),
        fields: str = BATCH_FIELDS,
    ) -> Answer:
        """Applies the requests in one fenced batch; with `ranges`, gives back `fields` of those cells as they are
        then.

        Raises OvertakenError where the fence was not the one seen (nothing was applied, or an earlier sending
        of this very batch was: read again to learn which), and what `GoogleClient.call` raises.
        """
        self._sequence += 1
        token = next_token(self._epoch, self._sequence)
        tab_id = self._seen.tab_id if self._seen.tab_id is not None else self.new_sheet_id()
        fence = fence_requests(self._seen, token, tab_id, self._client.accounts, name=self._name)
        body = _body([*fence, *requests], ranges)
        account = self._client.admit("write")  # it may wait; between the intent and the sending nothing may
        intend(token)
        request = self._client.spreadsheets.batchUpdate(
            spreadsheetId=self._client.spreadsheet_id,
            body={},
            fields=fields if ranges else "spreadsheetId",
            prettyPrint=False,
        )
        try:
            content = self._client.call(request, body, account=account)
        except RequestRefusedError as error:
            self._explain(error, len(fence))
            raise
        answer = decode_batch_answer(content) if ranges else decode_answer(content)
        self._seen = replace(self._seen, token=token, name=self._seen.name or self._name, tab_id=tab_id)
        return answer

    def _explain(self, error: RequestRefusedError, fence_length: int) -> None:
        index = _index(error.reason)
        if index is None or index >= fence_length or not is_stale(error.reason):
            return
        if self._seen.token is None and "already exists" in error.reason:
            self._refused_names += 1
            if self._refused_names > 1:  # seen nowhere, yet taken: the name was orphaned with its tab
                self._name = FENCE_NAMES[1]
        raise OvertakenError("the spreadsheet was written to by another writer since it was read") from error


def bodies(parts: Iterable[bytes], limit: int) -> Iterator[list[bytes]]:
    """Cuts JSON parts into groups that each fit a body of `limit` bytes."""
    group: list[bytes] = []
    size = 0
    for part in parts:
        if len(part) > limit:
            raise RowTooLargeError(
                f"one row takes {len(part):,} bytes, more than a request to Google may have",
                hint="Shorten its texts in the query, or leave columns out.",
            )
        if group and size + len(part) > limit:
            yield group
            group, size = [], 0
        group.append(part)
        size += len(part) + 1
    if group:
        yield group


def _index(reason: str) -> int | None:
    _, found, rest = reason.partition("requests[")
    digits = rest.partition("]")[0]
    return int(digits) if found and digits.isdigit() else None


def _body(requests: Sequence[Request], ranges: Sequence[str]) -> bytes:
    joined = b",".join(requests)
    if not ranges:
        return b'{"requests":[' + joined + b"]}"
    wanted = encode({"includeSpreadsheetInResponse": True, "responseRanges": list(ranges)})
    return b'{"requests":[' + joined + b"]," + wanted[1:]
