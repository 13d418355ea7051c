"""Metrics of the real command: a port, and a file that never says what is not so."""

from __future__ import annotations

import http.client
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.prometheus import MISSING, free_port, promtool
from tests.unit.test_metrics import samples

from .test_daemon import PATIENCE, House

NONE: frozenset[tuple[str, str]] = frozenset()
PROFILES = frozenset({("dataset", "user_profiles")})


class Metered(House):
    """A house with metrics in a file, and with a port of its own where one is asked for."""

    def __init__(self, folder: Path, box: Sandbox) -> None:
        super().__init__(folder, box)
        self.file = folder / "node" / "mmsync.prom"
        self.measure(textfile="node/mmsync.prom")

    def measure(self, **metrics: Any) -> None:
        self.configure(health_check_interval=1)
        lines = "\n".join(f'{name} = "{value}"' for name, value in metrics.items())
        self.config.write_text(f"{self.config.read_text()}[metrics]\n{lines}\n")

    def told(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What the file says, nothing where there is none."""
        return samples(self.file.read_text()) if self.file.exists() else {}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Metered]:
    (tmp_path / "h").mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        made = Metered(tmp_path / "h", box)
        try:
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.process.kill()
                made.process.wait(PATIENCE)


def test_the_file_follows_the_daemon_from_its_start_to_its_end(house: Metered) -> None:
    house.file.parent.mkdir()
    house.start()
    done = ("mmsync_dataset_syncs_total", frozenset({("dataset", "user_profiles"), ("result", "synced")}))
    house.until(lambda: house.told().get(done) == 1, "the first sync is in the file")
    assert house.told()["mmsync_up", NONE] == 1
    assert house.told()["mmsync_dataset_rows", PROFILES] == 30
    assert house.file.stat().st_mode & 0o777 == 0o644
    written = house.told()["mmsync_textfile_written_timestamp_seconds", NONE]
    checked = ("mmsync_last_check_timestamp_seconds", NONE)
    house.until(lambda: house.told().get(checked, 0.0) > written, "so is a health check after it")
    assert house.end() == 0
    ended = house.told()
    assert ended["mmsync_up", NONE] == 0
    assert ended["mmsync_dataset_last_success_timestamp_seconds", PROFILES] > written - PATIENCE
    assert not {name for name, _ in ended if "health" in name}
    if not MISSING:
        assert promtool("check", "metrics", given=house.file.read_text()).returncode == 0
    assert [one.name for one in house.file.parent.iterdir()] == ["mmsync.prom"]


def test_killed_it_leaves_a_file_that_grows_old(house: Metered) -> None:
    house.file.parent.mkdir()
    house.start()
    house.until(lambda: house.told().get(("mmsync_dataset_rows", PROFILES)) == 30, "the first sync is in the file")
    house.kill()
    left = house.file.read_text()
    assert samples(left)["mmsync_up", NONE] == 1
    assert house.command("sync").returncode == 0, "made by hand: no daemon runs"
    by_hand = house.told()
    assert ("mmsync_up", NONE) not in by_hand
    assert by_hand["mmsync_dataset_rows", PROFILES] == 30
    assert by_hand["mmsync_dataset_stale_after_seconds", PROFILES] == 7200, "twice its interval"


def test_without_its_directory_it_syncs_says_so_and_goes_on_when_it_is_there(house: Metered) -> None:
    shown = house.command("check").stdout
    assert "metrics textfile" in shown and "there is no directory" in " ".join(shown.split())
    by_hand = house.command("sync")
    assert (by_hand.returncode, "No such file or directory" in by_hand.stderr) == (0, True)
    house.start()
    house.synced()
    house.until(lambda: house.events("metrics.unwritten"), "it is logged")
    (line,) = house.events("metrics.unwritten")
    assert (line["level"], "ReadWritePaths" in line["hint"]) == ("warning", True)
    house.file.parent.mkdir()
    house.until(house.told, "the next health check writes it")
    assert "can be written" in house.command("check").stdout
    assert house.end() == 0


def test_a_sync_by_hand_leaves_the_file_to_a_daemon_that_runs(house: Metered) -> None:
    house.file.parent.mkdir()
    house.start()
    house.synced()
    house.until(house.told, "the daemon has written it")
    assert house.command("sync").returncode == 0
    assert house.told()["mmsync_up", NONE] == 1
    assert house.end() == 0


def test_a_port_that_is_taken_is_said_at_the_start_and_by_check(house: Metered) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        house.measure(listen=f"127.0.0.1:{number}")
        process = house.start(wait=False)
        assert process.wait(PATIENCE) == 78
        said = house.log.read_text()
        assert f"metrics.listen: 127.0.0.1:{number} cannot be had: Address already in use" in said
        assert "Traceback" not in said
        assert not house.socket.exists()
        other.close()
    number = free_port()
    house.measure(listen=f"127.0.0.1:{number}")
    assert f"127.0.0.1:{number} is free" in house.command("check").stdout
    house.start()
    assert f"127.0.0.1:{number} answers: a daemon has it" in " ".join(house.command("check").stdout.split())
    house.measure(listen="127.0.0.1:1")
    assert "metrics.listen" in house.command("reload").stdout
    asking = http.client.HTTPConnection("127.0.0.1", number, timeout=PATIENCE)
    asking.request("GET", "/metrics")
    assert samples(asking.getresponse().read().decode())["mmsync_up", NONE] == 1
    asking.close()
    assert house.end(signal.SIGINT) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", number), 5)


def test_check_tells_of_somebody_else_on_the_port(house: Metered) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        house.measure(listen=f"127.0.0.1:{other.getsockname()[1]}")
        checked = house.command("check")
    assert checked.returncode == 1
    assert "Address already in use" in checked.stdout


def test_a_file_that_node_exporter_would_not_read_is_refused(house: Metered) -> None:
    house.measure(textfile="node/mmsync.txt")
    refused = house.command("check")
    assert refused.returncode == 1
    assert "metrics.textfile: 'mmsync.txt' does not end in .prom" in " ".join(refused.stdout.split())
