"""Telling the one who syncs that something changed, so that the sheet follows within seconds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from .lines import Service, line_to

NOTICE_SECONDS = 1.0
"""How long the daemon has to take a notice."""
LINGER_SECONDS = 0.05
"""How long a notice may keep its caller: the daemon takes one within a millisecond or two."""
MAX_NOTICES = 100
"""Notices under way at the same time; beyond that a notice is dropped: a sync by the interval is coming anyway."""

_under_way: set[asyncio.Task[None]] = set()


async def notify(
    dataset: str,
    reason: str | None = None,
    socket: Path | str | None = None,
    *,
    service: Service | None = None,
) -> None:
    """Tells the daemon (or the `service` in this process) that a dataset's rows changed.

    Never raises, and never waits for the sync; for the daemon at most 0.05 s, and not at all while another notice
    is still under way. `reason` is for the daemon's log: nothing of a person belongs into it. Without a daemon
    nothing happens; its next sync by the interval finds the change.
    """
    if len(_under_way) >= MAX_NOTICES:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # not asyncio's: nothing is told
        return
    body = {"dataset": dataset} | ({} if reason is None else {"reason": reason})
    task = loop.create_task(_tell(socket, service, body))
    alone = not _under_way
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    if alone:
        # So that `asyncio.run(notify(…))` does not end before the notice has been sent.
        await asyncio.wait({task}, timeout=LINGER_SECONDS)


async def _tell(socket: Path | str | None, service: Service | None, body: dict[str, str]) -> None:
    try:
        line = await asyncio.to_thread(line_to, socket, service)  # the first time it may look into files
        await line.ask("POST", "/sync/notify", msgspec.json.encode(body), timeout=NOTICE_SECONDS)
    except Exception:  # noqa: BLE001 - whatever is wrong with the daemon or its socket, no caller is to know
        return
