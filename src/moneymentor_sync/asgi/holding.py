"""The hold that stands for all requests in flight of one process: taken, renewed and ended in the background."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from contextlib import suppress

import msgspec

from .lines import Line, UnansweredError, log

TTL_SECONDS = 10.0
"""How long a hold lasts by itself: a process that dies stops holding."""
RENEW_SECONDS = 3.0
CALL_SECONDS = 1.0
"""How long the daemon has for an answer."""
ABSENT_SECONDS = 5.0
"""How long nobody is asked again after no daemon answered."""
OK = 200


class Holding:
    """Counts requests, and sees to it that the sync stands back while there are any.

    `count_in` and `count_out` take a microsecond and never fail. Each process is a holder of its own, so that
    workers and machines do not release one another's holds.
    """

    def __init__(self, line: Line, resume_after: float) -> None:
        self._line = line
        self._resume_after = resume_after
        self._in_flight = 0
        self._last_end = 0.0
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        """Set when the last request in flight has ended; made in the loop that waits for it."""
        self._holder = ""
        self._holder_pid = 0
        self._heard = True

    def count_in(self) -> None:
        self._in_flight += 1
        # Where there is no asyncio loop (another kind of server, or one that is closing), requests are just served.
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            if loop is not self._loop or self._task is None or self._task.done():
                self._loop = loop
                self._task = loop.create_task(self._hold())

    def count_out(self) -> None:
        self._in_flight -= 1
        if self._in_flight == 0 and self._loop is not None:
            self._last_end = self._loop.time()
            if self._ended is not None:
                self._ended.set()

    async def end(self) -> None:
        """The application ends: lets the sync go on at once, and leaves no task behind."""
        task, self._task = self._task, None
        if task is None or task.done() or self._loop is not asyncio.get_running_loop():
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await self._ask("resume", {"holder": self.holder})

    @property
    def holder(self) -> str:
        """A name that no other process has; a process that was forked gets one of its own."""
        if self._holder_pid != os.getpid():
            self._holder_pid = os.getpid()
            self._holder = f"{socket.gethostname()}:{self._holder_pid}:{uuid.uuid4().hex[:8]}"
        return self._holder

    # --- in the background ----------------------------------------------------------------------------------

    async def _hold(self) -> None:
        """From the first request of a burst until a moment after its last response."""
        while self._in_flight:
            if await self._hold_on():
                await self._ask("resume", {"holder": self.holder})  # a request that comes meanwhile holds again
            else:
                await asyncio.sleep(ABSENT_SECONDS)

    async def _hold_on(self) -> bool:
        """Takes and renews the hold for as long as it is needed; whether somebody took it."""
        loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._last_end = loop.time()
        renew_at = loop.time()
        while (left := self._left(loop.time())) > 0:
            if loop.time() >= renew_at:
                renew_at = loop.time() + RENEW_SECONDS
                if not await self._ask("pause", {"holder": self.holder, "ttl_seconds": TTL_SECONDS}):
                    return False
                continue
            await self._pass(min(left, renew_at - loop.time()))
        return True

    def _left(self, now: float) -> float:
        """Seconds until nobody needs the hold any more, as far as is known now."""
        return RENEW_SECONDS if self._in_flight else self._last_end + self._resume_after - now

    async def _pass(self, seconds: float) -> None:
        """Lets time pass: so many seconds, or until the last of the requests in flight has ended."""
        if not self._in_flight or self._ended is None:
            await asyncio.sleep(seconds)
            return
        self._ended.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    async def _ask(self, what: str, body: dict[str, object]) -> bool:
        """Whether the other side did it. Tells the log when it stops answering, and when it answers again."""
        try:
            answer = await self._line.ask("POST", f"/sync/{what}", msgspec.json.encode(body), timeout=CALL_SECONDS)
        except UnansweredError as error:
            self._say(f"{error}")
            return False
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, no request is to know
            self._say(type(error).__name__)
            return False
        done = answer.status == OK
        self._say("" if done else f"it answered with status {answer.status}")
        return done

    def _say(self, trouble: str) -> None:
        if self._heard and trouble:
            log.warning("requests do not hold the sync off: %s", trouble)
        elif not self._heard and not trouble:
            log.info("requests hold the sync off again")
        self._heard = not trouble
