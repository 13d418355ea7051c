"""pygsheets puts a table into a spreadsheet: `add_worksheet` and `update_values('A1', matrix)` of its README.

    python with_pygsheets.py [--raw] URL KEY_FILE SPREADSHEET_ID DATABASE

Its default is to have Google parse each value as if it were typed. With `--raw` it is told not to: dates stay text,
and booleans what SQLite gives, 0 and 1. The library itself cuts the table into requests of 50,000 cells. It has no
option for the address of Google; the transport that it may be given changes the host.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httplib2
import pygsheets
from google.oauth2.service_account import Credentials

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import people

SCOPES = ("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive")


class Elsewhere(httplib2.Http):  # type: ignore[misc]  # httplib2 has no types
    def __init__(self, url: str) -> None:
        super().__init__(timeout=600)
        self._host = urlsplit(url).netloc

    def request(self, uri: str, *given: Any, **named: Any) -> Any:
        parts = urlsplit(uri)
        if (parts.hostname or "").endswith(".googleapis.com"):
            uri = urlunsplit(("http", self._host, parts.path, parts.query, ""))
        return super().request(uri, *given, **named)


def main() -> None:
    raw = "--raw" in sys.argv
    url, key_file, spreadsheet_id, database = [given for given in sys.argv[1:] if given != "--raw"]
    found = people.read_people(Path(database))
    rows = [list(row) for row in found] if raw else people.with_booleans(found)
    table = [list(people.COLUMNS), *rows]
    credentials = Credentials.from_service_account_file(key_file, scopes=SCOPES)
    client = pygsheets.authorize(custom_credentials=credentials, http=Elsewhere(url))
    spreadsheet = client.open_by_key(spreadsheet_id)
    worksheet = spreadsheet.add_worksheet("People", rows=len(table), cols=len(people.COLUMNS))
    worksheet.update_values("A1", table, parse=not raw)


if __name__ == "__main__":
    main()
