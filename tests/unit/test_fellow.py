"""What a member does for its fleet, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.adapters.prometheus_text import Metrics
from moneymentor_sync.core.cluster_view import ClusterView
from moneymentor_sync.core.settings import (
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SyncSettings,
)
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.core.status import DatasetSeen, document
from moneymentor_sync.core.switches import EVERYTHING, Switch
from moneymentor_sync.daemon.desk import Desk
from moneymentor_sync.daemon.fellow import Fellow
from moneymentor_sync.daemon.interruptions import Interruptions
from moneymentor_sync.daemon.notice_queue import NoticeQueue
from moneymentor_sync.daemon.standing import Standing
from tests.daemon_double import MemoryLedger

from .screens import IDLE, NOW, UP

ONE, TWO = "1" * 30, "2" * 30
NAMES = ("a", "b", "c")


def dataset(name: str, sheet: str) -> Dataset:
    return Dataset(name=name, tab=name.upper(), key=("id",), spreadsheet_id=sheet, table=name)


CONFIG = Config(
    database=DatabaseSettings("sqlite:///x"),
    google=GoogleSettings(None, ServiceAccount()),
    sync=SyncSettings(),
    state_path=Path("state.db"),
    socket_path=Path("control.sock"),
    log=LogSettings(),
    datasets=(dataset("a", ONE), dataset("b", ONE), dataset("c", TWO)),
)


class Heard(NoticeQueue):
    """Keeps what it is told of."""

    def __init__(self) -> None:
        self.noticed: list[frozenset[str]] = []

    def notice(self, datasets: Any) -> None:
        self.noticed.append(frozenset(datasets))


@dataclass
class Bench:
    now: float = 100.0
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    planned: list[float | None] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.standing = Standing(
            CONFIG, self.ledger, clock=lambda: self.now, chance=lambda: 0.5, emit=lambda *_args, **_fields: None
        )
        self.desk = Desk(lambda: "run")
        self.interruptions = Interruptions(lambda: self.now, lambda: None)
        self.fellow = Fellow(
            self.standing,
            self.desk,
            self.heard,
            self.interruptions,
            lambda: self.planned.append(self.standing.next_switch_end()),
            dict,
            lambda _count: [],
        )

    def switched_elsewhere(self, *switches: Switch) -> None:
        self.ledger.on = {one.name: one for one in switches}
        self.fellow.refresh()

    def asked(self) -> tuple[str, frozenset[str]] | None:
        job = self.desk.take(0.0)
        return None if job is None else (job.run.trigger, job.run.datasets)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_is_gained_is_synced(bench: Bench) -> None:
    bench.fellow.gained([ONE])
    assert bench.asked() == ("takeover", frozenset("ab"))


def test_what_another_switches_off_and_on_counts_here(bench: Bench) -> None:
    bench.switched_elsewhere(Switch(EVERYTHING, enabled=False, since=1.0))
    assert not bench.standing.sync_enabled
    assert bench.asked() is None
    bench.switched_elsewhere(Switch(EVERYTHING, enabled=True, since=2.0), Switch("b", enabled=False, since=2.0))
    assert bench.standing.sync_enabled
    assert bench.asked() == ("enable", frozenset("ac"))


def test_when_a_switch_ends_that_another_has_set_is_planned_and_only_once(bench: Bench) -> None:
    off = Switch(EVERYTHING, enabled=False, since=1.0, until=160.0)
    bench.switched_elsewhere(off)
    bench.switched_elsewhere(off)
    assert bench.planned == [60.0]


def test_what_others_ask_for_is_done_of_what_is_known_here(bench: Bench) -> None:
    done = bench.fellow.force_here({"a", "c", "unknown"}, allow_deletes=True)
    job = bench.desk.take(0.0)
    assert job is not None
    assert (job.run.forced, job.run.allow_deletes) == (frozenset("ac"), frozenset("ac"))
    assert not done.done()
    bench.fellow.notice_here({"b", "unknown"})
    assert bench.heard.noticed == [frozenset("b")]


def test_metrics_are_of_the_datasets_that_this_member_has() -> None:
    seen = tuple(DatasetSeen(one.name, one.tab, True, 60, one.spreadsheet_id) for one in CONFIG.datasets)
    view = ClusterView("default", "me", 15.0, me=1, alive={1: frozenset({shard_of(ONE)})})
    alone = Metrics(lambda: CONFIG, lambda: NOW).text(
        document(replace(IDLE, datasets=seen), None, now=NOW, mono=UP)
    )
    member = Metrics(lambda: CONFIG, lambda: NOW).text(
        document(replace(IDLE, datasets=seen, cluster=view), None, now=NOW, mono=UP)
    )
    told = {name: [f'mmsync_dataset_rows{{dataset="{one}"}}' in text for one in NAMES] for name, text in
            (("alone", alone), ("member", member))}  # fmt: skip
    assert told == {"alone": [True, True, True], "member": [True, True, False]}
