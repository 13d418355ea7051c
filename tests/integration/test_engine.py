"""The engine between a real database and the sandbox: modes, cursors, limits, refusals and retries."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.core.errors import LockHeldError
from moneymentor_sync.core.settings import SyncSettings
from moneymentor_sync.sandbox import Quota, Sandbox
from moneymentor_sync.sandbox.faults import Fault
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

from .workbench import TAB, Workbench, body

# --- modes and cursors ------------------------------------------------------------------------------------


def test_upsert_never_deletes(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(mode="upsert")]
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.people((2, "Bob", 7), (3, "Cyd", 8))
    result = bench.sync()
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 0)
    assert bench.rows() == body([[1, "Ann", 5], [2, "Bob", 7], [3, "Cyd", 8]])
    assert bench.sync().result == "unchanged"


def test_append_leaves_what_is_there(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(mode="append")]
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.people((1, "changed", 5), (2, "Bob", 6))
    bench.sync()
    assert bench.rows() == body([[1, "Ann", 5], [2, "Bob", 6]])


def test_a_cursor_reads_only_what_changed_and_everything_from_time_to_time(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(cursor="score", verify=3600.0)]
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.sql("UPDATE people SET name = 'unseen' WHERE id = 1")
    bench.sql("UPDATE people SET name = 'Bobby', score = 9 WHERE id = 2")
    bench.sql("INSERT INTO people VALUES (3, 'Cyd', 10)")
    result = bench.sync()
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 0)
    assert bench.rows() == body([[1, "Ann", 5], [2, "Bobby", 9], [3, "Cyd", 10]])
    bench.sql("DELETE FROM people WHERE id = 3")
    bench.clock.now += 3600
    assert bench.sync().deleted == 1
    assert bench.rows() == body([[1, "unseen", 5], [2, "Bobby", 9]])


def test_a_cursor_that_found_nothing_new_looks_at_nothing(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(cursor="score", verify=3600.0)]
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    result = bench.sync()
    assert (result.result, result.reads, result.writes) == ("unchanged", 0, 0)


# --- columns ----------------------------------------------------------------------------------------------


def test_a_new_column_of_the_query_is_put_beside_its_neighbour(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.type_rows(TAB, 0, 3, [["notes"], ["hers"]])
    bench.datasets = [bench.dataset(query="SELECT id, name, 'x' AS extra, score FROM people")]
    bench.sync()
    assert bench.grid() == [["id", "name", "extra", "score", "notes"], [1.0, "Ann", "x", 5.0, "hers"]]


def test_a_column_that_the_query_no_longer_has_is_left_to_people(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.datasets = [bench.dataset(query="SELECT id, score FROM people")]
    bench.sql("UPDATE people SET name = 'new', score = 6")
    bench.sync()
    assert bench.grid() == [["id", "name", "score"], [1.0, "Ann", 6.0]]


def test_a_number_format_of_a_persons_own_survives(bench: Workbench) -> None:
    bench.sql("CREATE TABLE days (id INTEGER PRIMARY KEY, day DATE)")
    bench.sql("INSERT INTO days VALUES (1, '2026-01-01')")
    bench.datasets = [bench.dataset(query=None, table="days")]
    bench.sync()
    mine = {"userEnteredFormat": {"numberFormat": {"type": "DATE", "pattern": "d.m.yy"}}}
    tab = bench.box.document(bench.spreadsheet).titled(TAB)
    assert tab is not None
    span = {
        "sheetId": tab.sheet_id,
        "startRowIndex": 1,
        "endRowIndex": 2,
        "startColumnIndex": 1,
        "endColumnIndex": 2,
    }
    bench.person.request({"repeatCell": {"range": span, "cell": mine, "fields": "userEnteredFormat.numberFormat"}})
    bench.sql("UPDATE days SET day = '2026-02-02'")
    bench.sync()
    assert bench.box.formats(bench.spreadsheet, TAB)[1, 1]["numberFormat"]["pattern"] == "d.m.yy"


def test_the_grid_grows_only_as_needed_and_never_shrinks(bench: Workbench) -> None:
    bench.people(*[(i, "x", i) for i in range(1_100)])
    bench.sync()

    def height() -> int:
        tab = bench.box.document(bench.spreadsheet).titled(TAB)
        assert tab is not None
        return int(tab.row_count)

    assert height() == 1_101
    bench.people(*[(i, "x", i) for i in range(1_000)])
    bench.sync()
    assert height() == 1_001
    bench.person.insert_rows(TAB, 1_001, 50)
    bench.people(*[(i, "x", i) for i in range(1_030)])
    bench.sync()
    assert height() == 1_051
    bench.people(*[(i, "x", i) for i in range(1_060)])
    bench.sync()
    assert height() == 1_061


# --- adoption ---------------------------------------------------------------------------------------------


def test_a_tab_that_another_tool_filled_is_adopted_by_match_on(bench: Workbench) -> None:
    bench.person.add_tab(TAB)
    bench.person.type_rows(
        TAB, 0, 0, [["name", "score", "notes"], ["Bob", "'6", "B"], ["Ann", "5", "A"], ["Ann", "5"]]
    )
    bench.datasets = [bench.dataset(match_on=("name",), query="SELECT name, score, id FROM people ORDER BY id")]
    bench.people((1, "Ann", 5), (2, "Bob", 6), (3, "Cyd", 7))
    result = bench.sync()
    assert (result.inserted, result.updated, result.deleted) == (1, 2, 1)
    assert bench.grid() == [
        ["name", "score", "id", "notes"],
        ["Bob", 6.0, 2.0, "B"],
        ["Ann", 5.0, 1.0, "A"],
        ["Cyd", 7.0, 3.0],
    ]


# --- limits and refusals ----------------------------------------------------------------------------------


def test_too_many_cells_are_refused_before_anything_is_written(bench: Workbench) -> None:
    bench.max_cells = 50_000
    bench.people(*[(i, "x", i) for i in range(20_000)])
    failed = bench.refused()
    assert failed.error_code == "cell_limit"
    assert bench.box.log.count("write") == 0


def test_googles_own_limit_is_explained(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    message = "This action would increase the number of cells in the workbook above the limit of 10000000 cells."
    assert message
    bench.max_cells = 1_000
    bench.people(*[(i, "x", i) for i in range(40_000)])
    assert bench.refused().error_code == "cell_limit"


def test_a_protected_tab_is_explained_and_left(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.protect(TAB)
    bench.people((1, "Ann", 6))
    failed = bench.refused()
    assert failed.error_code == "protected"
    assert bench.box.client_email in str(failed.hint)


def test_one_bad_dataset_does_not_hold_up_the_others(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.datasets = [
        bench.dataset(name="a", tab="A", query="SELECT * FROM missing"),
        bench.dataset(name="b", tab="B"),
        bench.dataset(name="c", tab="C", query="SELECT 1 AS id UNION ALL SELECT 1"),
        bench.dataset(name="d", tab="D", query="SELECT 1 AS id, x'00' AS blob"),
    ]
    run = bench.run()
    assert [one.error_code for one in run.datasets] == ["query", None, "key_not_unique", "unsupported_value"]
    assert run.datasets[2].details == ("row 2 of the result: as an earlier row",)
    assert bench.grid("B")[1] == [1.0, "Ann", 5.0]
    assert not {"A", "C", "D"} & set(bench.box.tabs(bench.spreadsheet))
    assert not run.ok


def test_a_database_that_is_not_there_fails_every_dataset(bench: Workbench) -> None:
    bench.database.unlink()
    run = bench.run()
    assert [one.error_code for one in run.datasets] == ["database_unreachable"]
    assert bench.box.log.count("write") == bench.box.log.count("read") == 0


@pytest.mark.parametrize(
    ("status", "code"), [(403, "permission_denied"), (404, "spreadsheet_not_found"), (401, "credentials")]
)
def test_what_google_forbids_is_said_at_once(bench: Workbench, status: int, code: str) -> None:
    bench.people((1, "Ann", 5))
    fault = bench.box.faults.add(Fault("status", on="read", status=status, count=None))
    failed = bench.run().datasets[0]
    assert (failed.error_code, failed.retries) == (code, 0)
    assert failed.hint
    assert fault.fired >= 1
    assert bench.clock.slept == []


def test_a_spreadsheet_that_is_not_shared_names_the_account(bench: Workbench) -> None:
    bench.spreadsheet = bench.box.new_spreadsheet("Private", share_with=())
    bench.datasets = [bench.dataset()]
    failed = bench.run().datasets[0]
    assert failed.error_code == "permission_denied"
    assert bench.box.client_email in str(failed.hint)


def test_one_sync_at_a_time(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    held = LockFiles(bench.state, "mmsync run", pid=7).hold(bench.spreadsheet)
    with held, pytest.raises(LockHeldError, match=r"mmsync run \(process 7\)"):
        bench.run()
    assert bench.box.log.count("read") == 0
    bench.sync()


def test_an_engine_that_stays_open_counts_each_sync_apart(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    with open_engine(bench.config, holder="test", surroundings=around) as engine:
        for score in (6, 7):
            bench.sql(f"UPDATE people SET score = {score}")
            [result] = engine.run(bench.config.datasets).datasets
        assert (result.reads, result.writes) == (1, 1)
        assert result.bytes_sent < 1_000


# --- retries ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["read", "write", "token"])
def test_a_passing_failure_is_tried_again_with_growing_waits(bench: Workbench, on: str) -> None:
    bench.people((1, "Ann", 5))
    fault = bench.box.faults.add(Fault("status", on=on, status=503, count=3))
    result = bench.sync()
    assert fault.fired >= 1
    assert result.retries == len(bench.clock.slept)
    assert bench.clock.slept == sorted(bench.clock.slept)
    assert bench.rows() == body([[1, "Ann", 5]])


def test_retries_end(bench: Workbench) -> None:
    bench.settings = SyncSettings(max_retries=2, retry_delay_seconds=1)
    bench.people((1, "Ann", 5))
    bench.box.faults.add(Fault("status", on="read", status=500, count=None))
    failed = bench.run().datasets[0]
    assert (failed.error_code, failed.retries) == ("unavailable", 2)
    assert sum(bench.clock.slept) <= 3


def test_retry_after_is_honoured(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.box.faults.add(Fault("status", on="read", status=429, retry_after=31))
    bench.sync()
    assert bench.clock.slept == [31.0]


def test_a_used_up_quota_is_outwaited_and_counts_as_no_failure(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("quota")
    bench.clock.now = time.time()  # tokens are made by the client library, by the machine's clock
    bench.settings = SyncSettings(max_retries=0)
    with Sandbox(directory, quota=Quota(), clock=bench.clock) as box:
        own = Workbench(box, directory)
        own.clock, own.settings = bench.clock, bench.settings
        own.people((1, "Ann", 5))
        own.sync()
        for _ in range(70):
            own.datasets = [own.dataset(verify="always")]
            own.sync()
        assert own.clock.slept
        assert sum(own.clock.slept) <= 130


# --- what is read back is what was written ----------------------------------------------------------------

cells = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(0, 30), st.tuples(cells, cells), max_size=8))
def test_a_second_sync_finds_nothing_to_do_whatever_the_values(
    bench: Workbench, table: dict[int, tuple[object, object]]
) -> None:
    bench.sql("DROP TABLE IF EXISTS people")
    bench.sql("CREATE TABLE people (id INTEGER PRIMARY KEY, name, score)")
    rows = [(key, *map(_storable, pair)) for key, pair in table.items()]
    bench.people(*rows)
    bench.sync(force=True)
    bench.forget_fingerprints()
    assert bench.sync().writes == 0


def _storable(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def test_a_spreadsheet_that_is_nearly_full_gets_just_the_cells_that_are_needed(bench: Workbench) -> None:
    bench.max_cells = 26_000 + 1 + 9  # the first tab, the fence's, and ours
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    tab = bench.box.document(bench.spreadsheet).titled(TAB)
    assert tab is not None
    assert (tab.row_count, tab.column_count) == (3, 3)
