"""The middleware and the notices against the real channel: what a backend's processes do to a daemon."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from tests.contract.asgi_backend import LOOPS, WRONG, Heard, full, hanging, run, wrong_paths
from tests.contract.control_double import PATIENCE, Double, Served, serving

from moneymentor_sync.asgi import RequestPriorityMiddleware, holding, notify
from moneymentor_sync.asgi.protocol import Message, Receive, Scope, Send
from moneymentor_sync.core.errors import ShuttingDownError, TooManyHoldersError

LOOP = pytest.mark.parametrize("loop", LOOPS)
SOON = 0.01


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def served(tmp_path: Path, heard: Heard) -> Iterator[Served]:
    with serving(tmp_path / "s", operator=heard) as served:
        yield served


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewals follow one another closely."""
    monkeypatch.setattr(holding, "RENEW_SECONDS", SOON)
    monkeypatch.setattr(holding, "ABSENT_SECONDS", SOON)
    monkeypatch.setattr(holding, "CALL_SECONDS", SOON)


class Backend:
    """An application whose response comes when `open` is set, and the middleware around it."""

    def __init__(self, socket: Path | str) -> None:
        self.open = asyncio.Event()
        self.middle = RequestPriorityMiddleware(self._app, socket, SOON)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.open.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def request(self) -> list[Message]:
        seen: list[Message] = []

        async def send(message: Message) -> None:
            seen.append(message)

        await self.middle({"type": "http", "method": "GET", "path": "/"}, _silence, send)
        return seen

    async def burst_ended(self) -> None:
        """Waits until nobody holds, or tries to, for the requests there were."""
        (hold,) = self.middle._holding._of_loop.values()
        if hold._task is not None:
            await asyncio.wait({hold._task})


async def _silence() -> Message:
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


@LOOP
def test_the_daemon_holds_off_until_a_moment_after_the_response(loop: str, served: Served, heard: Heard) -> None:
    async def main() -> None:
        backend = Backend(served.path)
        request = asyncio.create_task(backend.request())
        what, holder, ttl = await heard.hears()
        assert (what, ttl) == ("pause", holding.TTL_SECONDS)
        backend.open.set()
        assert [one["type"] for one in await request] == ["http.response.start", "http.response.body"]
        assert await heard.hears() == ("resume", holder)

    run(loop, main())
    assert [what[0] for what in heard.told].count("pause") == 1


@LOOP
def test_it_is_renewed_also_for_a_daemon_that_is_started_again_in_the_middle(
    loop: str, tmp_path: Path, impatient: None
) -> None:
    async def main() -> None:
        backend = Backend(tmp_path / "s")
        request = asyncio.create_task(backend.request())
        for _ in range(2):  # the first of them is started after the backend
            heard = Heard()
            with serving(tmp_path / "s", operator=heard):
                first, second = await heard.hears(), await heard.hears()
                assert first == second
                holders.add(first[1])
        with serving(tmp_path / "s", operator=heard):
            backend.open.set()
            await request
            while (await heard.hears())[0] != "resume":
                pass

    holders: set[str] = set()
    run(loop, main())
    assert len(holders) == 1


def nobody(kind: str, folder: Path) -> Path | str:
    return folder / "s" if kind in ("hangs", "full", "refuses", "stops") else wrong_paths(folder)[kind]


@LOOP
@pytest.mark.parametrize("kind", [*WRONG, "hangs", "full", "refuses", "stops"])
def test_a_request_is_served_whatever_is_wrong_with_the_daemon(
    loop: str, kind: str, tmp_path: Path, impatient: None, request: pytest.FixtureRequest
) -> None:
    async def main() -> None:
        backend = Backend(nobody(kind, tmp_path))
        backend.open.set()
        for _ in range(5):
            seen = await asyncio.gather(*(backend.request() for _ in range(20)))
            assert all([one.get("body", b"") for one in each] == [b"", b"done"] for each in seen)
            await asyncio.sleep(0)
        # The end of a burst, and another one, in which somebody may be asked again.
        await backend.burst_ended()
        assert len(await backend.request()) == 2

    operator = Double()
    operator.raises = {"refuses": TooManyHoldersError("enough"), "stops": ShuttingDownError("stops")}.get(kind)
    if kind == "hangs":
        with hanging(tmp_path / "s"):
            run(loop, main())
    elif kind == "full":
        with full(tmp_path / "s"):
            run(loop, main())
    elif operator.raises is not None:
        with serving(tmp_path / "s", operator=operator):
            run(loop, main())
        assert operator.told == []
    else:
        run(loop, main())


def test_several_backends_are_holders_that_do_not_end_one_anothers_holds(served: Served, heard: Heard) -> None:
    async def main() -> None:
        one, other = Backend(served.path), Backend(served.path)
        requests = [asyncio.create_task(backend.request()) for backend in (one, other)]
        holders = {(await heard.hears())[1] for _ in requests}
        assert len(holders) == 2
        one.open.set()
        await requests[0]
        ended = await heard.hears()
        assert ended[0] == "resume"
        other.open.set()
        await requests[1]
        assert await heard.hears() == ("resume", *(holders - {ended[1]}))

    run("asyncio", main())


FORKED = """
import asyncio, os, sys
from moneymentor_sync.asgi import RequestPriorityMiddleware

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

async def send(message):
    pass

middle = RequestPriorityMiddleware(app, sys.argv[1], 0.01)

async def main():
    await middle({"type": "http"}, None, send)
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})

asyncio.run(main())
children = [os.fork() for _ in range(2)]
asyncio.run(main())
if all(children):
    for child in children:
        os.waitpid(child, 0)
"""


def test_workers_that_were_forked_are_holders_of_their_own(served: Served, heard: Heard) -> None:
    """As a server does that loads the application before it forks, even after it served something."""
    subprocess.run(
        [sys.executable, "-c", FORKED, str(served.path)],
        check=True,
        timeout=PATIENCE,
        env={"PATH": "/usr/bin:/bin"},
    )
    holders = [what[1] for what in heard.told if what[0] == "pause"]
    pids = {holder.split(":")[1] for holder in holders}
    assert len({*holders}) == len(holders) == 5
    assert len(pids) == 4
    assert sorted(holders) == sorted(what[1] for what in heard.told if what[0] == "resume")


# --- under a framework ------------------------------------------------------------------------------------


def backend(socket: Path, resume_after: float = SOON) -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestPriorityMiddleware, socket=socket, resume_after=resume_after)

    @app.get("/quick")
    async def quick() -> dict[str, int]:
        return {"pid": os.getpid()}

    @app.get("/blocking")
    def blocking() -> str:
        return "in a thread"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"%d" % number

        return StreamingResponse(pieces())

    @app.get("/error")
    async def error() -> None:
        raise ZeroDivisionError

    return app


def test_a_fastapi_application_behind_several_test_clients(served: Served, heard: Heard) -> None:
    """Each of them runs a loop of its own, in a thread of its own."""
    app = backend(served.path, resume_after=60)
    for _ in range(3):
        with TestClient(app, raise_server_exceptions=False) as client:
            assert client.get("/quick").json() == {"pid": os.getpid()}
            assert client.get("/blocking").json() == "in a thread"
            assert client.get("/stream").text == "012"
            assert client.get("/error").status_code == 500
            assert client.get("/nowhere").status_code == 404
    assert [what[0] for what in heard.told] == ["pause", "resume"] * 3
    assert len({what[1] for what in heard.told}) == 3


def test_also_without_a_lifespan_where_each_request_has_a_loop(served: Served, heard: Heard) -> None:
    client = TestClient(backend(served.path, resume_after=60))
    for _ in range(3):
        assert client.get("/stream").text == "012"
    # A loop that ends before anybody was asked asks nobody; what was asked for is given back.
    assert len({what[1] for what in heard.told}) <= 3
    assert {what[1] for what in heard.told if what[0] == "pause"} <= {
        what[1] for what in heard.told if what[0] == "resume"
    }


def test_without_a_daemon_it_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    with TestClient(backend(tmp_path / "none")) as client:
        for _ in range(20):
            assert client.get("/quick").status_code == 200


class Server(uvicorn.Server):
    """uvicorn, which ends when `over` is set."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, lifespan="on", access_log=False))
        self.up, self.over = asyncio.Event(), asyncio.Event()

    async def main_loop(self) -> None:
        self.up.set()
        await self.over.wait()


@LOOP
def test_a_real_server_whose_client_goes_away_and_which_is_shut_down(
    loop: str, tmp_path: Path, served: Served, heard: Heard
) -> None:
    async def main() -> None:
        app = backend(served.path)

        @app.get("/endless")
        async def endless() -> StreamingResponse:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"one"
                await asyncio.Event().wait()

            return StreamingResponse(pieces())

        server = Server(app)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(tmp_path / "http"))
            serving_it = asyncio.create_task(server.serve([listening]))
            await server.up.wait()
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "http"))
            writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"one")
            assert (await heard.hears())[0] == "pause"
            writer.close()
            assert (await heard.hears())[0] == "resume"
            # A request, and the end right after it: the hold is given back although it is not yet time.
            holding_of(app)._resume_after = 60.0
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "http"))
            writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in await reader.read()
            writer.close()
            assert (await heard.hears())[0] == "pause"
            server.over.set()
            await serving_it
            assert (await heard.hears())[0] == "resume"

    run(loop, main())
    assert [what[0] for what in heard.told] == ["pause", "resume"] * 2


def holding_of(app: FastAPI) -> holding.LoopHold:
    """What the middleware of an application that has started holds in the running loop."""
    middle = app.middleware_stack
    while not isinstance(middle, RequestPriorityMiddleware):
        middle = middle.app  # type: ignore[union-attr]
    return middle._holding._of_loop[asyncio.get_running_loop()]


# --- notices ----------------------------------------------------------------------------------------------


@LOOP
def test_a_notice_arrives_before_the_loop_that_ran_only_for_it_has_ended(
    loop: str, served: Served, heard: Heard
) -> None:
    for number in range(10):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(notify("user_profiles", f"sign-up {number}", served.path))
        assert ("notify", "user_profiles", f"sign-up {number}") in heard.told


def test_it_goes_where_the_environment_says(served: Served, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSYNC_SOCKET", str(served.path))
    asyncio.run(notify("quiz_responses"))
    assert heard.next() == ("notify", "quiz_responses", None)


@LOOP
@pytest.mark.parametrize("kind", [*WRONG, "hangs", "full", "refuses", "stops"])
def test_a_notice_that_cannot_be_told_costs_nothing(
    loop: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moneymentor_sync.asgi.notices.NOTICE_SECONDS", SOON)

    async def main() -> None:
        await asyncio.gather(*(notify("user_profiles", socket=nobody(kind, tmp_path)) for _ in range(120)))

    operator = Double()
    operator.raises = ShuttingDownError("stops") if kind == "stops" else TooManyHoldersError("enough")
    if kind == "hangs":
        with hanging(tmp_path / "s"):
            run(loop, main())
    elif kind == "full":
        with full(tmp_path / "s"):
            run(loop, main())
    elif kind in ("refuses", "stops"):
        with serving(tmp_path / "s", operator=operator):
            run(loop, main())
    else:
        run(loop, main())


def test_a_dataset_that_there_is_not_is_told_the_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(notify("nobody", socket=served.path))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    said = record.getMessage().removeprefix("a notice was refused: '").removesuffix("'")
    assert json.loads(said)["error"]["code"] == "unknown_dataset"
