"""One exchange with the daemon from an event loop, against the real channel and against what is none."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from tests.contract.asgi_backend import LOOPS, WRONG, full, hanging, run, wrong_paths
from tests.contract.control_double import PATIENCE, Served, connect, serving

from moneymentor_sync.asgi import lines
from moneymentor_sync.asgi.lines import Answer, UnansweredError, line_to
from moneymentor_sync.control import async_client
from moneymentor_sync.control.async_client import exchange
from moneymentor_sync.control.limits import Limits

LOOP = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "s") as served:
        yield served


@contextmanager
def answering(path: Path, raw: bytes, *, then_close: bool = True) -> Iterator[None]:
    """A server that gives one client these bytes, whatever it asked."""
    over = threading.Event()

    def serve() -> None:
        with listening.accept()[0] as client:
            client.settimeout(PATIENCE)
            client.recv(65536)
            with suppress(BrokenPipeError):  # who has seen enough hangs up
                client.sendall(raw)
            if not then_close:
                over.wait(PATIENCE)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.settimeout(PATIENCE)
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(PATIENCE)


@LOOP
def test_it_gets_what_the_daemon_says(loop: str, served: Served) -> None:
    async def main() -> tuple[Answer, Answer, Answer]:
        status = await exchange(served.path, "GET", "/sync/status", timeout=PATIENCE)
        changed = await exchange(served.path, "POST", "/sync/disable", b'{"reason":"x"}', timeout=PATIENCE)
        refused = await exchange(served.path, "POST", "/sync/enable", b'{"datasets":["no"]}', timeout=PATIENCE)
        return status, changed, refused

    status, changed, refused = run(loop, main())
    assert status == Answer(200, b'{"is_running":true}', "application/json")
    assert json.loads(changed.body) == {"sync_enabled": False, "datasets": {}}
    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (422, "unknown_dataset")
    assert served.operator.told == [("disable", None, "x", None)]


@LOOP
def test_a_large_answer_comes_whole_and_a_body_of_a_whole_64_kib_arrives(loop: str, served: Served) -> None:
    served.operator.answer = {"text": "ü" * 2_000_000}

    async def main() -> tuple[Answer, Answer]:
        body = b'{"reason":"x"' + b" " * (64 * 1024 - 14) + b"}"
        return (
            await exchange(served.path, "GET", "/sync/status", timeout=PATIENCE),
            await exchange(served.path, "POST", "/sync/disable", body, timeout=PATIENCE),
        )

    large, changed = run(loop, main())
    assert json.loads(large.body) == served.operator.answer
    assert changed.status == 200


@LOOP
@pytest.mark.parametrize("wrong", WRONG)
def test_where_no_daemon_can_be_nobody_answers(loop: str, wrong: str, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(UnansweredError):
            await line_to(wrong_paths(tmp_path)[wrong]).ask("GET", "/sync/status", b"", timeout=PATIENCE)

    run(loop, main())


@LOOP
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"220 mail ESMTP\r\n",
        b"\x00\x01\x02" * 1000,
        b"x" * 500_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_half_an_answer_and_no_http_are_none(loop: str, raw: bytes, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(UnansweredError):
            await exchange(tmp_path / "s", "GET", "/sync/status", timeout=PATIENCE)

    with answering(tmp_path / "s", raw):
        run(loop, main())


def test_an_answer_without_a_length_ends_with_the_connection(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it"
    with answering(tmp_path / "s", raw):
        found = run("asyncio", exchange(tmp_path / "s", "GET", "/metrics", timeout=PATIENCE))
    assert found == Answer(200, b"all of it", "text/plain")


def test_an_answer_without_end_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_client, "MAX_ANSWER_BYTES", 1000)

    async def main() -> None:
        with pytest.raises(UnansweredError):
            await exchange(tmp_path / "s", "GET", "/sync/status", timeout=PATIENCE)

    with answering(tmp_path / "s", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, then_close=False):
        run("asyncio", main())


@LOOP
def test_a_daemon_that_hangs_has_its_time_and_no_more(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(UnansweredError, match="TimeoutError"):
            await exchange(tmp_path / "s", "GET", "/sync/status", timeout=0.01)
        assert len(asyncio.all_tasks()) == 1

    with hanging(tmp_path / "s"):
        run(loop, main())


@LOOP
def test_also_where_it_does_not_even_read_what_it_is_sent(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(UnansweredError, match="TimeoutError"):
            await exchange(tmp_path / "s", "POST", "/sync/force", b"x" * 10_000_000, timeout=0.01)

    with hanging(tmp_path / "s"):
        run(loop, main())


@LOOP
def test_a_daemon_so_stuck_that_nobody_can_connect_is_none(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(UnansweredError):
            await exchange(tmp_path / "s", "GET", "/sync/status", timeout=0.05)

    with full(tmp_path / "s"):
        run(loop, main())


@LOOP
def test_who_gives_up_waiting_closes_the_connection(loop: str, tmp_path: Path) -> None:
    async def main(listening: socket.socket) -> None:
        asking = asyncio.create_task(exchange(tmp_path / "s", "GET", "/sync/status", timeout=None))
        client, _ = await asyncio.to_thread(listening.accept)
        with client:
            client.settimeout(PATIENCE)
            await asyncio.to_thread(client.recv, 65536)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert await asyncio.to_thread(client.recv, 65536) == b""

    with hanging(tmp_path / "s") as listening:
        listening.settimeout(PATIENCE)
        run(loop, main(listening))


def test_a_daemon_without_room_says_so_or_nothing(tmp_path: Path) -> None:
    """It answers and closes before it is asked: what was asked may find the connection closed."""

    async def main() -> None:
        for _ in range(10):
            try:
                found = await exchange(tmp_path / "s", "GET", "/sync/status", timeout=PATIENCE)
                assert found.status == 503
            except UnansweredError:
                pass

    with serving(tmp_path / "s", limits=Limits(connections=1)), ExitStack() as held:
        one = held.enter_context(connect(tmp_path / "s"))
        one.sendall(b"GET /sync/status HTTP/1.1\r\nHost: x\r\n\r\n")
        one.recv(1)
        run("asyncio", main())


# --- where it is ------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without any configuration: a home, and a working directory in it."""
    for name in ("MMSYNC_SOCKET", "MMSYNC_CONFIG", "XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for kept in (lines._looked_up, lines._tell_once):
        kept.cache_clear()
    yield tmp_path
    for kept in (lines._looked_up, lines._tell_once):
        kept.cache_clear()


async def reaches(path: str | None = None) -> int:
    return (await line_to(path).ask("GET", "/sync/status", b"", timeout=PATIENCE)).status


def test_the_environment_names_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSYNC_SOCKET", f"  {home}/s ")
    with serving(home / "s"):
        assert run("asyncio", reaches()) == 200


def test_a_home_directory_may_stand_in_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSYNC_SOCKET", "~/s")
    with serving(home / "s"):
        assert run("asyncio", reaches()) == 200
        assert run("asyncio", reaches("~/s")) == 200


def test_the_file_in_the_working_directory_names_it(home: Path) -> None:
    Path("sync.toml").write_text('[control]\nsocket = "run/s"\n[google]\nspreadsheet_id = 5\n')
    (home / "here" / "run").mkdir(mode=0o700)
    with serving(home / "here" / "run" / "s"):
        assert run("asyncio", reaches()) == 200


def test_so_does_its_env_file(home: Path) -> None:
    Path(".env").write_text(f"MMSYNC_SOCKET={home}/s\n")
    with serving(home / "s"):
        assert run("asyncio", reaches()) == 200


def test_the_runtime_directory_is_where_it_is_else_also_when_it_is_started_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    line = line_to(None)

    async def ask() -> int:
        return (await line.ask("GET", "/sync/status", b"", timeout=PATIENCE)).status

    with pytest.raises(UnansweredError):
        run("asyncio", ask())
    (runtime / "mmsync").mkdir(mode=0o700)
    with serving(runtime / "mmsync" / "control.sock"):
        assert run("asyncio", ask()) == 200


def test_a_configuration_that_is_wrong_is_told_the_log_and_nobody_is_asked(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A backend starts whatever is wrong with the daemon's configuration."""
    Path("sync.toml").write_text("[control\n")

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(UnansweredError, match="is not known"):
                await reaches()

    run("asyncio", main())
    assert len(caplog.records) == 1
    assert "the sync daemon's socket is not known, so it is not asked" in caplog.text


def test_what_was_wrong_when_the_backend_started_may_be_mended_while_it_runs(home: Path) -> None:
    Path("sync.toml").write_text("[control\n")
    line = lines.line_to(None)
    Path("sync.toml").write_text('[control]\nsocket = "s"\n')

    async def main() -> int:
        return (await line.ask("GET", "/sync/status", b"", timeout=10)).status

    with serving(home / "here" / "s"):
        assert run("asyncio", main()) == 200
