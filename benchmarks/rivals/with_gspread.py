"""gspread puts a table into a spreadsheet: `add_worksheet` and `update`, as its README shows them.

    python with_gspread.py [--raw] URL KEY_FILE SPREADSHEET_ID DATABASE

With `raw=False`, which its documentation has for values that Google is to parse as if they were typed: only then
dates are dates. With `--raw` it is left at its default: dates stay text, and booleans what SQLite gives, 0 and 1.

Google takes 10 MB a request at most, which a large table exceeds: then it goes in as few equal parts as that
allows, which a user has to come upon, too. gspread has no option for the address of Google; the addresses it
imports from `gspread.urls` are replaced.
"""

from __future__ import annotations

import json
import sys
from math import ceil
from pathlib import Path

import gspread
import gspread.http_client

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import people

GOOGLE = "https://sheets.googleapis.com"
MOST_BYTES = 10_000_000
"""Of the 10,485,760 that Google takes."""


def point_to(url: str) -> None:
    for name, value in list(vars(gspread.http_client).items()):
        if isinstance(value, str) and value.startswith(GOOGLE):
            setattr(gspread.http_client, name, value.replace(GOOGLE, url))


def main() -> None:
    raw = "--raw" in sys.argv
    url, key_file, spreadsheet_id, database = [given for given in sys.argv[1:] if given != "--raw"]
    point_to(url)
    found = people.read_people(Path(database))
    rows = [list(row) for row in found] if raw else people.with_booleans(found)
    table = [list(people.COLUMNS), *rows]
    spreadsheet = gspread.service_account(filename=key_file).open_by_key(spreadsheet_id)
    worksheet = spreadsheet.add_worksheet(title="People", rows=len(table), cols=len(people.COLUMNS))
    parts = ceil(len(json.dumps(table)) / MOST_BYTES)
    step = ceil(len(table) / parts)
    for start in range(0, len(table), step):
        worksheet.update(table[start : start + step], f"A{start + 1}", raw=raw)


if __name__ == "__main__":
    main()
