"""The channel's application: which path asks what of the daemon, and what its answer looks like.

`status` and `healthz` are answered on the event loop, where nothing may wait: no thread, lock or file. `metrics`
wait for nothing either, but take a while where there are hundreds of datasets: they have a thread of their own.
Everything else runs in a few threads, so that a slow disk holds up changes, never the status; and a slow database
of the cluster's, of which `cluster` asks, not even those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar, cast

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from moneymentor_sync.core.errors import MmsyncError, ShuttingDownError
from moneymentor_sync.core.events import Emit

from . import asks, paths
from .changes import CHANGES, Change, said
from .openapi import description
from .operator import Accepted, Document, Operator, Peer
from .peers import Access
from .refusals import INTERNAL, NotAllowedError, TooManyWaitingError, document, document_of, status_of
from .seldom import Seldom

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


QUIET = frozenset({"pause", "resume", "notify"})
"""A backend's holds and notices come by the second, and change no setting: the log has them at `debug`."""
MAX_WAITING = 32
"""Clients that wait for a sync's end at the same time: half of the connections there are."""


class Channel:
    """The endpoints. `stopping` is set on the event loop when the daemon stops; `pool` has the few threads, and
    `renderer` the one for metrics (else they are the pool's, too)."""

    def __init__(
        self,
        operator: Operator,
        access: Access,
        emit: Emit,
        pool: Executor,
        stopping: asyncio.Event,
        renderer: Executor | None = None,
    ) -> None:
        self._operator = operator
        self._access = access
        self._emit = emit
        self._pool = pool
        self._renderer = renderer or pool
        self._stopping = stopping
        # Each has one place at a time, so that the threads are never all taken by those who only look.
        self._one_history = asyncio.Semaphore(1)
        self._one_fleet = asyncio.Semaphore(1)
        self._waiting = 0
        self._refusals = Seldom()

    def app(self) -> Starlette:
        """The ASGI application. It needs the Peer in `scope["state"]["peer"]`."""
        app = Starlette(
            routes=self._routes(),
            exception_handlers={
                MmsyncError: _refused,
                HTTPException: _not_served,
                ClientDisconnect: _gone_away,
                Exception: self._failed,
            },
        )
        app.router.redirect_slashes = False
        return app

    def _routes(self) -> list[Route]:
        endpoints: dict[str, Endpoint] = {
            paths.STATUS.path: self._status,
            paths.HISTORY.path: self._history,
            paths.CLUSTER.path: self._cluster,
            paths.HEALTHZ.path: self._healthz,
            paths.METRICS.path: self._metrics,
            paths.DESCRIPTION.path: self._described,
            paths.FORCE.path: self._force,
        }
        for name, change in CHANGES.items():
            endpoints[paths.path_of(name)] = partial(self._change, name, change)
        return [Route(one.path, endpoints[one.path], methods=[one.method], name=one.path) for one in paths.PATHS]

    # --- reading --------------------------------------------------------------------------------------------

    async def _status(self, request: Request) -> Response:
        self._reader(request)
        return _json(self._operator.status())

    async def _healthz(self, request: Request) -> Response:
        self._reader(request)
        healthy, found = self._operator.healthy()
        return _json(found, HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _metrics(self, request: Request) -> Response:
        self._reader(request)
        text = await self._in_thread(self._operator.metrics, self._renderer)
        return Response(text, headers={"content-type": paths.METRICS_TYPE})

    async def _described(self, request: Request) -> Response:
        self._reader(request)
        return _json(description())

    async def _history(self, request: Request) -> Response:
        self._reader(request)
        asked = asks.parse_history(request.query_params.multi_items())
        # A thousand runs are encoded in the thread, too; one such answer at a time is memory enough.
        look = partial(self._operator.history, asked.dataset, asked.limit)
        return await self._in_turn(self._one_history, lambda: _json(look()))

    async def _cluster(self, request: Request) -> Response:
        self._reader(request)
        return await self._in_turn(self._one_fleet, lambda: _json(self._operator.cluster()))

    # --- changing -------------------------------------------------------------------------------------------

    async def _change(self, action: str, change: Change, request: Request) -> Response:
        peer = self._changer(request)
        asked = asks.parse(change.asked, await request.body())

        def act() -> Document:
            answer = change.act(self._operator, asked, peer)
            if action in QUIET:
                self._emit("control.asked", action=action, uid=peer.uid, pid=peer.pid, **said(asked))
            else:
                self._changed(action, peer, **said(asked))
            return answer

        # What only touches memory is done here: the threads may all wait for a state file that somebody locked.
        return _json(act() if change.at_once else await self._in_thread(act), change.status)

    async def _force(self, request: Request) -> Response:
        peer = self._changer(request)
        asked = asks.parse(asks.Force, await request.body())

        def act() -> Accepted:
            accepted = self._operator.force(asked.datasets, allow_deletes=bool(asked.allow_deletes), by=peer)
            self._changed(
                "force", peer, **said(asked), run_id=accepted.run_id, allow_deletes=bool(asked.allow_deletes)
            )
            return accepted

        if asked.wait and self._waiting >= MAX_WAITING:
            raise TooManyWaitingError(f"{MAX_WAITING} others wait for a sync already")
        if not asked.wait:
            accepted = await self._in_thread(act)
            return _json({"accepted": True, "run_id": accepted.run_id}, HTTPStatus.ACCEPTED)
        self._waiting += 1
        try:
            accepted = await self._in_thread(act)
            return _json(await self._ended(request, accepted.done))
        finally:
            self._waiting -= 1

    async def _ended(self, request: Request, done: Future[Document]) -> Document:
        """The result of a sync. Occupies no thread; a client that goes away ends only the waiting.

        Raises ShuttingDownError, ClientDisconnect, or what the sync raised.
        """
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(_: Future[Document]) -> None:
            with suppress(RuntimeError):  # the channel has been stopped meanwhile: nobody waits
                loop.call_soon_threadsafe(ended.set)

        done.add_done_callback(tell)
        await _first(ended.wait(), self._stopping.wait(), request.receive())
        if done.done() and not done.cancelled():
            return done.result()
        if self._stopping.is_set() or done.cancelled():
            raise ShuttingDownError("the daemon is stopping; the sync that was asked for has not ended")
        raise ClientDisconnect

    # --- who, where, and what went wrong ----------------------------------------------------------------------

    def _reader(self, request: Request) -> None:
        peer = cast(Peer, request.state.peer)
        if not self._access.may_read(peer):
            raise NotAllowedError(f"user {peer.uid} may not ask this daemon")

    def _changer(self, request: Request) -> Peer:
        peer = cast(Peer, request.state.peer)
        if not self._access.may_change(peer):
            self._tell_of_refusal(request.scope["path"], peer)
            raise NotAllowedError(f"user {peer.uid} may not change what this daemon does")
        return peer

    def _tell_of_refusal(self, path: str, peer: Peer) -> None:
        """One line a minute for each user and path: who may not change anything may not fill the disk, either."""
        more = self._refusals.passed_over((path, peer.uid), asyncio.get_running_loop().time())
        if more is not None:
            self._emit("control.refused", path=path, uid=peer.uid, pid=peer.pid, passed_over=more)

    def _changed(self, action: str, peer: Peer, **fields: Any) -> None:
        self._emit("control.changed", action=action, uid=peer.uid, pid=peer.pid, **fields)

    async def _in_turn(self, turn: asyncio.Semaphore, work: Callable[[], T]) -> T:
        try:
            await turn.acquire()
        except asyncio.CancelledError:
            raise ShuttingDownError("the daemon is stopping") from None
        try:
            return await self._in_thread(work)
        finally:
            turn.release()

    async def _in_thread(self, work: Callable[[], T], pool: Executor | None = None) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool or self._pool, work)
        except asyncio.CancelledError:  # the stop's time is over and this still hangs: the client gets an answer
            raise ShuttingDownError(
                "the daemon is stopping; whether it still did what was asked is not known"
            ) from None

    async def _failed(self, request: Request, error: Exception) -> Response:
        """A bug: the log gets everything, the client nothing but that it happened."""
        self._emit("control.failed", path=request.scope["path"], error=type(error).__name__, exc_info=error)
        found = document(INTERNAL, "the daemon failed to answer")
        return _json(found, HTTPStatus.INTERNAL_SERVER_ERROR)


async def _first(*waits: Awaitable[Any]) -> None:
    """Waits until one of them has ended, and ends the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _refused(_request: Request, error: Exception) -> Response:
    known = cast(MmsyncError, error)
    return _json(document_of(known), status_of(known.code))


async def _not_served(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such path, and not with this method (with `Allow`)."""
    known = cast(HTTPException, error)
    status = HTTPStatus(known.status_code)
    message = f"{request.method} {request.scope['path']}: {status.phrase.lower()}"
    found = document(status.phrase.lower().replace(" ", "_"), message)
    return _json(found, status, headers=dict(known.headers or {}))


async def _gone_away(_request: Request, _error: Exception) -> Response:
    return Response()  # nobody gets it


def _json(content: Document, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, paths.JSON)
