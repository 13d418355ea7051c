"""`mmsync run` killed with -9: at every write of a sync, and at moments that chance chooses."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault
from tests.fork_server import ForkServer
from tests.integration.spreadsheet_states import Recorder
from tests.integration.stages import Delay
from tests.soak.kills import (
    BIG,
    PEOPLE,
    SMALL_BODY,
    START,
    Judge,
    Scene,
    changed,
    differences,
    kill_again_and_again,
)

Fate = Literal["lost", "applied", "late"]
"""What becomes of the write under way: it never arrives, it was carried out, or it is after the next sync."""
PATIENCE = 60.0


class Place:
    """A scene with one sync ahead, and where its daemon can be killed."""

    def __init__(self, scene: Scene, delay: Delay, *, first: bool) -> None:
        self.scene, self.delay, self.first = scene, delay, first
        scene.fill(START)
        if not first:
            scene.sync()
            scene.write_notes()
            scene.sync()
        scene.keep()
        if not first:
            scene.fill(changed(START, random.Random(5), 3))
        self.writes = self._writes()

    def _writes(self) -> list[int]:
        """The numbers of the requests that write, in a life of the daemon that nothing befalls."""
        scene = self.scene
        recorded, _ = scene.noted()
        scene.box.log.reset()
        pid = scene.start()
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.02)):
            if scene.noted()[0] > recorded:
                break
            pause.wait(0.02)
        entries = scene.box.log.entries
        scene.kill(pid)
        assert differences(scene) == []
        return [number for number, entry in enumerate(entries, start=1) if entry.kind == "write"]

    def killed_at(self, ordinal: int, fate: Fate) -> Judge:
        """A life that ends at its n-th write, the sync that makes up for it, and every state that was seen."""
        scene, box = self.scene, self.scene.box
        scene.rewind()
        recorder = Recorder(box, box.spreadsheet_id).start()
        number = self.writes[ordinal - 1]
        dead = threading.Event()
        born = threading.Event()
        arrived, made = [0], [0]
        pid = 0

        def kill() -> None:
            born.wait(PATIENCE)
            scene.kill(pid)
            dead.set()

        def before(_request: object) -> None:
            arrived[0] += 1
            if arrived[0] == number and fate != "applied":
                kill()

        def after(*_change: object) -> None:
            made[0] += 1
            if made[0] == ordinal and fate == "applied":
                kill()

        box.hooks.on_arrival(before)
        box.hooks.on_change(after)
        self.delay.hold()
        if fate == "lost":
            fault = box.faults.add(Fault("reset_before", on="any", nth=number))
        elif fate == "late":
            fault = box.faults.add(Fault("delay", on="any", nth=number))
        pid = scene.start()
        born.set()
        assert dead.wait(PATIENCE), "it was killed"
        assert scene.noted()[1] == 1, "in the middle of a write"
        if fate == "late":
            scene.sync()
            assert fault.fired == self.delay.held == 1
        self.delay.let_go()
        scene.sync()
        assert fate == "applied" or fault.fired == 1
        judge = Judge({tab: [START[tab], rows] for tab, rows in scene.tables.items()})
        judge.may_be_gone = {PEOPLE, BIG} if self.first else set()
        judge.look([dict(state) for state in recorder.states])
        return judge


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer(body_bytes=SMALL_BODY) as server:
        yield server


@pytest.fixture(scope="module", params=[True, False], ids=["first_sync", "change"])
def place(
    request: pytest.FixtureRequest, server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder, delay = tmp_path_factory.mktemp("kills"), Delay()
    with Sandbox(folder / "sheets", quota=None, pause=delay) as box:
        yield Place(Scene(folder, box, server), delay, first=request.param)


@pytest.mark.parametrize("fate", ["lost", "applied", "late"])
def test_killed_at_any_write_nothing_is_lost_or_doubled(place: Place, fate: Fate) -> None:
    assert len(place.writes) >= 6, "one small, the others of a large one that is staged"
    for ordinal in range(1, len(place.writes) + 1):
        judge = place.killed_at(ordinal, fate)
        assert judge.wrong == [], (ordinal, fate)
        assert judge.states > 1
        assert differences(place.scene) == [], (ordinal, fate)


def test_killed_at_random_moments_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    figures = kill_again_and_again(tmp_path, kills=16, seed=4)
    assert figures.differences == [], figures.lines()
    assert sum(figures.kills.values()) == 16
    assert figures.in_sync >= 6, figures.lines()
    assert figures.kills["in a write"] >= 1, figures.lines()
