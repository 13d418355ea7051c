"""A small MoneyMentor: the FastAPI application that stands for the real backend, on PostgreSQL.

    python tests/backend.py '{"database_url": "…", "port": 8000, …}'

Its routes do what the backend's do to the tables that are synced: sign up, answer a quiz, read a profile, chat
(a streamed answer), change an address, leave. Settings are those of `Settings`, as JSON; the first line on stdout
is the port that it listens on.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from moneymentor_sync import BackgroundSyncService, SyncConfig
from moneymentor_sync.asgi import RequestPriorityMiddleware, notify, sync_endpoints

OPERATOR = b"Bearer operator"
_USER_ID = "(SELECT id FROM users WHERE email = :email)"
_ANSWER = text(
    "INSERT INTO quiz_responses (id, user_id, timestamp, quiz_id, topic, correct, created_at)"
    f" SELECT :id, cast({_USER_ID} AS text), now(), 'quiz', :topic, :correct, now()"
)
_COUNT_ANSWER = text(
    f"UPDATE user_profiles SET quizzes_taken = quizzes_taken + 1, updated_at = now() WHERE user_id = {_USER_ID}"
)
_COUNT_CHAT = text(
    f"UPDATE user_profiles SET total_chats = total_chats + 1, updated_at = now() WHERE user_id = {_USER_ID}"
)
_PROFILE = text(
    "SELECT first_name, last_name, email, total_chats, quizzes_taken, day_streak"
    " FROM users JOIN user_profiles p ON p.user_id = users.id WHERE email = :email"
)
_SIGN_UP = text(
    "WITH person AS (INSERT INTO users (id, email, password_hash, first_name, last_name, created_at, updated_at)"
    " VALUES (:id, :email, '!', :first_name, :last_name, now(), now()) RETURNING id)"
    " INSERT INTO user_profiles (id, user_id, total_chats, quizzes_taken, day_streak, days_active, created_at,"
    " updated_at) SELECT :profile_id, id, 0, 0, 0, 1, now(), now() FROM person"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """`sync` is `none`, `daemon` (over `socket`) or `service` (in this process, with `config` as its file)."""

    database_url: str
    sync: str = "none"
    socket: str | None = None
    config: str | None = None
    resume_after: float = 0.5
    tells: bool = False
    """Whether a sign-up and an answer tell of the change."""
    port: int = 0


class Backend:
    """The application and what its routes share."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._service = (
            BackgroundSyncService(SyncConfig(), file=settings.config) if settings.sync == "service" else None
        )
        self._engine: AsyncEngine
        self.app = self._built()

    def _built(self) -> FastAPI:
        app, on = FastAPI(lifespan=self._lifespan), self._settings
        app.get("/health")(self._health)
        app.get("/users/{email}")(self._profile)
        app.post("/users")(self._sign_up)
        app.delete("/users/{email}")(self._leave)
        app.post("/answers")(self._answer)
        app.get("/chat/{email}")(self._chat)
        app.get("/slow")(self._slow)
        app.get("/broken")(self._broken)
        app.websocket("/live")(self._live)
        if on.sync != "none":
            where: dict[str, Any] = {"service": self._service} if self._service else {"socket": on.socket}
            app.add_middleware(RequestPriorityMiddleware, resume_after=on.resume_after, **where)
            app.mount("/sync", sync_endpoints(authorize=_operator, **where))
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        self._engine = create_async_engine(self._settings.database_url, pool_size=20, max_overflow=0)
        if self._service is not None:
            await self._service.start_background_sync()
        yield
        if self._service is not None:
            await self._service.stop_background_sync()
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            yield connection

    async def _tell(self, *datasets: str) -> None:
        if self._settings.tells:
            for dataset in datasets:
                await notify(dataset, "a request", self._settings.socket, service=self._service)

    # --- the routes -----------------------------------------------------------------------------------------

    async def _health(self) -> dict[str, bool]:
        return {"ok": True}

    async def _profile(self, email: str) -> dict[str, Any]:
        async with self._transaction() as connection:
            found = (await connection.execute(_PROFILE, {"email": email})).mappings().first()
        if found is None:
            raise HTTPException(404)
        return dict(found)

    async def _sign_up(self, person: dict[str, str]) -> dict[str, bool]:
        ids = {"id": uuid.uuid4(), "profile_id": uuid.uuid4()}
        async with self._transaction() as connection:
            await connection.execute(_SIGN_UP, {**ids, **person})
        await self._tell("user_profiles", "course_statistics")
        return {"ok": True}

    async def _leave(self, email: str) -> dict[str, bool]:
        async with self._transaction() as connection:
            await connection.execute(text("DELETE FROM users WHERE email = :email"), {"email": email})
        return {"ok": True}

    async def _answer(self, answer: dict[str, Any]) -> dict[str, bool]:
        async with self._transaction() as connection:
            await connection.execute(_ANSWER, {"id": uuid.uuid4(), **answer})
            await connection.execute(_COUNT_ANSWER, {"email": answer["email"]})
        await self._tell("user_profiles", "course_statistics")
        return {"ok": True}

    async def _chat(self, email: str, words: int = 3) -> StreamingResponse:
        async with self._transaction() as connection:
            await connection.execute(_COUNT_CHAT, {"email": email})

        async def said() -> AsyncIterator[str]:
            for number in range(words):
                await asyncio.sleep(0)
                yield f"word {number}\n"

        return StreamingResponse(said(), media_type="text/plain")

    async def _slow(self) -> StreamingResponse:
        """Begins to answer, and goes on for as long as the client is there."""

        async def said() -> AsyncIterator[str]:
            yield "a word\n"
            await asyncio.get_running_loop().create_future()

        return StreamingResponse(said(), media_type="text/plain")

    async def _broken(self) -> None:
        raise RuntimeError("a bug of the backend's")

    async def _live(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)


async def _operator(scope: Any) -> bool:
    return (b"authorization", OPERATOR) in scope["headers"]


def listening_on(port: int) -> socket.socket:
    """A socket of TCP by name: asyncio switches Nagle’s algorithm off for no other, and answers wait 40 ms then."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(512)
    return listening


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    listening = listening_on(settings.port)
    sys.stdout.write(json.dumps({"port": listening.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config(Backend(settings).app, log_level="warning", access_log=False, timeout_keep_alive=75)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
