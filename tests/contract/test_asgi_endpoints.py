"""The endpoints in a backend, against the real channel: what its clients get is what the socket gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.websockets import WebSocketDisconnect
from tests.contract.asgi_backend import LOOPS, WRONG, Heard, full, hanging, run, wrong_paths
from tests.contract.control_double import Served, serving

from moneymentor_sync.asgi import RequestPriorityMiddleware, endpoints, sync_endpoints
from moneymentor_sync.asgi.lines import Answer
from moneymentor_sync.asgi.protocol import App, Message, Scope
from moneymentor_sync.core.errors import NothingToSyncError, ShuttingDownError, StateError

Ask = Callable[..., httpx.Response]
ERROR = {"code", "message", "hint"}


async def everybody(scope: Scope) -> bool:
    return True


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("channel") / "s", operator=Heard()) as served:
        yield served


@pytest.fixture
def heard(channel: Served) -> Heard:
    assert isinstance(channel.operator, Heard)
    channel.operator.forget()
    return channel.operator


@pytest.fixture
def served(channel: Served, heard: Heard) -> Served:
    """The same for all of them: it knows nothing of the test before."""
    return channel


def ask(app: App, method: str, path: str, **given: Any) -> httpx.Response:
    """One request, as a server would bring it."""

    async def main() -> httpx.Response:
        raises, root = given.pop("raises", True), given.pop("root", "")
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=raises, root_path=root)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **given)

    return run("asyncio", main())


def starlette(path: Path | str, prefix: str = "/sync") -> Any:
    return Starlette(routes=[Mount(prefix, app=sync_endpoints(authorize=everybody, socket=path))])


def fastapi(path: Path | str, prefix: str = "/sync") -> Any:
    app = FastAPI()
    app.mount(prefix, sync_endpoints(authorize=everybody, socket=path))
    return app


def under_more(path: Path | str) -> Any:
    """As a backend may look: middleware that reads requests its own way around it, and ours."""
    app = fastapi(path)

    async def passing(request: Request, call_next: Callable[[Request], Awaitable[Any]]) -> Any:
        return await call_next(request)

    app.middleware("http")(passing)
    app.add_middleware(RequestPriorityMiddleware, socket=path)
    return app


APPS: dict[str, Callable[[Path | str], Any]] = {"starlette": starlette, "fastapi": fastapi, "more": under_more}
UNDER = pytest.mark.parametrize("under", APPS)

# --- what comes out ---------------------------------------------------------------------------------------


@UNDER
@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("GET", "status", None),
        ("POST", "force", None),
        ("POST", "force", {"datasets": ["user_profiles"], "allow_deletes": True}),
        ("POST", "force", {"datasets": ["nobody"]}),
        ("POST", "force", {"datasets": []}),
        ("POST", "force", {"wait": "yes"}),
        ("POST", "force", {"unknown": 1}),
        ("POST", "enable", {"datasets": ["quiz_responses"]}),
        ("POST", "enable", {}),
        ("POST", "disable", {"reason": "ünterwegs", "for_seconds": 60}),
        ("POST", "disable", {"for_seconds": -1}),
        ("POST", "disable", {"datasets": ["nobody"]}),
        ("POST", "disable", b"{not JSON"),
        ("POST", "disable", b"\xff\xfe"),
        ("POST", "disable", b"[1, 2]"),
    ],
)
def test_a_client_gets_what_the_socket_gives(under: str, method: str, name: str, body: Any, served: Served) -> None:
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    direct, content = served.answer(method, f"/sync/{name}", raw)
    told = list(served.operator.told)
    found = ask(APPS[under](served.path), method, f"/sync/{name}", content=raw)
    assert (found.status_code, found.content) == (direct.status, content)
    assert found.headers["content-type"] == direct.getheader("content-type") == "application/json"
    assert found.headers["content-length"] == str(len(content))
    assert found.headers["cache-control"] == "no-store"
    changes = [one for one in served.operator.told if one[0] not in ("pause", "resume")]
    assert changes == told * 2


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NothingToSyncError("every dataset is disabled"), 409),
        (ShuttingDownError("it stops"), 503),
        (StateError("the disk is full"), 503),
        (ZeroDivisionError("a bug"), 500),
    ],
)
def test_also_what_the_daemon_refuses(error: Exception, status: int, served: Served) -> None:
    served.operator.raises = error
    direct = served.ask("POST", "/sync/force", {})
    found = ask(starlette(served.path), "POST", "/sync/force", json={})
    assert (found.status_code, found.json()) == direct
    assert found.status_code == status


@UNDER
def test_who_waits_for_a_sync_gets_its_result(under: str, served: Served) -> None:
    served.operator.done.set_result({"run_id": "run-1", "ok": True})
    found = ask(APPS[under](served.path), "POST", "/sync/force", json={"wait": True})
    assert (found.status_code, found.json()) == (200, {"run_id": "run-1", "ok": True})


@UNDER
def test_a_body_in_pieces_is_one(under: str, served: Served) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"rea', b"", b'son":', b'"x"}'):
            yield piece

    assert ask(APPS[under](served.path), "POST", "/sync/disable", content=pieces()).status_code == 200
    assert ("disable", None, "x", None) in served.operator.told


def test_head_is_a_status_without_a_body(served: Served) -> None:
    head, get = (ask(starlette(served.path), method, "/sync/status") for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_does_not_get_to_the_daemon(size: int, chunked: bool, served: Served) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(0, size, 1000):
            yield b" " * 1000

    found = ask(starlette(served.path), "POST", "/sync/force", content=pieces() if chunked else b" " * size)
    assert (found.status_code, found.json()["error"]["code"]) == (413, "too_large")
    assert served.operator.told == []


def test_one_that_is_just_not_too_large_does(served: Served) -> None:
    body = b'{"reason":"x"' + b" " * (64 * 1024 - 14) + b"}"
    assert ask(starlette(served.path), "POST", "/sync/disable", content=body).status_code == 200


# --- paths and methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/sync", "/sync/", "/sync/history", "/sync/pause", "/sync/resume", "/sync/notify", "/sync/reload",
     "/sync/status/", "/sync/sync/status", "/sync/status%2f", "/sync//status", "/sync/../healthz"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_else_of_the_channel_is_there(path: str, method: str, served: Served) -> None:
    found = ask(starlette(served.path), method, path, follow_redirects=True)
    assert found.status_code == 404
    assert served.operator.told == []


@pytest.mark.parametrize(
    ("method", "name", "allowed"),
    [
        ("POST", "status", "GET, HEAD"),
        ("DELETE", "status", "GET, HEAD"),
        ("OPTIONS", "status", "GET, HEAD"),
        ("GET", "force", "POST"),
        ("HEAD", "enable", "POST"),
        ("PUT", "disable", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(method: str, name: str, allowed: str, served: Served) -> None:
    found = ask(starlette(served.path), method, f"/sync/{name}")
    assert (found.status_code, found.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert found.json()["error"].keys() == ERROR
    assert served.operator.told == []


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("", "/status"),
        ("/sync", "/sync/status"),
        ("/sync/", "/sync/status"),
        ("/sync", "/status"),
        ("/api/sync", "/api/sync/status"),
        ("/api/sync", "/sync/status"),  # a proxy took `/api` away, and the framework added its mount
        ("/a/b/c/sync", "/c/sync/status"),
        ("/status", "/status/status"),
        ("/sync", "status"),
    ],
)
def test_root_path_may_be_in_front_of_the_path_or_not(root: str, path: str, served: Served) -> None:
    assert asyncio.run(by_hand(served.path, path, root_path=root))[0] == 200


@pytest.mark.parametrize(
    ("root", "path"), [("/sync", "/other/status"), ("/sync", "/syncstatus"), ("/sync", "/synchro/status")]
)
def test_what_only_looks_like_it_is_not_there(root: str, path: str, served: Served) -> None:
    assert asyncio.run(by_hand(served.path, path, root_path=root))[0] == 404


@pytest.mark.parametrize("root", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("prefix", ["/sync", "/admin/sync"])
def test_a_mounted_application_behind_a_proxy(root: str, prefix: str, served: Served) -> None:
    """The proxy takes `root` away and the server says so, or leaves it (uvicorn puts it in front again)."""
    app = fastapi(served.path, prefix)
    assert ask(app, "GET", f"{prefix}/status", root=root).status_code == 200
    assert ask(app, "GET", f"{root}{prefix}/status", root=root).status_code == 200
    outer = Starlette(routes=[Mount(root or "/x", app=starlette(served.path, prefix))])
    assert ask(outer, "GET", f"{root or '/x'}{prefix}/status").status_code == 200


async def by_hand(socket: Path, path: str, authorize: Any = everybody, **scope: Any) -> tuple[int, Any]:
    """Status and body of one request without a framework."""
    sent: list[Message] = []

    async def receive() -> Message:
        if sent or received:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        received.append(True)
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    received: list[bool] = []
    app = sync_endpoints(authorize=authorize, socket=socket)
    await app({"type": "http", "method": "GET", "path": path, **scope}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


# --- who may ----------------------------------------------------------------------------------------------


def test_who_forgets_authorize_is_told_when_the_backend_starts() -> None:
    with pytest.raises(TypeError):
        sync_endpoints()  # type: ignore[call-arg]
    for wrong in (None, True, "everybody"):
        with pytest.raises(TypeError, match="an async function"):
            sync_endpoints(authorize=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("said", [False, None, 1, "yes", {"user": 1}, NotImplemented])
@pytest.mark.parametrize("path", ["/sync/status", "/sync/nothing"])
def test_only_true_lets_in(said: object, path: str, served: Served) -> None:
    async def authorize(scope: Scope) -> bool:
        return said  # type: ignore[return-value]

    app = Starlette(routes=[Mount("/sync", app=sync_endpoints(authorize=authorize, socket=served.path))])
    found = ask(app, "GET", path)
    assert found.status_code == 403
    assert found.json() == {"error": {"code": "not_allowed", "message": "this is not allowed to you", "hint": ""}}


def test_it_is_given_the_scope_and_asked_before_anything_is_read(served: Served) -> None:
    seen: list[Scope] = []

    async def authorize(scope: Scope) -> bool:
        seen.append(scope)
        return dict(scope["headers"]).get(b"authorization") == b"Bearer x"

    app = Starlette(routes=[Mount("/sync", app=sync_endpoints(authorize=authorize, socket=served.path))])
    assert ask(app, "POST", "/sync/force", content=b" " * 100_000).status_code == 403
    assert ask(app, "POST", "/sync/force", headers={"Authorization": "Bearer x"}).status_code == 202
    assert [scope["method"] for scope in seen] == ["POST", "POST"]
    assert [what[0] for what in served.operator.told] == ["force"]


@pytest.mark.parametrize("make", [Starlette, FastAPI])
def test_what_it_raises_is_the_frameworks(make: Callable[[], Any], served: Served) -> None:
    async def authorize(scope: Scope) -> bool:
        if scope["method"] == "GET":
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        raise ZeroDivisionError

    app = make()
    app.mount("/sync", sync_endpoints(authorize=authorize, socket=served.path))
    found = ask(app, "GET", "/sync/status")
    assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")
    assert ask(app, "POST", "/sync/force", raises=False).status_code == 500
    assert served.operator.told == []


def test_a_function_that_is_not_async_lets_nobody_in(served: Served) -> None:
    app = Starlette(
        routes=[Mount("/sync", app=sync_endpoints(authorize=lambda scope: True, socket=served.path))]  # type: ignore[arg-type,return-value]
    )
    assert ask(app, "POST", "/sync/force", raises=False).status_code == 500
    assert served.operator.told == []


# --- nobody answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*WRONG, "hangs", "full"])
@pytest.mark.parametrize(
    ("method", "name", "body"),
    [("GET", "status", b""), ("POST", "force", b""), ("POST", "force", b'{"wait":true}'), ("POST", "enable", b"")],
)
def test_where_nobody_answers_the_answer_is_503(
    kind: str, method: str, name: str, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "ANSWER_SECONDS", 0.02)
    path = tmp_path / "s" if kind in ("hangs", "full") else Path(wrong_paths(tmp_path)[kind])

    def check() -> None:
        found = ask(fastapi(path), method, f"/sync/{name}", content=body)
        assert (found.status_code, found.headers["content-type"]) == (503, "application/json")
        assert found.json()["error"] == {
            "code": "not_running",
            "message": "the sync daemon does not answer",
            "hint": "Start it (`mmsync run`, or `systemctl start mmsync`), or ask again in a moment.",
        }

    if kind == "hangs":
        with hanging(path):
            check()
    elif kind == "full":
        with full(path):
            check()
    else:
        check()


def test_a_sync_that_takes_longer_than_the_daemon_may_be_silent_is_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it answers anything else, it lives."""
    asked: list[str] = []

    class Service:
        async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
            asked.append(path)
            if path == "/sync/force":
                await over.wait()
            elif len(asked) == 4:
                over.set()
            return Answer(200, path.encode(), "text/plain")

    async def main() -> None:
        app = sync_endpoints(authorize=everybody, service=Service())
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.post("/force")).text == "/sync/force"
        assert len(asyncio.all_tasks()) == 1

    over = asyncio.Event()
    monkeypatch.setattr(endpoints, "ANSWER_SECONDS", 0.001)
    run("asyncio", main())
    assert asked == ["/sync/force", "/sync/status", "/sync/status", "/sync/status"]


# --- clients that go away ---------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_that_goes_away_ends_only_its_waiting(loop: str, served: Served, heard: Heard) -> None:
    """More of them than the daemon lets wait at the same time: none is still there."""

    async def one() -> None:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            if not body:
                await asyncio.to_thread(heard.next)  # the daemon waits for the sync
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": body.pop()}

        body = [b'{"wait":true}']
        await app({"type": "http", "method": "POST", "path": "/force"}, receive, send)
        assert sent == []

    async def main() -> None:
        for _ in range(40):
            await one()
        assert len(asyncio.all_tasks()) == 1

    app = sync_endpoints(authorize=everybody, socket=served.path)
    run(loop, main())
    assert [what[0] for what in heard.told] == ["force"] * 40
    heard.done.set_result({"ok": True})
    assert served.ask("POST", "/sync/force", {"wait": True})[0] == 200


def test_one_that_goes_away_in_the_middle_of_its_body_is_not_answered(served: Served) -> None:
    async def main() -> None:
        async def send(message: Message) -> None:
            raise AssertionError(message)

        async def receive() -> Message:
            return messages.pop(0)

        messages: list[Message] = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
        app = sync_endpoints(authorize=everybody, socket=served.path)
        await app({"type": "http", "method": "POST", "path": "/force"}, receive, send)

    run("asyncio", main())
    assert served.operator.told == []


def test_a_request_that_is_cancelled_leaves_nothing_behind(served: Served, heard: Heard) -> None:
    async def main() -> None:
        async def receive() -> Message:
            if not body:
                return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
            return {"type": "http.request", "body": body.pop()}

        async def send(message: Message) -> None:
            raise AssertionError(message)

        body = [b'{"wait":true}']
        app = sync_endpoints(authorize=everybody, socket=served.path)
        request = asyncio.ensure_future(app({"type": "http", "method": "POST", "path": "/force"}, receive, send))
        assert (await heard.hears())[0] == "force"
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert len(asyncio.all_tasks()) == 1

    run("asyncio", main())


# --- other protocols --------------------------------------------------------------------------------------


def test_a_websocket_is_closed(served: Served) -> None:
    client = TestClient(fastapi(served.path))
    with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect("/sync/status"):
        pass
    assert caught.value.code == 1003


def test_alone_under_a_server_it_has_no_lifespan(served: Served) -> None:
    async def never(*_: object) -> Message:
        raise AssertionError

    asyncio.run(sync_endpoints(authorize=everybody)({"type": "lifespan"}, never, never))  # type: ignore[arg-type]
