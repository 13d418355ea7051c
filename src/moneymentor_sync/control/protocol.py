"""One connection of the channel: uvicorn's protocol, with a time for everything a client may keep us waiting for.

uvicorn closes a connection that is kept open without a request, and nothing else: a half-sent request, a client
that never reads its answer or a thousand connections stay for ever. It takes its protocol as a class
(`uvicorn.Config(http=…)`), so what is missing is added here; what may be asked is not known here.
"""

from __future__ import annotations

import asyncio
import os
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .framing import Framing
from .limits import Limits
from .peers import is_trusted, peer_of
from .refusals import closing_answer

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState


class Phase(Enum):
    """What a connection waits for."""

    ARRIVING = auto()  # a request has begun, or the first is still to come
    ANSWERING = auto()  # the application; it has no deadline here
    IDLE = auto()  # kept open, and nothing of another request has come
    LINGERING = auto()  # it was refused: only that the client reads why


class ControlProtocol(H11Protocol):
    """Made by uvicorn for each connection. The application finds who asks in `scope["state"]["peer"]` (Peer)."""

    limits: ClassVar[Limits]
    served: ClassVar[set[ControlProtocol]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False
        self.conn = self._framing = Framing(self.limits)
        self._refused = self._trusted = False
        self._phase: Phase | None = None
        self._since = 0.0
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # --- what asyncio tells ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        peer = peer_of(transport.get_extra_info("socket"))
        self.app_state = {**self.app_state, "peer": peer}
        trusted = self._trusted = is_trusted(peer, os.geteuid())
        if len(self.connections) > self.limits.places_with_refused(trusted=trusted):
            self.connections.discard(self)  # it counts no more, though asyncio takes a moment to end it
            transport.abort()
        elif len(self.served) >= self.limits.places(trusted=trusted) and not self._place_is_made():
            self._refuse("too_many_connections", "too many connections are open")
        else:
            self.served.add(self)
            self._watch()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return  # read, so that the client can finish sending and get to the answer, and thrown away
        super().data_received(data)
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.served.discard(self)
        for timer in (self._deadline, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    # --- what uvicorn calls ---------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()
        self._watch_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the name is uvicorn's
        """Called for whatever `Framing` refuses; its own words say more than `msg`."""
        self._refuse(*self._framing.refusal)

    def timeout_keep_alive_handler(self) -> None:
        """uvicorn's own timer. It would wait for ever for a client that does not read; `_watch` replaces it."""

    def shutdown(self) -> None:
        """The daemon stops: what is being answered is answered, everything else ends here."""
        if self._phase is Phase.ANSWERING:
            super().shutdown()
        elif self._phase is Phase.ARRIVING and self._has_begun():
            self._refuse("shutting_down", "the daemon is stopping")
        else:
            self.transport.abort()

    # --- deadlines ------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Sets the deadline anew where the connection now waits for something else."""
        phase = None if self.transport.is_closing() else self._phase_now()
        if phase is self._phase:
            return
        self._phase, self._since = phase, self.loop.time()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        seconds = self._seconds(phase)
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._overdue)

    def _phase_now(self) -> Phase:
        if self._refused:
            return Phase.LINGERING
        theirs = self.conn.their_state
        if theirs is h11.SEND_BODY:
            return Phase.ARRIVING
        if theirs is h11.IDLE:
            return Phase.ARRIVING if self.cycle is None or self._framing.has_unread else Phase.IDLE
        return Phase.ANSWERING

    def _seconds(self, phase: Phase | None) -> float | None:
        limits = self.limits
        if phase is Phase.ARRIVING:
            return limits.receive_seconds
        if phase is Phase.IDLE:
            return limits.idle_seconds
        return limits.linger_seconds if phase is Phase.LINGERING else None

    def _overdue(self) -> None:
        if self._phase is Phase.ARRIVING and self._has_begun():
            self._refuse("too_slow", f"the request did not arrive within {self.limits.receive_seconds:g} s")
        elif self._phase is Phase.IDLE and self.transport.get_write_buffer_size():
            self._phase = None  # it still reads its last answer, which `_stalled` looks after
            self._watch()
        else:
            self.transport.abort()  # closing would wait until the client has read what is left

    def _has_begun(self) -> bool:
        return self.conn.their_state is not h11.IDLE or self._framing.has_unread

    def _watch_writing(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        if self._stall is None and waiting:
            self._stall = self.loop.call_later(self.limits.stall_seconds, self._stalled, waiting)

    def _stalled(self, before: int) -> None:
        """Gives up on a client that has taken nothing of its answer since the last look."""
        self._stall = None
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._watch_writing()

    # --- where there is no room -----------------------------------------------------------------------------

    def _place_is_made(self) -> bool:
        """Whether one that has kept us waiting gives its place to this one: the one that has done so longest.

        No other user takes a place from root or the daemon's own.
        """
        until = self.loop.time() - self.limits.crowded_seconds
        others = self.served if self._trusted else [one for one in self.served if not one._trusted]
        waited_for = [one for one in others if one.awaited_since <= until]
        if not waited_for:
            return False
        min(waited_for, key=lambda one: one.awaited_since).give_way()
        return True

    @property
    def awaited_since(self) -> float:
        """Since when the client is waited for, by the loop's clock: for a request, or to read the whole answer.
        Infinite while one is answered."""
        return self._since if self._phase in (Phase.ARRIVING, Phase.IDLE) else float("inf")

    def give_way(self) -> None:
        """Ends, with words where a request has begun to arrive."""
        if self._has_begun():
            self._refuse("too_many_connections", "others need the place of a request that does not arrive")
        else:
            self.served.discard(self)
            self.transport.abort()

    # --- refusing -------------------------------------------------------------------------------------------

    def _refuse(self, code: str, message: str) -> None:
        """Says why, if nothing of an answer has been sent yet, and takes nothing more from this connection.

        Not closed at once: a client still sending would then get an error instead of the answer.
        """
        unanswered = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        self._refused = True
        self.served.discard(self)
        self._release_application()
        self.flow.resume_reading()
        if unanswered and not self.transport.is_closing():
            self.transport.write(closing_answer(code, message))
            self.transport.write_eof()
            self._watch()
        else:
            self.transport.abort()

    def _release_application(self) -> None:
        """An application that waits for the rest of the request sees that its client is gone."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def protocol_class(limits: Limits) -> type[ControlProtocol]:
    """The protocol of one server, for `uvicorn.Config(http=…)`: with its limits and its own count."""

    class Limited(ControlProtocol):
        pass

    Limited.limits = limits
    Limited.served = set()
    return Limited
