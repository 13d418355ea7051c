"""The simulation by which a fleet is planned keeps to the quota, serves everybody, and is the same each time."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from benchmarks import fleet_plan
from benchmarks.fleet_plan import PER_ACCOUNT, PER_PROJECT, SOURCES, Assumptions, Plan, Quota, simulate

SMALL = Assumptions(spreadsheets=400, rows=400_000, changed=0.5, ticks=4, seed=7)
CROWDED = replace(SMALL, spreadsheets=1_000, changed=0.9, call_seconds=(0.1, 0.2))
"""More changes than one account has calls for."""


def test_every_assumption_says_where_it_is_from() -> None:
    assert SOURCES.keys() == {one.name for one in fields(Assumptions)}


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    plan = Plan(3, 2, 1)
    assert simulate(SMALL, plan) == simulate(SMALL, plan) != simulate(replace(SMALL, seed=8), plan)


@pytest.mark.parametrize("plan", [Plan(1, 1, 1), Plan(4, 1, 1), Plan(8, 10, 1), Plan(8, 3, 2)], ids=str)
def test_no_window_has_more_calls_than_the_quota_and_every_change_arrives(plan: Plan) -> None:
    found = simulate(CROWDED, plan)
    assert found.unserved == 0
    assert 0 < found.p50 <= found.p99 <= found.oldest
    for what, most in found.most_in_a_window.items():
        assert most <= (PER_ACCOUNT if "account" in what else PER_PROJECT)
    if plan.accounts == 1:
        assert found.most_in_a_window["writes of an account"] == PER_ACCOUNT  # so it was the limit that held


def test_a_project_of_many_accounts_is_held_to_its_own_limit() -> None:
    quota = Quota(Plan(1, 10, 1))
    turns = [quota.turn(0.0) for _ in range(2 * PER_PROJECT)]
    assert turns == [0.0] * PER_PROJECT + [60.0] * PER_PROJECT
    assert quota.most(2) == PER_PROJECT
    assert quota.most(1) <= PER_ACCOUNT


def test_where_quota_is_left_more_members_make_no_change_older() -> None:
    found = [simulate(SMALL, Plan(members, 5, 4)) for members in (1, 2, 4, 8)]
    assert all(one.writes_used < 0.5 for one in found)
    assert [one.p99 for one in found] == sorted((one.p99 for one in found), reverse=True)
    assert found[0].members_busy > found[-1].members_busy


def test_where_the_quota_is_short_accounts_help_and_members_do_not() -> None:
    one, members, accounts = (simulate(CROWDED, plan) for plan in (Plan(2, 1, 1), Plan(8, 1, 1), Plan(2, 3, 1)))
    assert not one.met
    assert members.p50 > 0.8 * one.p50
    assert accounts.p50 < 0.8 * one.p50


def test_a_fleet_that_cannot_keep_up_is_told_from_one_that_can() -> None:
    given = replace(SMALL, spreadsheets=5_000, rows=5_000_000, changed=0.1, ticks=9)
    assert [simulate(given, Plan(members, 5, 4)).behind for members in (2, 32)] == [True, False]


def test_every_spreadsheet_has_one_owner_and_owners_have_about_the_same() -> None:
    shares = fleet_plan.owners(400, 7)
    assert sorted(sheet for mine in shares for sheet in mine) == list(range(400))
    assert max(map(len, shares)) - min(map(len, shares)) <= 2


def test_what_is_recommended_meets_the_target_also_with_a_member_less() -> None:
    found = [simulate(SMALL, Plan(members, accounts, 1)) for members in (1, 2, 3) for accounts in (1, 5)]
    best = fleet_plan.recommended(found)
    assert best is not None
    less = next(one for one in found if one.plan == replace(best.plan, members=best.plan.members - 1))
    assert best.met
    assert less.met
    assert fleet_plan.recommended([one for one in found if not one.met]) is None


def test_the_command_prints_every_plan_and_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    fleet_plan.main(["--spreadsheets", "100", "--rows", "100000", "--ticks", "3", "--json", str(file)])
    content = json.loads(file.read_text(encoding="utf-8"))
    assert len(content["plans"]) == len(fleet_plan.PLANS)
    assert content["assumed"]["spreadsheets"] == 100
    shown = capsys.readouterr().out
    assert [name for name in (*fleet_plan.COLUMNS, *SOURCES) if name not in shown] == []


def test_the_figures_in_the_docs_are_those_of_the_command() -> None:
    text = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8").replace("*", "")
    rows = re.findall(r"(?m)^\| (\d+) \| (\d) \| (.+) \|$", text)
    assert len(rows) > 4
    for members, accounts, told in rows:
        found = simulate(Assumptions(), Plan(int(members), int(accounts), 1))
        times = f"{found.p50 / 60:.1f} min | {found.p99 / 60:.1f} min | {found.reads_used:.0%}".replace("%", " %")
        beginning = "falls behind | | |" if found.behind else f"{times} | {found.engine_queries:,.0f}"
        assert told == f"{beginning} | {found.first_fill:.1f} h"
