"""gspread puts a table into a spreadsheet: `add_worksheet` and `update`, as its README shows them.

    python with_gspread.py URL KEY_FILE SPREADSHEET_ID DATABASE

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
    url, key_file, spreadsheet_id, database = sys.argv[1:]
    point_to(url)
    rows = [list(row) for row in people.read_people(Path(database))]
    table = [list(people.COLUMNS), *rows]
    spreadsheet = gspread.service_account(filename=key_file).open_by_key(spreadsheet_id)
    worksheet = spreadsheet.add_worksheet(title="People", rows=len(table), cols=len(people.COLUMNS))
    parts = ceil(len(json.dumps(table)) / MOST_BYTES)
    step = ceil(len(table) / parts)
    for start in range(0, len(table), step):
        worksheet.update(table[start : start + step], f"A{start + 1}")


if __name__ == "__main__":
    main()
