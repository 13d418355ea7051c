"""Several service accounts in turn, over real HTTP, with the stand-in's quota on."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from moneymentor_sync.adapters.google_batch import Batcher
from moneymentor_sync.adapters.google_client import GoogleClient
from moneymentor_sync.adapters.google_keys import known_accounts
from moneymentor_sync.core.budget import Account
from moneymentor_sync.core.errors import CredentialsError, LeaseLostError
from moneymentor_sync.core.fence import FENCE_TAB, FenceSeen
from moneymentor_sync.core.rights import CallKind
from moneymentor_sync.core.settings import ClusterSettings, Config, GoogleSettings, ServiceAccount
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.quota import Quota
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine
from moneymentor_sync.wiring.quota import Quotas
from tests.databases import PostgresqlServer

from .workbench import Clock, Workbench

NAMES = ("one", "two", "three")


class Pool:
    """A workbench whose spreadsheet three accounts may edit, and one clock for it and the stand-in."""

    def __init__(self, directory: Path, quota: Quota | None) -> None:
        self.clock = Clock(time.time())  # tokens are made by the real one
        self.box = Sandbox(directory / "box", clock=self.clock, quota=quota).start()
        self.bench = Workbench(self.box, directory)
        self.bench.clock = self.clock
        self.keys = [ServiceAccount(file=self.box.account(name)) for name in NAMES]
        self.quotas = Quotas(self.clock)
        for name in NAMES:
            self.box.share(self.bench.spreadsheet, self.box.email(name))

    def config(self, accounts: list[ServiceAccount]) -> Config:
        google = replace(
            self.bench.config.google,
            account=accounts[0],
            further_accounts=tuple(accounts[1:]),
            project_requests_per_minute=12,
            account_requests_per_minute=5,
        )
        return replace(self.bench.config, google=google)

    def sync(self, accounts: list[ServiceAccount]) -> float:
        """Seconds that it waited for the quota, as its result has it."""
        config = self.config(accounts)
        around = Surroundings(self.clock, self.clock, self.clock.sleep, self.bench.chance)
        with open_engine(config, holder="test", surroundings=around, quotas=self.quotas) as engine:
            run = engine.run(config.datasets)
        assert run.ok, [(one.error_code, one.error) for one in run.datasets]
        return sum(one.quota_seconds for one in run.datasets)

    def fails(self) -> str:
        """Syncs until one does; what its result says, and the hint."""
        config = self.config(self.keys)
        around = Surroundings(self.clock, self.clock, self.clock.sleep, self.bench.chance)
        for number in range(6):
            self.bench.people((1, "Ada", 100 + number))
            with open_engine(config, holder="test", surroundings=around, quotas=self.quotas) as engine:
                (result,) = engine.run(config.datasets).datasets
            if result.result == "failed":
                return f"{result.error} {result.hint}"
        raise AssertionError("none failed")

    def calls(self, kind: str) -> Counter[str]:
        return Counter(entry.account.partition("@")[0] for entry in self.box.log.of(kind))

    def refused(self) -> int:
        return sum(entry.status == 429 for entry in self.box.log.entries)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    made = Pool(tmp_path, Quota(5, 5, 12, 12))
    yield made
    made.box.stop()


def test_calls_go_round_and_google_refuses_none(pool: Pool) -> None:
    waited = 0.0
    for number in range(20):
        pool.bench.people((1, "Ada", number))
        waited += pool.sync(pool.keys)
    assert pool.bench.rows() == [[1, "Ada", 19]]
    assert pool.refused() == 0
    writes = pool.calls("write")
    assert writes.total() >= 20
    assert set(writes) == set(NAMES)
    assert max(writes.values()) - min(writes.values()) <= 2
    assert sum(pool.clock.slept) > 50, "the limits were met"
    assert waited == pytest.approx(sum(pool.clock.slept))


def test_one_account_alone_meets_the_limit_and_is_refused(pool: Pool) -> None:
    """So the quota was on above."""
    waited = 0.0
    for number in range(8):
        pool.bench.people((1, "Ada", number))
        waited += pool.sync(pool.keys[:1])
    assert pool.refused() > 0
    assert waited == pytest.approx(sum(pool.clock.slept)) and waited > 1


def test_what_was_asked_is_told_for_the_status(pool: Pool) -> None:
    pool.bench.people((1, "Ada", 1))
    assert pool.quotas.document(pool.config(pool.keys[:1])) is None
    pool.sync(pool.keys)
    found = pool.quotas.document(pool.config(pool.keys))
    assert found is not None
    assert found["limits"] == {"project_reads": 10, "project_writes": 10, "account_reads": 4, "account_writes": 4}
    told = {one["account"].partition("@")[0]: one["writes"] for one in found["accounts"]}
    assert told == {name: pool.calls("write")[name] for name in NAMES}
    assert sum(told.values()) > 0
    assert "PRIVATE" not in json.dumps(found)


def test_members_of_a_cluster_share_the_quota_also_of_one_account(
    bench: Workbench, postgresql_server: PostgresqlServer
) -> None:
    shared = replace(bench.config, cluster=ClusterSettings(url=postgresql_server.new_database().url))
    with closing(Quotas(bench.clock)) as one, closing(Quotas(bench.clock)) as other:
        budget = one.budget(shared, bench.clock.sleep)
        assert budget is not None
        assert budget.admit("write", bench.spreadsheet) == 0
        found = other.document(shared)
        assert found is not None
        assert found["accounts"] == [
            {"account": bench.box.client_email, "project": "mmsync-sandbox", "reads": 0, "writes": 1}
        ]
        away = replace(shared, cluster=ClusterSettings(url="postgresql+psycopg://nobody@127.0.0.1:9/nowhere"))
        assert other.document(away) is None
        nobody = other.budget(away, bench.clock.sleep)
        assert nobody is not None
        with pytest.raises(LeaseLostError):
            nobody.admit("read", bench.spreadsheet)


def test_an_account_without_access_is_named(pool: Pool) -> None:
    pool.box.unshare(pool.bench.spreadsheet, pool.box.email("two"))
    failed = pool.fails()
    assert pool.box.email("two") in failed
    assert f"hare the spreadsheet with {pool.box.email('two')}" in failed


# --- in which order -------------------------------------------------------------------------------------------


@dataclass
class Told:
    """A Budget, a proof and a fence's note that tell when they were asked; accounts in turn."""

    box: Sandbox
    lost: bool = False
    said: list[str] = field(default_factory=list)

    def admit(self, kind: CallKind, spreadsheet_id: str) -> int:
        self.said.append(f"admit {kind}")
        return self.said.count("admit write") % 3

    def prove(self) -> None:
        self.said.append("prove")
        if self.lost:
            raise LeaseLostError("another member has it")

    def intend(self, _token: str) -> None:
        self.said.append("intend")

    def sent(self, _request: object) -> None:
        self.said.append("sent")


@pytest.fixture
def told(box: Sandbox) -> Iterator[Told]:
    made = Told(box)
    box.hooks.before_write(made.sent)
    box.log.reset()
    yield made
    box.hooks.clear()


def client_for(told: Told, spreadsheet: str) -> GoogleClient:
    keys = [ServiceAccount(file=told.box.account(name)) for name in NAMES]
    settings = GoogleSettings(spreadsheet, keys[0], told.box.url, further_accounts=tuple(keys[1:]))
    for name in NAMES:
        told.box.share(spreadsheet, told.box.email(name))
    told.box.log.reset()
    told.said.clear()
    return GoogleClient(settings, spreadsheet, budget=told, prove=told.prove)


def test_a_fenced_batch_waits_for_its_turn_before_it_proves_and_notes(told: Told) -> None:
    spreadsheet = told.box.new_spreadsheet("Order")
    with closing(client_for(told, spreadsheet)) as client:
        batches = Batcher(client, random.Random(1))
        batches.seen(FenceSeen(None, None, None))
        for _ in range(3):  # each account in turn, the one that made the mark's tab and the others
            batches.send([], intend=told.intend)
    assert told.said == ["admit write", "intend", "prove", "sent"] * 3
    writers = [entry.account for entry in told.box.log.of("write")]
    assert sorted(writers) == sorted(told.box.email(name) for name in NAMES)
    assert {entry.status for entry in told.box.log.of("write")} == {200}
    kinds = [entry.kind for entry in told.box.log.entries]
    assert kinds == ["token", "write"] * 3, "a token is had before the proof gets old"
    assert FENCE_TAB in told.box.tabs(spreadsheet)


def test_every_other_write_is_proven_too_and_a_read_needs_no_proof(told: Told) -> None:
    spreadsheet = told.box.new_spreadsheet("Proof")
    with closing(client_for(told, spreadsheet)) as client:
        client.call(client.spreadsheets.get(spreadsheetId=spreadsheet, fields="spreadsheetId"))
        client.call(client.files().get(fileId=spreadsheet, fields="id", supportsAllDrives=True))
        update = client.values.update(
            spreadsheetId=spreadsheet, range="A1", valueInputOption="RAW", body={"values": [["x"]]}
        )
        client.call(update)
        assert told.said == ["admit read", "admit write", "prove", "sent"]  # Drive has a quota of its own
        told.lost = True
        with pytest.raises(LeaseLostError):
            client.call(update)
    assert told.box.log.count("write") == 1


def test_one_key_twice_is_no_pool(box: Sandbox, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_text(box.account("one").read_text())
    accounts = [ServiceAccount(file=box.account("one")), ServiceAccount(file=box.account("two"))]
    assert known_accounts(accounts) == (
        Account(box.email("one"), "mmsync-sandbox"),
        Account(box.email("two"), "mmsync-sandbox"),
    )
    with pytest.raises(CredentialsError, match=box.email("one")):
        known_accounts([*accounts, ServiceAccount(file=copy)])


def test_the_environments_key_has_its_project_in_its_address() -> None:
    pair = ServiceAccount(client_email="a@shop.iam.gserviceaccount.com", private_key="secret")
    assert known_accounts([pair]) == (Account("a@shop.iam.gserviceaccount.com", "shop"),)


@pytest.mark.parametrize("as_first", [False, True])
def test_a_plan_leaves_nothing_in_a_clusters_database_that_nobody_has_begun(
    bench: Workbench, postgresql_server: PostgresqlServer, as_first: bool
) -> None:
    bench.people((1, "Ada", 100))
    database = postgresql_server.new_database()
    config = replace(bench.config, cluster=ClusterSettings(url=database.url))
    made = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    with open_engine(config, holder="test", surroundings=around, only_plan=True, as_first=as_first) as engine:
        (outcome,) = engine.plan(config.datasets)
    assert outcome.error is None and outcome.plan is not None
    assert bench.box.log.count("read") > 0, "Google was asked"
    assert database.rows(made) == []

    with open_engine(config, holder="test", surroundings=around) as engine:
        assert engine.run(config.datasets).ok
    before = database.rows("SELECT count(*) FROM mmsync_turn WHERE granted_at IS NOT NULL")
    with open_engine(config, holder="test", surroundings=around, only_plan=True, as_first=as_first) as engine:
        engine.plan(config.datasets)
    assert database.rows("SELECT count(*) FROM mmsync_turn WHERE granted_at IS NOT NULL") > before, "as all do"
