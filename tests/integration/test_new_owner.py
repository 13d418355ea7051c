"""A spreadsheet changes hands: the new owner goes on from where the former one was, and that one can do no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import pytest

from moneymentor_sync.adapters.cluster_first_state import adopt_local_state
from moneymentor_sync.adapters.cluster_store import ClusterStore
from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.spool import Spool
from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.errors import LeaseLostError
from moneymentor_sync.core.ports import DatasetResult, FenceState, RunResult
from moneymentor_sync.core.settings import SheetSettings
from moneymentor_sync.core.sheet_status import no_outlook
from moneymentor_sync.sync import Edges, Engine, Surroundings
from moneymentor_sync.sync.sheet_status import SheetStatus
from moneymentor_sync.wiring.engine import Spreadsheets
from tests.fleets import Fleet, Member

from .workbench import Workbench, body


class Unproven:
    """A lease that lets everybody write: so that only the store stands between a former owner and the state."""

    def hold(self, spreadsheet_id: str) -> nullcontext[None]:
        return nullcontext()

    work = hold

    def prove(self, spreadsheet_id: str) -> None:
        """Nothing is looked at."""


class Fleets(Workbench):
    """The workbench with members of a fleet in the place of one machine."""

    @contextmanager
    def engine(self, store: ClusterStore) -> Iterator[Engine]:
        around = Surroundings(self.clock, self.clock, self.clock.sleep, self.chance)
        with ExitStack() as held:
            sheets = Spreadsheets(self.config.google, self.chance)
            held.callback(sheets.close)
            edges = Edges(DatabaseSource(self.config.database), sheets, store, Unproven(), Spool)
            status = None
            if self.sheet.status:
                status = SheetStatus(self.sheet, self.datasets, no_outlook, self.clock, self.emit)
            yield Engine(self.settings, CellRules.of(self.config), edges, around, status=status)

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def run_by(self, member: Member) -> RunResult:
        self.box.log.reset()
        with self.engine(member.store) as engine:
            run = engine.run(self.config.datasets)
            engine.tell()
            return run

    def sync_by(self, member: Member) -> DatasetResult:
        run = self.run_by(member)
        assert run.ok, [(one.error_code, one.error) for one in run.datasets]
        return run.datasets[0]


@pytest.fixture
def house(bench: Workbench, tmp_path: Path) -> Fleets:
    return Fleets(bench.box, tmp_path / "fleet")


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()


FOUR = [(1, "Ada", 1), (2, "Bob", 2), (3, "Cem", 3), (4, "Dora", 4)]


def test_a_new_owner_knows_what_the_former_one_wrote(house: Fleets, fleet: Fleet) -> None:
    house.people(*FOUR)
    first = fleet.member(house.spreadsheet)
    assert house.sync_by(first).inserted == 4
    house.sync_by(first)
    fence = first.store.fence(house.spreadsheet)
    assert fence.token is not None and fence.pending is None

    second = fleet.member(house.spreadsheet)
    unchanged = house.sync_by(second)
    assert (unchanged.result, unchanged.writes) == ("unchanged", 0), "the baseline is the same"
    house.sql("DELETE FROM people WHERE id = 2")
    gone = house.sync_by(second)
    assert (gone.result, gone.deleted, gone.inserted, gone.put_back) == ("synced", 1, 0, 0)
    assert house.rows() == body([FOUR[0], FOUR[2], FOUR[3]])
    assert gone.writes == 1
    house.sync_by(second)  # looks once more after a deletion
    quiet = house.sync_by(second)
    assert (quiet.result, quiet.writes) == ("unchanged", 0)


def test_the_former_owner_is_refused_before_google_hears_of_it(house: Fleets, fleet: Fleet) -> None:
    house.people(*FOUR)
    first = fleet.member(house.spreadsheet)
    house.sync_by(first)
    second = fleet.member(house.spreadsheet)
    house.sql("UPDATE people SET name = 'Bea' WHERE id = 2")
    house.sync_by(second)
    shared, sheet = fleet.everything(), house.everything()

    house.sql("UPDATE people SET name = 'Bo' WHERE id = 2")
    run = house.run_by(first)
    assert run.outcome == "stopped", "neither a success nor a failure"
    assert [one.error_code for one in run.datasets] == ["lease_lost"]
    assert house.box.log.count("write") == 0
    assert (fleet.everything(), house.everything()) == (shared, sheet)

    state = second.store.dataset("people")
    assert state is not None
    with pytest.raises(LeaseLostError):
        first.store.begin_write("people", state, {})
    with pytest.raises(LeaseLostError):
        first.store.finish("people", state, {}, None)
    with pytest.raises(LeaseLostError):
        first.store.save_fence(house.spreadsheet, FenceState("mine"))
    assert fleet.everything() == shared
    assert house.sync_by(second).updated == 1, "the owner goes on"


def test_taken_over_in_the_middle_of_a_write_the_new_owner_settles_what_became_of_it(
    house: Fleets, fleet: Fleet
) -> None:
    house.people(*FOUR)
    first, second = fleet.member(house.spreadsheet), fleet.member()
    house.sync_by(first)
    house.sql("DELETE FROM people WHERE id = 2")
    happened = house.before_write(lambda: fleet.take(second.epochs, house.spreadsheet))
    run = house.run_by(first)
    assert len(happened) == 1, "its write was on its way"
    assert run.outcome == "stopped" and run.datasets[0].error_code == "lease_lost"
    assert house.rows() == body([FOUR[0], FOUR[2], FOUR[3]]), "Google had it before the new owner wrote"
    assert second.store.fence(house.spreadsheet).pending is not None

    taken = house.sync_by(second)
    assert (taken.deleted, taken.inserted, taken.writes) == (0, 0, 0), "nothing is done twice"
    assert second.store.fence(house.spreadsheet).pending is None
    assert house.rows() == body([FOUR[0], FOUR[2], FOUR[3]])


OTHERS = {"name": "others", "tab": "Others", "query": "SELECT id, name FROM people ORDER BY id"}


@pytest.mark.parametrize("cursor", [None, "score"])
def test_a_row_of_the_fleet_that_is_damaged_is_its_own_datasets_failure(
    house: Fleets, fleet: Fleet, cursor: str | None
) -> None:
    house.people(*FOUR)
    house.datasets = [house.dataset(cursor=cursor), house.dataset(**OTHERS)]
    member = fleet.member(house.spreadsheet)
    assert house.run_by(member).ok
    house.sql("UPDATE people SET name = 'Bea', score = 9 WHERE id = 2")
    fleet.database.run("UPDATE mmsync_dataset SET source = 'none', known = '{' WHERE name = 'people'")

    damaged, sound = house.run_by(member).datasets
    assert (damaged.result, damaged.error_code) == ("failed", "cluster_state")
    assert damaged.error is not None and "people" in damaged.error
    assert damaged.hint is not None and "Delete its row in mmsync_dataset" in damaged.hint
    assert (sound.result, sound.updated) == ("synced", 1)
    with house.engine(member.store) as engine:
        planned = [(one.error is None, one.plan is None) for one in engine.plan(house.config.datasets)]
    assert planned == [(False, True), (True, False)]

    fleet.database.run("DELETE FROM mmsync_dataset WHERE name = 'people'")
    assert house.run_by(member).ok
    assert "Bea" in house.rows()[1]


@pytest.mark.parametrize("fleet", ["postgresql"], indirect=True)  # these are its codes
@pytest.mark.parametrize(
    ("what", "code"),
    [("a full disk", "53100"), ("a right that is missing", "42501"), ("a server that stops", "57P01")],
)
def test_a_server_that_refuses_is_a_failure_and_one_that_is_gone_is_not(
    house: Fleets, fleet: Fleet, what: str, code: str
) -> None:
    house.people(*FOUR)
    member = fleet.member(house.spreadsheet)
    fleet.database.run(
        f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$",
        "CREATE TRIGGER r BEFORE INSERT ON mmsync_dataset FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    run = house.run_by(member)
    wanted = ("stopped", "lease_lost") if code == "57P01" else ("failed", "cluster")
    assert (run.datasets[0].result, run.datasets[0].error_code) == wanted, what
    assert house.box.log.count("write") == 0


def test_a_secret_that_cannot_be_asked_for_is_neither_a_success_nor_a_failure(house: Fleets, fleet: Fleet) -> None:
    house.people(*FOUR)
    gone = fleet.new_engine("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    run = house.run_by(fleet.member(house.spreadsheet, engine=gone))
    assert [(one.result, one.error_code) for one in run.datasets] == [("stopped", "lease_lost")]


def test_one_machines_state_comes_along_into_its_cluster(house: Fleets, fleet: Fleet) -> None:
    house.people(*FOUR)
    house.sync()
    house.sync()
    assert adopt_local_state(fleet.engine, fleet.name, house.state)
    member = fleet.member(house.spreadsheet)
    unchanged = house.sync_by(member)
    assert (unchanged.result, unchanged.writes) == ("unchanged", 0)
    house.sql("DELETE FROM people WHERE id = 2")
    assert house.sync_by(member).deleted == 1
    assert house.rows() == body([FOUR[0], FOUR[2], FOUR[3]])


def test_the_status_tab_changes_hands_with_what_was_known(house: Fleets, fleet: Fleet) -> None:
    house.sheet = SheetSettings(status=True)
    house.people(*FOUR)
    first = fleet.member(house.spreadsheet)
    house.sync_by(first)
    header, made = house.grid("sync_status")
    changed = header.index("Last changed")
    house.clock.now += 400
    second = fleet.member(house.spreadsheet)
    assert house.sync_by(second).result == "unchanged"
    assert house.box.log.count("write") == 1
    later = house.grid("sync_status")[1]
    assert later[changed] == made[changed], "when it changed is known to the new owner"
    assert later[changed - 1] > made[changed - 1], "that it was checked is new"

    house.clock.now += 400
    house.sql("UPDATE people SET name = 'Bo' WHERE id = 2")
    shared, sheet = fleet.everything(), house.everything()
    assert house.run_by(first).outcome == "stopped"
    assert house.box.log.count("write") == 0, "the former owner tells nobody anything"
    assert (fleet.everything(), house.everything()) == (shared, sheet)
    assert [fields for event, fields in house.events if event == "sheet_status.failed"] == []
    assert house.sync_by(second).updated == 1
    assert house.box.log.count("write") == 1
    assert [row[changed] for row in house.grid("sync_status")[1:]] > [later[changed]]
