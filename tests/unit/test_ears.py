"""What every watch has in common: waiting that ends, one word for each reason, and no end by a bug."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest

from moneymentor_sync.adapters.database_listen import DatabaseListener
from moneymentor_sync.adapters.database_version import FileWatch
from moneymentor_sync.adapters.ears import Ears, Waker, WatchThread
from moneymentor_sync.core.daemon_ports import Watch
from moneymentor_sync.core.errors import DatabaseUnreachableError
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring.watch import watches
from tests.daemon_double import Time, config_of
from tests.listeners import Told


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def ears(told: Told) -> Ears:
    return Ears("listen", told.changes.put, told.emit, lambda: 7.0)


def test_waiting_ends_with_the_wake_and_for_good() -> None:
    waker = Waker()
    assert not waker.wait(0.0)
    thread = threading.Thread(target=waker.wake)
    thread.start()
    assert waker.wait(3600.0)
    thread.join()
    assert waker.wait(3600.0), "from then on it does not wait"
    waker.close()
    waker.wake()
    waker.close()


def test_each_reason_is_said_once(ears: Ears, told: Told) -> None:
    gone, other = DatabaseUnreachableError("gone", hint="h"), DatabaseUnreachableError("other", hint="h")
    for error in (gone, gone, other, other):
        ears.lost(error)
    assert [told.events.get_nowait()[1]["message"] for _ in range(2)] == ["gone", "other"]
    assert told.events.empty()
    ears.listening()
    ears.lost(gone)
    assert told.until_said("realtime.lost")["message"] == "gone"
    ears.lost(gone, deaf=True)
    assert ears.hearing.state == "deaf"
    ears.waker.close()


def test_after_the_end_nothing_is_told_or_said(ears: Ears, told: Told) -> None:
    ears.waker.wake()
    ears.heard(frozenset({"a"}))
    ears.missed(None)
    ears.listening()
    assert told.changes.empty()
    assert told.events.empty()
    ears.waker.close()


def test_a_bug_is_told_and_the_watch_goes_on(ears: Ears, told: Told) -> None:
    tries = iter([ValueError("a value of somebody's"), None])
    again = threading.Event()

    def work() -> None:
        error = next(tries)
        if error is not None:
            raise error
        again.set()
        ears.waker.wait(3600.0)

    thread = WatchThread("watch", ears, work, again_seconds=0.0)
    thread.start()
    assert again.wait(30.0)
    said = told.until_said("realtime.lost")
    assert said["message"] == "a bug in mmsync: ValueError"
    assert "test_ears.py:" in said["where"]
    assert "somebody" not in str(said)
    assert thread.stop()


def opened(url: str, *, listen: bool = True) -> Watch | None:
    config = config_of("a")
    config = replace(config, database=replace(config.database, url=url, listen=listen))
    time = Time()
    around = Surroundings(time.clock, time.monotonic, time.advance, random.Random(1))
    watch = watches(around, lambda *_, **__: None)(config, lambda _: None)
    if watch is not None:
        watch.stop()
    return watch


def test_each_kind_of_database_has_its_watch_or_none() -> None:
    assert isinstance(opened("sqlite:////srv/app.db"), FileWatch)
    assert isinstance(opened("postgresql+psycopg://somewhere/app"), DatabaseListener)
    assert opened("postgresql+psycopg://somewhere/app", listen=False) is None
    assert opened("sqlite:////srv/app.db", listen=False) is None
    assert opened("postgresql+pg8000://somewhere/app") is None
    assert opened("mysql+pymysql://somewhere/app") is None
