"""Telling the one who syncs that something changed, so that the sheet follows within seconds."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

import msgspec

from .lines import Service, line_to, log

NOTICE_SECONDS = 1.0
"""How long the daemon has to take a notice."""
LINGER_SECONDS = 0.05
"""How long a notice may keep its caller: the daemon takes one within a millisecond or two."""
MAX_NOTICES = 100
"""Notices under way at the same time; beyond that a notice is dropped: a sync by the interval is coming anyway."""

_SHOWN = 300
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
    nothing happens; its next sync by the interval finds the change. What the daemon refuses, such as a dataset
    that there is not, is told the log.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # not asyncio's: nothing is told
        return
    _under_way.difference_update([task for task in _under_way if task.get_loop().is_closed()])
    if len(_under_way) >= MAX_NOTICES:
        log.debug("a notice was dropped: %d are under way", MAX_NOTICES)
        return
    body = {"dataset": dataset} | ({} if reason is None else {"reason": reason})
    task = loop.create_task(_tell(socket, service, body))
    alone = not _under_way
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    # So that a loop that runs no longer than this, `loop.run_until_complete(notify(…))`, has sent it.
    await asyncio.wait({task}, timeout=LINGER_SECONDS if alone else 0)


async def _tell(socket: Path | str | None, service: Service | None, body: dict[str, str]) -> None:
    try:
        await _told(socket, service, body)
    except asyncio.CancelledError:
        # The loop ends, as in `asyncio.run(notify(…))`, and cancels what runs in it. What was broken off is told
        # anew; twice does no harm.
        await _told(socket, service, body)
        raise


async def _told(socket: Path | str | None, service: Service | None, body: dict[str, str]) -> None:
    try:
        line = await asyncio.to_thread(line_to, socket, service)  # the first time it may look into files
        answer = await line.ask("POST", "/sync/notify", msgspec.json.encode(body), timeout=NOTICE_SECONDS)
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("a notice was refused: %s", ascii(answer.body.decode(errors="replace")[:_SHOWN]))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the daemon or its socket, no caller is to know
        log.debug("a notice was not told: %s", type(error).__name__)
