"""A service between the sample database and the sandbox, for the tests of its life and of what it is asked."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from moneymentor_sync import BackgroundSyncService, SyncConfig
from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox

PATIENCE = 60.0
T = TypeVar("T")
KEYS = {
    "is_running", "sync_in_progress", "sync_enabled", "paused_for_requests", "last_sync_time",
    "next_sync_in_seconds", "config", "statistics", "version", "circuit", "datasets",
}  # fmt: skip
CONFIG_KEYS = {
    "interval_seconds", "max_retries", "enable_course_stats", "enable_user_profiles", "health_check_interval",
    "max_consecutive_failures",
}  # fmt: skip
STATISTICS_KEYS = {
    "total_syncs", "successful_syncs", "failed_syncs", "success_rate_percent", "last_sync_duration_seconds",
    "average_sync_duration_seconds", "consecutive_failures", "last_error", "last_error_time", "health_status",
    "uptime_seconds", "last_health_check",
}  # fmt: skip
DATASET_KEYS = {
    "name", "tab", "enabled", "last_sync_time", "last_result", "rows", "inserted", "updated", "deleted",
    "consecutive_failures", "last_error",
}  # fmt: skip


def run(main: Coroutine[Any, Any, T]) -> T:
    async def in_time() -> T:
        async with asyncio.timeout(PATIENCE):
            return await main

    return asyncio.run(in_time())


def has_the_contracts_keys(status: dict[str, Any]) -> None:
    assert status.keys() >= KEYS
    assert status["config"].keys() >= CONFIG_KEYS
    assert status["statistics"].keys() >= STATISTICS_KEYS
    assert all(one.keys() >= DATASET_KEYS for one in status["datasets"])
    json.dumps(status)


class House:
    """A folder with a sample database, its configuration, and a spreadsheet of the sandbox."""

    def __init__(self, folder: Path, box: Sandbox) -> None:
        self.folder, self.box = folder, box
        self.database = folder / "app.db"
        create_sample(self.database, users=12)
        self.spreadsheet = box.new_spreadsheet("Embedded", share_with=(box.client_email,))
        self.state = folder / "state" / "state.db"
        self.file = folder / "sync.toml"
        self.file.write_text(
            f'[database]\nurl = "sqlite:///{self.database}"\n'
            f'[google]\nspreadsheet_id = "{self.spreadsheet}"\ncredentials_file = "{box.credentials_file}"\n'
            f'api_endpoint = "{box.url}"\ntimeout_seconds = 20\n'
            "[sync]\ninterval_seconds = 3600\nretry_delay_seconds = 0\nmax_retries = 1\n"
            '[state]\npath = "state/state.db"\n[control]\nsocket = "control.sock"\n'
        )

    def service(
        self, config: SyncConfig | None = None, settings: dict[str, object] | None = None
    ) -> BackgroundSyncService:
        return BackgroundSyncService(config, file=self.file, settings=settings, stand_by_seconds=0.01)

    def emails(self) -> list[str]:
        if "UserProfiles" not in self.box.tabs(self.spreadsheet):
            return []
        header, *rows = self.box.grid(self.spreadsheet, "UserProfiles")
        return [str(row[header.index("email")]) for row in rows if row]

    def change(self) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("UPDATE users SET email = 'changed-' || email")


class Stopped:
    """Google, stopped at the next write until `go`."""

    def __init__(self, box: Sandbox) -> None:
        self._entered, self._over = threading.Event(), threading.Event()
        box.hooks.before_write(self._hook)

    def _hook(self, _request: object) -> None:
        self._entered.set()
        self._over.wait(PATIENCE)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, PATIENCE)

    def go(self) -> None:
        self._over.set()


def named_threads() -> set[str]:
    return {one.name for one in threading.enumerate() if one.name in ("mmsync", "worker")}


def waits_for(service: BackgroundSyncService, number: int) -> bool:
    """Whether so many wait for the sync after the one under way."""
    job = service._running()._desk._waiting
    return job is not None and len(vars(job.done)["_done_callbacks"]) == number
