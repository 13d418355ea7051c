"""BackgroundSyncService: its life in somebody else's event loop, between the sample database and the sandbox."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import logging
import os
import socket
import threading

import pytest

from moneymentor_sync import BackgroundSyncService
from moneymentor_sync.adapters.google_reader import ReadSizes
from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import (
    ConfigError,
    NotRunningError,
    StateError,
)
from moneymentor_sync.embedded import thread as thread_module
from moneymentor_sync.sandbox import Sandbox
from tests.integration.embedded_house import (
    PATIENCE,
    House,
    Stopped,
    has_the_contracts_keys,
    named_threads,
    run,
)


def test_it_syncs_from_start_to_stop(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        result = await service.force_sync_now()
        assert result["ok"]
        assert {one["name"] for one in result["datasets"]} == {"user_profiles", "course_statistics"}
        status = service.get_sync_status()
        assert (status["is_running"], status["health"]["level"], status["pid"]) == (True, "healthy", os.getpid())
        assert status["next_sync_in_seconds"] > 3000
        await service.stop_background_sync()
        assert named_threads() == set()

    run(main())
    assert len(house.emails()) == 12
    assert not list(house.folder.glob("**/*.sock"))


def test_it_starts_again_and_again(house: House) -> None:
    async def main() -> None:
        service = house.service()
        for times in range(1, 4):
            await service.start_background_sync()
            await service.force_sync_now()
            assert service.get_sync_status()["statistics"]["total_syncs"] >= times
            await service.stop_background_sync()
            assert not service.get_sync_status()["is_running"]

    run(main())


def test_in_one_loop_after_the_other(house: House) -> None:
    service = house.service()

    async def start() -> None:
        await service.start_background_sync()
        await service.answer("GET", "/sync/status", b"", timeout=PATIENCE)

    async def ask() -> None:
        assert (await service.force_sync_now())["ok"]
        assert (await service.answer("GET", "/sync/status", b"", timeout=PATIENCE)).status == 200

    run(start())
    run(ask())
    run(service.stop_background_sync())
    assert named_threads() == set()


def test_started_twice_it_runs_once(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await asyncio.gather(*(service.start_background_sync() for _ in range(3)))
        assert service.get_sync_status()["is_running"]
        await service.start_background_sync()
        assert len([one for one in threading.enumerate() if one.name == "mmsync"]) == 1
        await asyncio.gather(*(service.stop_background_sync() for _ in range(3)))
        await service.stop_background_sync()
        assert named_threads() == set()

    run(main())


def test_started_while_it_is_ending_it_runs_again(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        ending = asyncio.create_task(service.stop_background_sync())
        await asyncio.sleep(0)
        await service.start_background_sync()
        await ending
        assert service.get_sync_status()["is_running"]
        assert (await service.force_sync_now())["ok"]
        await service.stop_background_sync()

    run(main())


def test_stopped_before_it_stands_it_ends_in_order(house: House) -> None:
    async def main() -> None:
        service = house.service()
        starting = asyncio.create_task(service.start_background_sync())
        await asyncio.sleep(0)
        await service.stop_background_sync()
        await starting
        assert not service.get_sync_status()["is_running"]
        assert named_threads() == set()

    run(main())


def test_a_start_that_is_given_up_leaves_nothing_running(house: House) -> None:
    async def main() -> None:
        service = house.service()
        starting = asyncio.create_task(service.start_background_sync())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await service.stop_background_sync()
        assert named_threads() == set()
        await service.start_background_sync()
        assert service.get_sync_status()["is_running"]
        await service.stop_background_sync()

    run(main())


def test_a_second_start_that_is_given_up_does_not_end_the_first(house: House) -> None:
    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        again = asyncio.create_task(service.start_background_sync())
        await asyncio.sleep(0)
        again.cancel()
        await asyncio.wait((again,))
        assert (await service.force_sync_now())["ok"]
        await service.stop_background_sync()

    run(main())


def test_a_stop_that_is_given_up_ends_it_all_the_same(house: House) -> None:
    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        stopping = asyncio.create_task(service.stop_background_sync())
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        google.go()
        await service.stop_background_sync()
        assert named_threads() == set()

    run(main())


def test_stop_waits_for_the_batch_under_way_and_no_longer(house: House) -> None:
    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        stopping = asyncio.create_task(service.stop_background_sync())
        await asyncio.sleep(0)
        while not service.get_sync_status()["stopping"]:
            await asyncio.sleep(0.001)
        has_the_contracts_keys(service.get_sync_status())
        assert not stopping.done()
        google.go()
        await stopping
        assert service.get_sync_status()["health"]["reason"] == "the daemon is not running; it was stopped"

    run(main())


def test_a_sync_that_does_not_end_is_left_after_its_time(house: House) -> None:
    async def main() -> None:
        service, google = house.service(settings={"sync.stop_timeout_seconds": 0.1}), Stopped(house.box)
        await service.start_background_sync()
        await google.reached()
        await service.stop_background_sync()
        assert not service.get_sync_status()["is_running"]
        google.go()
        for one in threading.enumerate():
            if one.name == "worker":
                await asyncio.to_thread(one.join, PATIENCE)

    run(main())


def test_a_life_that_breaks_is_told_and_can_be_started_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bool:
        raise ZeroDivisionError

    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        assert service._thread is not None
        with monkeypatch.context() as patch:
            patch.setattr("moneymentor_sync.embedded.thread._Channel.look", broken)
            await asyncio.wrap_future(service._thread.ended)
        has_the_contracts_keys(service.get_sync_status())
        assert not service.get_sync_status()["is_running"]
        with pytest.raises(NotRunningError):
            service.enable_sync()
        await service.start_background_sync()
        assert (await service.force_sync_now())["ok"]
        await service.stop_background_sync()

    monkeypatch.setattr("moneymentor_sync.daemon.life.LOOK_SECONDS", 0.01)
    run(main())
    (record,) = [one for one in caplog.records if one.getMessage().startswith("service.failed")]
    assert (record.levelname, record.mmsync["exception_type"]) == ("ERROR", "ZeroDivisionError")  # type: ignore[attr-defined]


def test_a_wrong_configuration_is_said_when_it_is_started(house: House) -> None:
    house.file.write_text("[google]\nspreadsheet_id = 5\n")

    async def main() -> None:
        service = house.service()
        for _ in range(2):
            with pytest.raises(ConfigError):
                await service.start_background_sync()
            with pytest.raises(ConfigError):
                service.get_sync_status()
            await service.stop_background_sync()

    run(main())


def test_so_is_a_database_url_that_opens_nothing(house: House) -> None:
    async def main() -> None:
        service = house.service(settings={"database.url": "nosuch://x"})
        with pytest.raises(ConfigError):
            await service.start_background_sync()
        await service.stop_background_sync()

    run(main())


def test_so_is_a_state_file_that_cannot_be(house: House) -> None:
    (house.folder / "state").write_text("a file")

    async def main() -> None:
        service = house.service()
        with pytest.raises(StateError):
            await service.start_background_sync()
        await service.stop_background_sync()
        (house.folder / "state").unlink()
        await service.start_background_sync()
        assert (await service.force_sync_now())["ok"]
        await service.stop_background_sync()

    run(main())


def test_of_two_on_one_state_file_one_stands_by_and_takes_over(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        first, second = house.service(), house.service()
        await first.start_background_sync()
        await second.start_background_sync()
        status = second.get_sync_status()
        has_the_contracts_keys(status)
        assert (status["is_running"], status["health"]["level"]) == (False, "stopped")
        assert status["health"]["reason"] == ("another process syncs with this state file; this one stands by")
        with pytest.raises(NotRunningError):
            await second.force_sync_now()
        second.pause_for_requests()
        second.resume_after_requests()
        assert (await first.force_sync_now())["ok"]
        await first.stop_background_sync()
        while not second.get_sync_status()["is_running"]:
            await asyncio.sleep(0.001)
        assert (await second.force_sync_now())["ok"]
        await second.stop_background_sync()

    with caplog.at_level(logging.INFO):
        run(main())
    assert len([one for one in caplog.records if one.getMessage().startswith("service.standing_by")]) == 1


def test_one_that_stands_by_ends_when_it_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        first = house.service()
        second = BackgroundSyncService(file=house.file, stand_by_seconds=PATIENCE)
        await first.start_background_sync()
        await second.start_background_sync()
        await second.stop_background_sync()
        assert first.get_sync_status()["is_running"]
        await first.stop_background_sync()

    run(main())
    assert thread_module.STAND_BY_SECONDS == 5


def test_it_is_gentle_to_the_program_around_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """No full garbage collection during a sync, and small reads: both would stop the program's event loop."""
    monkeypatch.setattr("moneymentor_sync.adapters.google_reader.SMALL_READS", ReadSizes(whole=100, part=100))

    async def main() -> None:
        service, google = house.service(), Stopped(house.box)
        before = gc.get_threshold()
        await service.start_background_sync()
        await google.reached()
        assert gc.get_threshold()[2] > 1_000_000
        google.go()
        result = await service.force_sync_now(["user_profiles"])
        assert gc.get_threshold() == before
        assert result["datasets"][0]["reads"] > 2
        await service.stop_background_sync()

    run(main())


def test_one_that_stands_by_asks_the_one_that_syncs(house: House) -> None:
    """So it does not matter which of several workers gets a request; `mmsync status` finds it, too."""

    async def main() -> None:
        first, second = house.service(), house.service()
        await first.start_background_sync()
        await second.start_background_sync()
        assert not second.get_sync_status()["is_running"]
        answer = await second.answer("POST", "/sync/disable", b"{}", timeout=PATIENCE)
        assert (answer.status, json.loads(answer.body)["sync_enabled"]) == (200, False)
        assert not first.get_sync_status()["sync_enabled"]
        body = b'{"holder":"a request","ttl_seconds":10}'
        assert (await second.answer("POST", "/sync/pause", body, timeout=PATIENCE)).status == 200
        assert first.get_sync_status()["paused_for_requests"]
        seen = await asyncio.to_thread(ControlClient(house.folder / "control.sock").status)
        assert seen["is_running"]
        await second.stop_background_sync()
        await first.stop_background_sync()
        assert not (house.folder / "control.sock").exists()

    run(main())


def test_without_its_socket_it_syncs_all_the_same(house: House, caplog: pytest.LogCaptureFixture) -> None:
    (house.folder / "control.sock").mkdir()

    async def main() -> None:
        service = house.service()
        await service.start_background_sync()
        assert (await service.force_sync_now())["ok"]
        await service.stop_background_sync()

    run(main())
    assert "service.unreachable" in caplog.text


def test_its_metrics_are_on_a_port_and_in_a_file_and_a_port_that_is_taken_ends_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    file, without = house.folder / "mmsync.prom", house.file.read_text()

    def asked(number: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", number, timeout=PATIENCE)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    async def main(number: int) -> str:
        service = house.service()
        await service.start_background_sync()
        assert (await service.force_sync_now())["ok"]
        found = await asyncio.to_thread(asked, number)
        await service.stop_background_sync()
        return found

    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = probe.getsockname()[1]
    house.file.write_text(f'{without}[metrics]\nlisten = "127.0.0.1:{number}"\ntextfile = "{file}"\n')
    assert 'mmsync_dataset_rows{dataset="user_profiles"} 12.0' in run(main(number))
    assert "\nmmsync_up 0.0\n" in file.read_text()
    assert "service.unreachable" not in caplog.text
    with Sandbox(house.folder / "other") as other:  # somebody else who speaks HTTP
        taken = int(other.url.rpartition(":")[2])
        house.file.write_text(f'{without}[metrics]\nlisten = "127.0.0.1:{taken}"\n')
        assert "mmsync_up" not in run(main(taken))
    assert f"127.0.0.1:{taken} cannot be had" in caplog.text
