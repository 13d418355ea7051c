"""The hold that stands for all requests in flight of one process: taken, renewed and ended in the background."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context

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
_LONG_AGO = float("-inf")


class Holding:
    """Counts requests, and sees to it that the sync stands back while there are any.

    `count_in`, and what it gives to be called when the request has ended, take microseconds and never fail. Each
    event loop of each process is a holder of its own, so that workers and machines do not release one another's
    holds: a request that a forked process, or a loop that was closed, has left behind counts nowhere else.
    """

    def __init__(self, line: Line, resume_after: float) -> None:
        if not 0 <= resume_after < float("inf"):
            raise ValueError(f"resume_after must be seconds, 0 or more, not {resume_after!r}")
        self._line = line
        self._resume_after = resume_after
        self._of_loop: dict[asyncio.AbstractEventLoop, LoopHold] = {}
        self._pid = os.getpid()
        self._failed = False

    def count_in(self) -> Callable[[], None]:
        """One request more; what is returned has to be called when it has ended, once."""
        loop = _running_loop()
        if loop is None:
            return _nothing
        try:
            hold = self._at(loop)
            hold.count_in()
        except Exception as error:  # noqa: BLE001 - such as a task factory of the host's; its requests are served
            self._say_once(error)
            return _nothing
        return hold.count_out

    async def end(self) -> None:
        """The application ends: lets the sync go on at once, and leaves no task behind."""
        loop = _running_loop()
        hold = None if loop is None else self._of_loop.get(loop)
        if hold is not None:
            await hold.end()

    def _say_once(self, error: Exception) -> None:
        if not self._failed:
            log.warning("requests do not hold the sync off: %s", type(error).__name__)
        self._failed = True

    def _at(self, loop: asyncio.AbstractEventLoop) -> LoopHold:
        if self._pid != os.getpid():
            self._pid, self._of_loop = os.getpid(), {}
        hold = self._of_loop.get(loop)
        if hold is None:
            hold = LoopHold(self._line, self._resume_after, loop)
            # Replaced whole: another thread may be serving in a loop of its own.
            self._of_loop = {one: its for one, its in self._of_loop.items() if not one.is_closed()} | {loop: hold}
        return hold


class LoopHold:
    """The hold of the requests that one event loop serves."""

    def __init__(self, line: Line, resume_after: float, loop: asyncio.AbstractEventLoop) -> None:
        self._line = line
        self._resume_after = resume_after
        self._loop = loop
        self._holder = new_holder()
        self._in_flight = 0
        self._last_end = _LONG_AGO
        self._all_ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._asked = False
        """Whether somebody was asked for a hold, and so may keep one, since it was last given back."""
        self._ask_at = _LONG_AGO
        self._heard = True

    def count_in(self) -> None:
        if not self._ending and (self._task is None or self._task.done()):
            self._task = self._begun()
        self._in_flight += 1

    def count_out(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._last_end = self._loop.time()
            with suppress(RuntimeError):  # the loop was closed around the request
                self._all_ended.set()

    async def end(self) -> None:
        if self._task is None or self._task.done():
            return
        self._ending = True
        try:
            self._task.cancel()
            await asyncio.wait({self._task})
        finally:
            self._ending = False

    # --- in the background ----------------------------------------------------------------------------------

    def _begun(self) -> asyncio.Task[None]:
        """The task that holds, in a context of its own: it outlives the request, and stands for others, too."""
        holding = self._hold()
        try:
            # Not `create_task(…, context=…)`: task factories that were written before Python 3.11 refuse it.
            return Context().run(self._loop.create_task, holding)
        except BaseException:
            holding.close()
            raise

    async def _hold(self) -> None:
        """From the first request of a burst until a moment after its last response."""
        try:
            while self._left() > 0:  # a request that comes while the hold is given back takes it again
                await self._hold_on()
                await self._let_go()
        except asyncio.CancelledError:
            await self._let_go()  # the application ends, or its loop does
            raise

    async def _hold_on(self) -> None:
        """Takes the hold, and renews it for as long as it is needed."""
        while (left := self._left()) > 0:
            pause = self._ask_at - self._loop.time()
            if pause > 0:
                await self._pass(min(left, pause))
            else:
                await self._take()

    def _left(self) -> float:
        """Seconds until nobody needs the hold any more, as far as is known now."""
        return float("inf") if self._in_flight else self._last_end + self._resume_after - self._loop.time()

    async def _pass(self, seconds: float) -> None:
        """Lets time pass: so many seconds, or until the last of the requests in flight has ended."""
        if not self._in_flight:
            await asyncio.sleep(seconds)
            return
        self._all_ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_ended.wait()

    async def _take(self) -> None:
        """Takes or renews the hold. Tells the log when nobody answers any more, and when somebody does again."""
        self._asked = True
        trouble = await self._ask("pause", {"holder": self._holder, "ttl_seconds": TTL_SECONDS})
        self._ask_at = self._loop.time() + (ABSENT_SECONDS if trouble else RENEW_SECONDS)
        if self._heard and trouble:
            log.warning("requests do not hold the sync off: %s", trouble)
        elif not self._heard and not trouble:
            log.info("requests hold the sync off again")
        self._heard = not trouble

    async def _let_go(self) -> None:
        """Gives the hold back. One whose answer never came may have been taken all the same."""
        if self._asked:
            await self._ask("resume", {"holder": self._holder})
            self._asked = False
            if self._heard:
                self._ask_at = _LONG_AGO  # the next burst takes it at once

    async def _ask(self, what: str, body: dict[str, object]) -> str:
        """What kept the other side from doing it; nothing where it did."""
        try:
            answer = await self._line.ask("POST", f"/sync/{what}", msgspec.json.encode(body), timeout=CALL_SECONDS)
        except UnansweredError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, no request is to know
            return type(error).__name__
        return "" if answer.status == OK else f"it answered with status {answer.status}"


def new_holder() -> str:
    """A name that nobody else has, of letters that the daemon takes whatever the machine is called."""
    host = "".join(letter if letter.isprintable() else "?" for letter in socket.gethostname())
    return f"{host}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """None under another kind of loop than asyncio's: requests are just served there."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


def _nothing() -> None:
    pass
