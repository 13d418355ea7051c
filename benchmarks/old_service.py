"""The backend with the sync that MoneyMentor had first: in its process, one query a user, one clear and one append.

    python old_service.py SETTINGS GOOGLE

`SETTINGS` is that of `tests/backend.py`; `GOOGLE` is JSON: url, credentials_file, spreadsheet_id. As it was, it
takes a thousand users a round (its LIMIT), asks the database for each, and calls the Sheets client, which blocks,
from a task of the event loop; then it waits for two seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gspread
import gspread.http_client
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.backend import Backend, Settings, listening_on

LIMIT = 1000
GOOGLE = "https://sheets.googleapis.com"
_USERS = text(f"SELECT id, email FROM users ORDER BY created_at LIMIT {LIMIT}")
_ONE = text(
    "SELECT first_name, last_name, email, total_chats, quizzes_taken, day_streak, days_active"
    " FROM users JOIN user_profiles p ON p.user_id = users.id WHERE users.id = :id"
)


class OldBackend(Backend):
    """The same application, with the old task in its lifespan."""

    def __init__(self, settings: Settings, google: dict[str, str]) -> None:
        self._google = google
        super().__init__(settings)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        async with super()._lifespan(app):
            task = asyncio.create_task(self._sync_for_ever())
            yield
            task.cancel()

    async def _sync_for_ever(self) -> None:
        tab = self._tab()
        while True:
            rows: list[list[Any]] = []
            async with self._transaction() as connection:
                for user_id, _ in (await connection.execute(_USERS)).all():
                    found = (await connection.execute(_ONE, {"id": user_id})).all()
                    rows += [[str(value) for value in row] for row in found]
            tab.clear()
            tab.append_rows(rows, value_input_option=gspread.utils.ValueInputOption.raw)
            await asyncio.sleep(2.0)

    def _tab(self) -> gspread.Worksheet:
        for name, value in list(vars(gspread.http_client).items()):
            if isinstance(value, str) and value.startswith(GOOGLE):
                setattr(gspread.http_client, name, value.replace(GOOGLE, self._google["url"]))
        account = gspread.service_account(filename=self._google["credentials_file"])
        return account.open_by_key(self._google["spreadsheet_id"]).add_worksheet("Old", LIMIT + 1, 7)


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    listening = listening_on(settings.port)
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    app = OldBackend(settings, json.loads(sys.argv[2])).app
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=75)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
