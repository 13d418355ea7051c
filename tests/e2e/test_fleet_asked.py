"""What is asked of any member is done for all: by the one that has the spreadsheet, whoever that comes to be."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet, Member
from tests.fleet_evidence import Batches, Trap

SPREADSHEETS = 9


@dataclass(frozen=True)
class Three:
    box: Sandbox
    fleet: Fleet
    members: tuple[Member, Member, Member]

    def settled(self) -> None:
        for one in self.members:
            if one.process is None or one.process.poll() is not None:
                one.start()
        self.fleet.until_shared_out(*self.members)
        self.fleet.until_in_step()
        self.fleet.until_idle(*self.members)

    def number_of(self, member: Member) -> int:
        """Of a spreadsheet that the member has."""
        return min(self.fleet.sheets.index(sheet) for sheet in member.owned())


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresqlServer) -> Iterator[Three]:
    folder = tmp_path_factory.mktemp("asked")
    with Sandbox(folder / "box", quota=None) as box:
        fleet = Fleet(folder, box, postgresql_server, spreadsheets=SPREADSHEETS, lease_seconds=3.0)
        try:
            yield Three(box, fleet, (fleet.add("a"), fleet.add("b"), fleet.add("c")))
        finally:
            fleet.close()


@pytest.fixture
def three(together: Three) -> Iterator[Three]:
    together.settled()
    yield together
    together.box.hooks.clear()


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {one["name"]: one["result"] for one in json.loads(done.stdout)["datasets"]}


def in_thread(member: Member, *arguments: str) -> Future[subprocess.CompletedProcess[str]]:
    done: Future[subprocess.CompletedProcess[str]] = Future()
    threading.Thread(target=lambda: done.set_result(member.command(*arguments)), daemon=True).start()
    return done


def test_a_forced_sync_is_waited_for_wherever_it_is_done(three: Three) -> None:
    fleet, (a, b, c) = three.fleet, three.members
    batches = Batches(three.box)
    fleet.edit(*range(SPREADSHEETS), name="forced")
    done = a.command("force", "--json")
    assert done.returncode == 0, done.stderr
    assert list(results(done)) == [f"d{number}" for number in range(SPREADSHEETS)]
    assert not fleet.differences(), "it has ended everywhere"
    assert {one.member for one in batches.all} == {"a", "b", "c"}

    human = b.command("force", f"d{three.number_of(c)}")
    assert human.returncode == 0 and "unchanged" in human.stdout + human.stderr, human


def test_the_word_that_lifts_a_guard_reaches_the_owner(three: Three) -> None:
    fleet, (a, b, _) = three.fleet, three.members
    number = three.number_of(b)
    fleet.database.run(f"DELETE FROM item WHERE sheet = {number}")
    refused = a.command("force", f"d{number}")
    assert refused.returncode == 1 and "--allow-deletes" in refused.stdout + refused.stderr, refused
    assert fleet.differences() == [number]
    allowed = a.command("force", f"d{number}", "--allow-deletes", "--json")
    assert allowed.returncode == 0, allowed
    assert json.loads(allowed.stdout)["datasets"][0]["deleted"] == 3
    assert not fleet.differences()
    fleet.database.run(f"INSERT INTO item VALUES ({number}, 1, 'again', 1), ({number}, 2, 'b', 2)")
    assert a.command("force", f"d{number}").returncode == 0


def test_where_the_owner_dies_over_it_the_new_one_answers(three: Three) -> None:
    fleet, (a, b, _) = three.fleet, three.members
    number = three.number_of(b)
    batches = Batches(three.box)
    fleet.edit(number, name="inherited")
    trap = Trap(three.box, "after_read", b, b.kill, sheet=fleet.sheets[number])
    done = in_thread(a, "force", f"d{number}", "--json").result(60)
    assert trap.sprung, "it died in the middle of it"
    assert done.returncode == 0, done
    assert list(results(done)) == [f"d{number}"] and not fleet.differences()
    assert batches.turns(fleet.sheets[number])[0] in ("a", "c")


def test_a_notice_of_what_another_has_is_passed_on(three: Three) -> None:
    fleet, (a, _, c) = three.fleet, three.members
    number = three.number_of(c)
    batches = Batches(three.box)
    fleet.edit(number, name="noticed")
    a.client.notify(f"d{number}")
    fleet.until_in_step()
    assert batches.turns(fleet.sheets[number]) == ["c"]


def test_a_switch_is_everybodys_and_outlives_them_all(three: Three) -> None:
    fleet, (a, b, c) = three.fleet, three.members
    name, number = f"d{three.number_of(b)}", three.number_of(b)

    def enabled() -> set[bool]:
        found = [
            one["enabled"] for m in three.members for one in m.client.status()["datasets"] if one["name"] == name
        ]
        return {*found}

    assert a.command("disable", name).returncode == 0
    fleet.until(lambda: enabled() == {False}, "all know", patience=10)
    fleet.edit(*range(SPREADSHEETS), name="switched")
    assert c.command("force").returncode == 0
    assert fleet.differences() == [number]
    assert [one.end() for one in three.members] == [0, 0, 0]
    for one in three.members:
        one.start()
    fleet.until_shared_out(*three.members)
    fleet.edit(*(n for n in range(SPREADSHEETS) if n != number), name="anew")
    assert b.command("force").returncode == 0
    assert enabled() == {False} and fleet.differences() == [number], "also after they were all started anew"
    assert c.command("enable", name).returncode == 0
    fleet.until_in_step()
    fleet.until(lambda: enabled() == {True}, "all know", patience=10)


def test_what_is_given_away_before_its_turn_is_done_by_who_has_it_then(three: Three) -> None:
    fleet, (a, b, c) = three.fleet, three.members
    c.kill()
    fleet.until_shared_out(a, b)
    fleet.until_in_step()
    had = a.owned()
    numbers = [fleet.sheets.index(sheet) for sheet in had]
    busy = Trap(three.box, "before_read", a, lambda: None, hold=True)
    fleet.edit(*range(SPREADSHEETS), name="given away")
    a.client.force()
    fleet.until(lambda: busy.sprung, "it is in the middle of a sync")
    done = in_thread(a, "force", *(f"d{number}" for number in numbers), "--json")
    fleet.until(lambda: a.events("control.changed")[-1]["datasets"], "another one is asked for, and has to wait")
    c.start()
    fleet.until(lambda: c.owned() & had, "meanwhile some of them are given to one that joins")
    busy.let_go()
    answer = done.result(60)
    assert answer.returncode == 0, answer
    assert results(answer).keys() == {f"d{number}" for number in numbers}
    assert not {*numbers} & {*fleet.differences()}
