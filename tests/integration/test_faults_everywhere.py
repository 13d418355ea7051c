"""Every request of every kind of sync × everything that Google's side can do to it.

The requests are counted first, in a sync without faults, so that none is left out. With each fault: what people saw
was never blank, headerless, half-written or doubled; the next sync without faults makes it right, with what
people wrote beside its row; and the one after that finds nothing to do.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault

from .fault_kinds import PASSING, STAYING, Kind
from .spreadsheet_states import Recorder, either, illegal, one_of
from .stages import RECIPES, Delay, Position, Recipe, SandboxClock, Stage, set_up
from .workbench import TAB

KINDS = (*PASSING, *STAYING)
MEMORY = Path("/dev/shm")
"""Thousands of syncs note what they do, each time down to the disk: here nothing has to survive a power cut."""
EVERYTHING = os.environ.get("FAULTS") == "all"
by_name: Callable[[object], str] = lambda kind: kind.name  # type: ignore[attr-defined]  # noqa: E731 - pytest's ids


@pytest.fixture(scope="module")
def delay() -> Iterator[Delay]:
    made = Delay()
    yield made
    made.close()


@pytest.fixture(scope="module")
def box_clock() -> SandboxClock:
    return SandboxClock()


@pytest.fixture(scope="module")
def own_box(tmp_path_factory: pytest.TempPathFactory, delay: Delay, box_clock: SandboxClock) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("faulty"), quota=None, pause=delay, clock=box_clock) as box:
        yield box


@pytest.fixture(scope="module", params=RECIPES, ids=by_name)
def stage(request: pytest.FixtureRequest, own_box: Sandbox) -> Iterator[Stage]:
    recipe: Recipe = request.param
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
        yield held.enter_context(set_up(recipe, own_box, folder, held.callback))


def codes(run: RunResult) -> set[str]:
    return {str(one.error_code) for one in run.datasets if one.error_code is not None}


def settles(stage: Stage, recorder: Recorder, where: str) -> None:
    """Nothing illegal was seen; the next sync makes it right, and the next but one has nothing to do."""
    rules = stage.rules
    assert illegal(recorder.states, rules) == [], where
    made_up = stage.sync(retries=0)
    assert made_up.ok, (where, codes(made_up))
    assert illegal(recorder.states, rules) == [], where
    assert dict(recorder.states[-1]) == dict(stage.after), where
    assert stage.staging() == [], where
    again = stage.sync(retries=0)
    assert {one.result for one in again.datasets} == {"unchanged"}, where
    assert stage.box.log.count("write") == 0, where


def with_and_without_retries(stage: Stage, chance: int) -> Iterator[tuple[int, Position, int]]:
    """Each request's number from 1, what it is, and how many retries there are: by turns none and three, which is
    which depends on `chance`; with FAULTS=all both for each."""
    for number, position in enumerate(stage.positions, start=1):
        both = (0, 3) if EVERYTHING else ((number + chance) % 2 * 3,)
        for retries in both:
            yield number, position, retries


@pytest.mark.parametrize("kind", KINDS, ids=by_name)
def test_a_fault_at_any_request(stage: Stage, kind: Kind) -> None:
    struck = set()
    for number, position, retries in with_and_without_retries(stage, KINDS.index(kind)):
        where = f"{kind.name} at request {number} ({position.kind}), {retries} retries"
        stage.rewind()
        recorder = stage.record()
        fault = stage.box.faults.add(kind.at(number))
        stage.bench.clock.slept.clear()
        if kind.kind == "refuse":
            stage.on_sleep = stage.box.plug_in
        run = stage.sync(retries=retries)
        stage.on_sleep = lambda: None
        assert fault.fired >= 1, where
        assert run.ok or codes(run) <= kind.codes, (where, codes(run))
        assert run.ok or not kind.must_pass(position.kind, retries), (where, codes(run))
        assert not (run.ok and kind.must_fail(retries)), (where, "what was no answer was taken for one")
        if fault.retry_after is not None and run.ok:
            assert max(stage.bench.clock.slept) >= fault.retry_after, where
        if kind.kind == "status" and not run.ok and "credentials" not in codes(run) and len(run.datasets) == 1:
            assert len(stage.box.log.entries) == number, (where, "a hidden retry")
        if kind.kind == "refuse" and not retries:
            assert codes(run) == {"unavailable"}, where
            stage.box.plug_in()
        stage.box.faults.clear()
        settles(stage, recorder, where)
        struck.add(number)
    assert len(struck) == len(stage.positions)


@pytest.mark.parametrize(
    ("late", "made_up_first"),
    [("after", False), ("before", False), ("before", True)],
    ids=["answer", "change", "change_after_the_next_sync"],
)
def test_an_answer_or_a_change_after_the_time_out(
    stage: Stage, delay: Delay, late: str, made_up_first: bool
) -> None:
    """What was given up comes about all the same, before the next sync or after it has made up for it."""
    for number, position, retries in with_and_without_retries(stage, made_up_first):
        if late == "before" and position.kind != "write":
            continue  # nothing that a read or a token could change
        where = f"request {number} ({position.kind}), {retries} retries"
        stage.rewind()
        recorder = stage.record()
        fault = stage.box.faults.add(Fault("delay", on="any", nth=number, when=late))  # type: ignore[arg-type]
        delay.hold()
        run = stage.sync(retries=retries, late=delay)
        assert fault.fired == delay.held == 1, where
        assert run.ok is bool(retries), (where, codes(run))
        assert run.ok or codes(run) == {"unavailable"}, where
        if not made_up_first:
            delay.let_go()
        settles(stage, recorder, where)
        if made_up_first:
            delay.let_go()
            settles(stage, recorder, where)


# --- what really is so, and no answer made up -----------------------------------------------------------------


def at(stage: Stage, number: int, deed: Callable[[], object]) -> list[int]:
    """Has something happen right before a request arrives; the list says that it did."""
    arrived: list[int] = []
    happened: list[int] = []

    def hook(_request: object) -> None:
        arrived.append(1)
        if len(arrived) == number:
            deed()
            happened.append(number)

    stage.box.hooks.on_arrival(hook)
    return happened


def test_the_permission_is_taken_away_at_any_request(stage: Stage) -> None:
    spreadsheet, account = stage.bench.spreadsheet, stage.box.client_email
    for number, position, retries in with_and_without_retries(stage, 0):
        where = f"request {number} ({position.kind}), {retries} retries"
        stage.rewind()
        recorder = stage.record()
        happened = at(stage, number, lambda: stage.box.unshare(spreadsheet, account))
        run = stage.sync(retries=retries)
        assert happened and codes(run) == {"permission_denied"}, (where, codes(run))
        stage.box.share(spreadsheet, account)
        settles(stage, recorder, where)


def test_the_spreadsheet_is_deleted_at_any_request(stage: Stage) -> None:
    for number, position, retries in with_and_without_retries(stage, 1):
        where = f"request {number} ({position.kind}), {retries} retries"
        stage.rewind()
        recorder = stage.record()
        happened = at(stage, number, lambda: stage.box.delete(stage.bench.spreadsheet))
        run = stage.sync(retries=retries)
        assert happened and codes(run) == {"spreadsheet_not_found"}, (where, codes(run))
        stage.restore_spreadsheet()
        settles(stage, recorder, where)


@pytest.mark.parametrize("ahead", [120.0, 7200.0], ids=["it_is_had_anew", "no_new_one_is_given"])
def test_the_token_expires_at_any_request(stage: Stage, box_clock: SandboxClock, ahead: float) -> None:
    """Google's clock goes on, and the token is refused in earnest. Where clocks are hours apart, so is the key."""
    for number, position in enumerate(stage.positions[1:], start=1):  # a token there is already
        where = f"request {number} ({position.kind})"
        stage.rewind()
        recorder = stage.record()
        short = stage.box.accounts.token(stage.box.client_email, 60)
        happened = at(stage, number, lambda: box_clock.put(ahead))
        run = stage.sync(retries=0, token=short)
        statuses = [one.status for one in stage.box.log.entries]
        box_clock.put(0.0)
        assert happened and 401 in statuses and stage.box.log.count("token"), where
        assert codes(run) == (set() if ahead < 300 else {"credentials"}), where
        assert ahead > 300 or statuses.count(401) == stage.box.log.count("token") == 1, where
        settles(stage, recorder, where)


def test_the_tab_is_deleted_at_any_request(stage: Stage) -> None:
    """A person's deed that is obeyed: the tab is made again, without what they had in it."""
    where_there = [n for n, one in enumerate(stage.positions, start=1) if TAB in one.tabs]
    assert bool(where_there) is (TAB in stage.before)
    for number in where_there:
        stage.rewind()
        recorder = stage.record()
        happened = at(stage, number, lambda: stage.box.person(stage.bench.spreadsheet).delete_tab(TAB))
        run = stage.sync(retries=0)
        assert happened, number
        assert run.ok or codes(run) == {"overtaken"}, (number, codes(run))
        made_anew = stage.made_anew()
        rules = stage.rules | {TAB: either(stage.rule(TAB), one_of(None, made_anew))}
        assert stage.sync(retries=0).ok
        assert illegal(recorder.states, rules) == [], number
        assert recorder.states[-1][TAB] == made_anew
        assert {one.result for one in stage.sync(retries=0).datasets} == {"unchanged"}
        assert stage.staging() == []


def test_our_hidden_tab_is_deleted_at_any_request(stage: Stage) -> None:
    there = [n for n, one in enumerate(stage.positions, start=1) if any("staging" in tab for tab in one.tabs)]
    assert bool(there) is (stage.body_bytes is not None)
    for number in there:
        stage.rewind()
        recorder = stage.record()
        happened = at(
            stage, number, lambda: stage.box.person(stage.bench.spreadsheet).delete_tab(stage.staging()[0])
        )
        run = stage.sync(retries=0)
        assert happened, number
        assert run.ok or codes(run) <= {"overtaken", "request_refused"}, (number, codes(run))
        settles(stage, recorder, str(number))


# --- more than one --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=by_name)
def test_a_fault_that_lasts_for_the_whole_sync(stage: Stage, kind: Kind) -> None:
    lasting = kind.lasting()
    for number in range(1, len(stage.positions) + 1) if EVERYTHING else (1,):
        stage.rewind()
        recorder = stage.record()
        fault = stage.box.faults.add(lasting.at(number))
        run = stage.sync(retries=3)
        assert fault.fired >= 1
        assert not run.ok and codes(run) <= lasting.codes, (number, codes(run))
        if kind.kind == "refuse":
            stage.box.plug_in()
        stage.box.faults.clear()
        settles(stage, recorder, f"{kind.name} from request {number} on")


def test_two_faults_in_one_sync(stage: Stage) -> None:
    """Sampled with a fixed seed: the second strikes while the first is being made up for."""
    chance = random.Random(stage.name)
    kinds = [one for one in KINDS if one.kind != "refuse" and (one.count == 1 or not one.passes)]
    both = 0
    for _ in range(400 if EVERYTHING else 15):
        first, second = chance.sample(kinds, 2)
        one, other = sorted(chance.sample(range(1, len(stage.positions) + 2), 2))
        where = f"{first.name} at {one}, {second.name} at {other}"
        stage.rewind()
        recorder = stage.record()
        faults = [stage.box.faults.add(first.at(one)), stage.box.faults.add(second.at(other))]
        run = stage.sync(retries=3)
        assert faults[0].fired >= 1, where
        both += faults[1].fired >= 1
        allowed = {code for kind in (first, second) if kind.key or not kind.passes for code in kind.codes}
        assert run.ok or codes(run) <= allowed, (where, codes(run))
        stage.box.faults.clear()
        settles(stage, recorder, where)
    assert both >= 5, "the second struck, too, in a third of them"


def test_connections_that_were_closed_since_the_last_sync_cost_no_retry(stage: Stage) -> None:
    """Google ends idle connections after minutes; the daemon's next sync is later than that."""
    assert stage.sync(retries=0).ok
    stage.rewind()
    recorder = stage.record()
    stage.box.unplug()
    stage.box.plug_in()
    run = stage.sync(retries=0)
    assert run.ok, codes(run)
    settles(stage, recorder, "a closed connection")
