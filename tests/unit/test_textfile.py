"""The file for node_exporter: always a whole one, for everybody to read, and never in anybody's way."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.adapters import textfile
from moneymentor_sync.adapters.textfile import Textfile, write
from moneymentor_sync.core.errors import MetricsFileError
from tests.contract.control_double import PATIENCE, Events


def names(directory: Path) -> list[str]:
    return sorted(one.name for one in directory.iterdir())


@pytest.fixture
def umask() -> Iterator[None]:
    """That of the service."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_others_may_read_it_and_it_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "mmsync.prom"
    write(path, "old\n")
    with path.open() as reading:
        write(path, "new\n")
        assert reading.read() == "old\n", "who has begun to read goes on reading the old one"
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["mmsync.prom"]


def test_what_a_crash_left_or_somebody_put_in_its_way_is_replaced_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    (tmp_path / ".mmsync.prom.coming").symlink_to(theirs)
    write(tmp_path / "mmsync.prom", "new\n")
    assert (theirs.read_text(), (tmp_path / "mmsync.prom").read_text()) == ("precious", "new\n")
    assert names(tmp_path) == ["mmsync.prom", "theirs"]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MetricsFileError, match="No such file or directory") as missing:
        write(tmp_path / "none" / "mmsync.prom", "new\n")
    assert "ReadWritePaths" in missing.value.hint
    (tmp_path / "mmsync.prom").mkdir()
    with pytest.raises(MetricsFileError, match="Is a directory"):
        write(tmp_path / "mmsync.prom", "new\n")
    assert names(tmp_path) == ["mmsync.prom"]


class Slow:
    """Renders as a slow disk writes: `begun` counts, and each waits until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, status: dict[str, Any]) -> str:
        self.begun.release()
        assert self.go.acquire(timeout=PATIENCE)
        return f"{status['number']}\n"


def test_a_slow_disk_delays_nobody_and_gets_the_latest(tmp_path: Path) -> None:
    path, slow = tmp_path / "mmsync.prom", Slow()
    file = Textfile(path, slow, lambda status: f"end {status['number']}\n", Events(), lambda: 0.0)
    file.looked({"number": 0})
    assert slow.begun.acquire(timeout=PATIENCE)
    for number in range(1, 100):
        file.looked({"number": number})  # returns, though the first is not written yet
    assert not path.exists()
    slow.go.release()
    assert slow.begun.acquire(timeout=PATIENCE)
    assert path.read_text() == "0\n"
    slow.go.release()
    file.stopped({"number": 100})
    assert path.read_text() == "end 100\n"
    assert not slow.begun.acquire(blocking=False), "98 of them were left out"


def test_a_disk_that_hangs_does_not_keep_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfile, "LAST_SECONDS", 0.01)
    path, slow = tmp_path / "mmsync.prom", Slow()
    file = Textfile(path, slow, slow, Events(), lambda: 0.0)
    file.looked({"number": 0})
    assert slow.begun.acquire(timeout=PATIENCE)
    file.stopped({"number": 1})  # returns
    assert not path.exists()
    slow.go.release(2)
    file._thread.join(PATIENCE)
    assert path.read_text() == "1\n"


def test_nothing_is_written_after_the_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync that hung, and ends when the daemon has said good-bye: it does not run any more."""
    monkeypatch.setattr(textfile, "LAST_SECONDS", 0.01)
    path, slow = tmp_path / "mmsync.prom", Slow()
    file = Textfile(path, lambda _: "up\n", slow, Events(), lambda: 0.0)
    file.stopped({"number": 1})
    assert slow.begun.acquire(timeout=PATIENCE)
    file.looked({"number": 2})
    slow.go.release()
    file._thread.join(PATIENCE)
    file.looked({"number": 3})
    assert path.read_text() == "1\n"


def test_stopped_before_anything_was_told_it_has_its_last_word_too(tmp_path: Path) -> None:
    path = tmp_path / "mmsync.prom"
    Textfile(path, str, lambda _: "end\n", Events(), lambda: 0.0).stopped({})
    assert path.read_text() == "end\n"


def test_what_fails_is_told_once_a_minute_and_it_goes_on(tmp_path: Path) -> None:
    path, events, now = tmp_path / "node" / "mmsync.prom", Events(), [0.0]

    def bug(_status: dict[str, Any]) -> str:
        raise ValueError("a bug")

    file = Textfile(path, str, bug, events, lambda: now[0])
    told = []
    for passed, render in ((0, str), (30, str), (29, bug), (2, str), (61, bug)):
        now[0] += passed
        file._write(render, {})
        told.append([fields["error"] for _, fields in events.seen])
        events.seen.clear()
    assert told == [["metrics_file"], [], [], ["metrics_file"], ["ValueError"]]
    path.parent.mkdir()
    file.stopped({})  # its own thread, with a bug in the last word: it ends all the same
    assert not path.exists()
    file._write(str, {})
    assert path.read_text() == "{}"
