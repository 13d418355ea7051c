"""BackgroundSyncService: what it is asked, what it answers and tells, and its settings."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moneymentor_sync import SyncConfig
from moneymentor_sync.asgi import RequestPriorityMiddleware, notify, sync_endpoints
from moneymentor_sync.control.async_client import UnansweredError
from moneymentor_sync.control.operator import Operator
from moneymentor_sync.core.errors import (
    NotRunningError,
    ShuttingDownError,
    UnknownDatasetError,
)
from tests.contract.control_double import serving
from tests.integration.embedded_house import (
    PATIENCE,
    House,
    Stopped,
    has_the_contracts_keys,
    named_threads,
    run,
    waits_for,
)


def test_a_forced_sync_says_what_failed(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        await service.force_sync_now()
        house.database.unlink()
        result = await service.force_sync_now(["user_profiles"])
        assert not result["ok"]
        assert [one["name"] for one in result["datasets"]] == ["user_profiles"]
        assert result["error"].startswith("user_profiles: ")
        with pytest.raises(UnknownDatasetError):
            await service.force_sync_now(["nobody"])
        status = service.get_sync_status()
        has_the_contracts_keys(status)
        assert status["statistics"]["consecutive_failures"] == 1
        await service.stop_background_sync()

    run(main())


def test_one_that_waits_for_another_when_it_is_stopped_is_told(house: House) -> None:
    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        waiting = [asyncio.create_task(service.force_sync_now()) for _ in range(3)]
        body = b'{"wait":true}'
        asked = asyncio.create_task(service.answer("POST", "/sync/force", body, timeout=None))
        while not waits_for(service, 4):
            await asyncio.sleep(0.001)
        stopping = asyncio.create_task(service.stop_background_sync())
        for one in waiting:
            with pytest.raises(ShuttingDownError):
                await one
        assert (await asked).status == 503
        assert not stopping.done()
        google.go()
        await stopping

    run(main())


def test_who_gives_up_waiting_for_one_ends_only_the_waiting(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        patient, impatient = (asyncio.create_task(service.force_sync_now()) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        google.go()
        assert (await patient)["ok"]
        await service.stop_background_sync()

    run(main())
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def test_switches_survive_a_restart(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        await service.force_sync_now()
        assert service.disable_sync(["user_profiles"])["datasets"] == {
            "user_profiles": False,
            "course_statistics": True,
        }
        assert not service.disable_sync(reason="holidays")["sync_enabled"]
        await service.stop_background_sync()
        assert not service.get_sync_status()["sync_enabled"]
        again = house.service()
        await again.start_background_sync()
        status = again.get_sync_status()
        assert (status["sync_enabled"], status["next_sync_in_seconds"]) == (False, None)
        assert status["switch"]["reason"] == "holidays"
        assert again.enable_sync()["sync_enabled"]
        assert again.enable_sync(["user_profiles"])["datasets"]["user_profiles"]
        await again.stop_background_sync()

    run(main())


def test_a_pause_holds_the_sync_off_until_as_many_resumed(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        await service.force_sync_now()
        seen = []
        for act in (
            service.pause_for_requests, service.pause_for_requests, service.resume_after_requests,
            service.resume_after_requests, service.resume_after_requests, service.pause_for_requests,
        ):  # fmt: skip
            act()
            seen.append(service.get_sync_status()["paused_for_requests"])
        assert seen == [True, True, True, False, False, True]
        await service.stop_background_sync()

    run(main())


def test_a_pause_whose_end_never_came_holds_no_other_up(house: House) -> None:
    """Each ends by itself after its minute; here the first one's has passed."""

    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        service.pause_for_requests()  # by a request that was lost
        holds = service.get_sync_status()["holds"]
        assert 0 < holds[0]["expires_in_seconds"] <= 60
        service._running().resume(holds[0]["holder"], by=None)
        service.pause_for_requests()
        assert service.get_sync_status()["paused_for_requests"]
        service.resume_after_requests()
        assert not service.get_sync_status()["paused_for_requests"]
        await service.stop_background_sync()

    run(main())


def test_of_pauses_that_overlap_the_youngest_is_given_back_last(house: House) -> None:
    """Each lasts a minute at most: were it the oldest, the sync would go on during the other's request."""

    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        service.pause_for_requests()
        (first,) = service.get_sync_status()["holds"]
        service.pause_for_requests()
        service.resume_after_requests()
        (left,) = service.get_sync_status()["holds"]
        assert left["holder"] != first["holder"]
        await service.stop_background_sync()

    run(main())


def test_no_number_of_pauses_is_an_error(house: House) -> None:
    async def main() -> None:
        service = house.service()
        service.pause_for_requests()  # before it runs, and after
        service.resume_after_requests()
        await service.start_background_sync()
        for _ in range(1_100):
            service.pause_for_requests()
        for _ in range(1_200):
            service.resume_after_requests()
        assert not service.get_sync_status()["paused_for_requests"]
        await service.stop_background_sync()
        service.pause_for_requests()

    run(main())


def test_what_is_asked_of_one_that_does_not_run(house: House) -> None:
    service = house.service()
    for ask in (service.enable_sync, service.disable_sync):
        with pytest.raises(NotRunningError, match="does not sync in this process"):
            ask()
    with pytest.raises(NotRunningError):
        run(service.force_sync_now())
    with pytest.raises(UnansweredError):
        run(service.answer("GET", "/sync/status", b"", timeout=1))
    run(service.stop_background_sync())


def test_a_status_before_the_first_start_has_everything_and_makes_nothing(house: House) -> None:
    status = house.service().get_sync_status()
    has_the_contracts_keys(status)
    assert status["config"]["interval_seconds"] == 3600
    assert [one["name"] for one in status["datasets"]] == ["user_profiles", "course_statistics"]
    assert (status["is_running"], status["statistics"]["health_status"]) == (False, "stopped")
    assert status["health"]["hint"] == "Start it with `await service.start_background_sync()`."
    assert not house.state.parent.exists()


def test_a_status_has_everything_in_every_state(house: House) -> None:
    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        status = service.get_sync_status()
        assert status["sync_in_progress"]
        has_the_contracts_keys(status)
        google.go()
        await service.force_sync_now()
        has_the_contracts_keys(service.get_sync_status())
        await service.stop_background_sync()
        has_the_contracts_keys(service.get_sync_status())
        # What another process finds, too.
        has_the_contracts_keys(house.service().get_sync_status())

    run(main())


def test_its_answers_are_those_of_the_socket(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        await service.force_sync_now()
        operator: Operator = service._running()
        with serving(house.folder / "s", operator=operator) as served:  # type: ignore[arg-type]
            for method, target, body in (
                ("GET", "/healthz", b""),
                ("POST", "/sync/pause", b'{"holder":"x","ttl_seconds":"y"}'),
                ("POST", "/sync/resume", b'{"holder":"x"}'),
                ("POST", "/sync/notify", b'{"dataset":"user_profiles"}'),
                ("POST", "/sync/notify", b'{"dataset":"nobody"}'),
                ("POST", "/sync/disable", b'{"datasets":["course_statistics"]}'),
                ("POST", "/sync/enable", b'{"datasets":["nobody"]}'),
                ("POST", "/sync/force", b'{"datasets":["nobody"]}'),
                ("POST", "/sync/force", b"{nothing"),
                ("GET", "/sync/force", b""),
                ("HEAD", "/healthz", b""),
                ("GET", "/nowhere", b""),
                ("GET", "/sync/history", b""),
            ):
                answer, raw = await asyncio.to_thread(served.answer, method, target, body)
                mine = await service.answer(method, target, body, timeout=PATIENCE)
                assert (mine.status, mine.content_type) == (answer.status, answer.getheader("content-type", ""))
                assert mine.body == raw or method == "HEAD", target
            _, raw = await asyncio.to_thread(served.answer, "GET", "/sync/status")
            mine = await service.answer("GET", "/sync/status", b"", timeout=PATIENCE)
            assert json.loads(raw).keys() == json.loads(mine.body).keys() == service.get_sync_status().keys()
        forced = await service.answer("POST", "/sync/force", b'{"wait":true}', timeout=None)
        assert (forced.status, json.loads(forced.body)["ok"]) == (200, True)
        await service.stop_background_sync()

    run(main())


def test_a_bug_is_answered_as_the_socket_does_and_logged(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        with monkeypatch.context() as patch:
            patch.setattr(type(service._running()), "notify", broken)
            found = await service.answer("POST", "/sync/notify", b'{"dataset":"x"}', timeout=PATIENCE)
        assert (found.status, json.loads(found.body)["error"]["code"]) == (500, "internal")
        await service.stop_background_sync()

    run(main())
    assert [one for one in caplog.records if one.getMessage().startswith("control.failed")]


def test_an_answer_that_takes_too_long_is_none_and_who_gives_up_is_cancelled(house: House) -> None:
    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        with pytest.raises(UnansweredError, match="in time"):
            await service.answer("POST", "/sync/force", b'{"wait":true}', timeout=0.01)
        asked = asyncio.create_task(service.answer("POST", "/sync/force", b'{"wait":true}', timeout=None))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        google.go()
        await service.stop_background_sync()

    run(main())


# --- in a backend -----------------------------------------------------------------------------------------


def test_a_backend_with_everything_in_one_process(house: House) -> None:
    service = house.service()

    async def everybody(scope: object) -> bool:
        return True

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start_background_sync()
        yield
        await service.stop_background_sync()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(RequestPriorityMiddleware, service=service, resume_after=60)
    app.mount("/sync", sync_endpoints(authorize=everybody, service=service))

    @app.get("/sign-up")
    async def sign_up() -> bool:
        await notify("user_profiles", "sign-up", service=service)
        return bool(service.get_sync_status()["is_running"])

    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/sign-up").json() is True
            assert client.post("/sync/force", json={"wait": True}).json()["ok"]
            status = client.get("/sync/status").json()
            assert status["paused_for_requests"]
            assert client.post("/sync/disable", json={}).json()["sync_enabled"] is False
            assert client.post("/sync/enable").json()["sync_enabled"] is True
    assert named_threads() == set()
    with TestClient(FastAPI(routes=app.routes)) as client:
        assert client.get("/sync/status").status_code == 503
    assert len(house.emails()) == 12


# --- what it tells ----------------------------------------------------------------------------------------


def test_its_log_is_the_programs_without_secrets(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        service = house.service(
            settings={"database.url": "postgresql://me:hunter2@127.0.0.1:1/app?connect_timeout=1"}
        )
        await service.start_background_sync()
        assert not (await service.force_sync_now())["ok"]
        await service.stop_background_sync()

    with caplog.at_level(logging.DEBUG):
        run(main())
    ours = [one for one in caplog.records if one.name == "moneymentor_sync"]
    events = [one.mmsync["event"] for one in ours]  # type: ignore[attr-defined]
    assert {"daemon.started", "sync.finished", "dataset.failed", "daemon.stopping", "daemon.stopped"} <= {*events}
    assert all(one.getMessage().startswith(one.mmsync["event"]) for one in ours)  # type: ignore[attr-defined]
    said = "\n".join(f"{one.getMessage()} {one.__dict__}" for one in caplog.records)
    for secret in ("hunter2", "PRIVATE KEY", "ya29."):
        assert secret not in said


def test_nothing_else_of_it_fills_the_programs_log(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A heartbeat every few seconds is nobody's news."""

    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        assert (await service.force_sync_now())["ok"]
        beaten = threading.Event()
        assert service._thread is not None
        assert service._thread.daemon is not None
        heart = service._thread.daemon.heart
        beat = heart.beat

        def noted(part: str) -> None:
            beat(part)
            if part == "scheduler":
                beaten.set()

        monkeypatch.setattr(heart, "beat", noted)
        assert await asyncio.to_thread(beaten.wait, PATIENCE)
        await service.stop_background_sync()

    monkeypatch.setattr("moneymentor_sync.daemon.life.BEAT_SECONDS", 0.01)
    with caplog.at_level(logging.INFO):
        run(main())
    # A warning is news: on a slow machine so many heartbeats a second overtake each other.
    assert {one.name for one in caplog.records if one.levelno < logging.WARNING} == {"moneymentor_sync"}


# --- its settings -----------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without any configuration."""
    for name in list(os.environ):
        if name.startswith(("MMSYNC_", "SYNC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_settings_and_their_defaults(bare: Path) -> None:
    config = SyncConfig()
    assert (config.interval_seconds, config.max_retries, config.retry_delay_seconds) == (300, 3, 5)
    assert (config.max_consecutive_failures, config.health_check_interval) == (5, 60)
    assert (config.enable_course_stats, config.enable_user_profiles) == (True, True)
    assert config.overrides() == {}
    assert config == SyncConfig(interval_seconds=300)
    assert hash(config) == hash(SyncConfig(interval_seconds=300))
    assert "given" not in repr(config)


@pytest.mark.parametrize("where", ["config", "settings"])
def test_only_what_was_given_comes_before_the_file(house: House, where: str) -> None:
    """The rest of a SyncConfig is what its process found elsewhere, and not what the service's file says."""
    config = SyncConfig(max_retries=7, enable_course_stats=False)
    service = house.service(config, {} if where == "config" else {"sync.max_retries": 8})
    found = service.get_sync_status()["config"]
    assert found["max_retries"] == (7 if where == "config" else 8)
    assert (found["interval_seconds"], found["enable_course_stats"]) == (3600, False)


PROGRAM = """
import sys
import moneymentor_sync
loaded = [name for name in sys.modules if name.startswith("moneymentor_sync.")]
print(loaded, sorted(name for name in ("asyncio", "sqlalchemy", "starlette", "msgspec") if name in sys.modules))
from moneymentor_sync import BackgroundSyncService, SyncConfig
print(BackgroundSyncService.__name__, SyncConfig.__name__)
try:
    moneymentor_sync.nothing
except AttributeError as error:
    print(error)
"""


def test_the_service_is_loaded_when_it_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout.splitlines() == [
        "[] []",
        "BackgroundSyncService SyncConfig",
        "module 'moneymentor_sync' has no attribute 'nothing'",
    ]
