"""How many members, service accounts and projects a fleet needs: by simulation, without a network.

    python -m benchmarks.fleet_plan [--spreadsheets 10000] [--rows 100000000] [--changed 0.05] [--json FILE]

The rules by which spreadsheets are shared out are the product's own; time is simulated; the same seed gives the
same figures. Each member reads all that is its own in one pass each interval, and then writes what has changed, one
spreadsheet after the other, as the daemon does. Prints what is assumed, with its source, then the plans.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from moneymentor_sync.core.budget import WINDOW_SECONDS, Limits
from moneymentor_sync.core.sharing import shard_of, share, takes, weights

PER_ACCOUNT, PER_PROJECT, WINDOW = Limits().account, Limits().project, WINDOW_SECONDS
"""Calls of one kind a minute that a fleet allows itself: nine tenths of what Google does."""
BODY = 2_000_000
TARGET_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is not simulated; each with where it is from."""

    spreadsheets: int = 10_000
    rows: int = 100_000_000
    changed: float = 0.05
    interval: float = 300.0
    ticks: int = 12
    verify_seconds: float = 86_400.0
    seed: int = 1
    skew: float = 1.5
    rows_changed: float = 0.01
    read_row: float = 3.1e-6
    read_spreadsheet: float = 0.005
    row_bytes: float = 114.0
    changed_row_bytes: float = 284.0
    call_seconds: tuple[float, float] = (0.5, 3.0)
    beat: float = 1.0
    beat_statements: int = 5
    sync_statements: int = 6
    turn_statements: int = 6
    hash_bytes: int = 32


SOURCES: Mapping[str, str] = {
    "spreadsheets": "asked for",
    "rows": "asked for; sizes are log-normal, at most 800,000 rows (10 M cells a spreadsheet: Google)",
    "changed": "asked for: the share of the spreadsheets with a change in each interval, at any moment of it",
    "interval": "the default of interval_seconds",
    "ticks": "intervals simulated, of which the first counts for nothing",
    "verify_seconds": 'assumed: verify = "24h"; with "auto" each spreadsheet costs a read an interval (see below)',
    "seed": "asked for",
    "skew": "assumed: the standard deviation of the logarithm of sizes",
    "rows_changed": "assumed: of a spreadsheet that changes",
    "read_row": "measured: unchanged.blind.engine at 10,000 rows (benchmarks/run.py), 31 ms",
    "read_spreadsheet": "assumed: a query's own time beside its rows",
    "row_bytes": "measured: first.new.bytes, 1.1 MB for 10,000 rows of 11 columns",
    "changed_row_bytes": "measured: changes.near.bytes",
    "call_seconds": "assumed: Google's time for a call, even between the two; nobody outside knows it",
    "beat": "the product's: seconds between two looks of a member",
    "beat_statements": "assumed, by reading the code: statements on the cluster's database a beat",
    "sync_statements": "likewise: a sync, also one that finds nothing",
    "turn_statements": "likewise: a call's turn in the shared quota",
    "hash_bytes": "the product's: key and row, 16 bytes each",
}


@dataclass(frozen=True, slots=True)
class Plan:
    members: int
    accounts: int  # of each project
    projects: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan comes to. Times are seconds; `first_fill` is hours; shares are of what the fleet allows itself.

    One that is `behind` cannot keep up: what it takes grows for as long as one looks.
    """

    plan: Plan
    p50: float
    p99: float
    oldest: float
    unserved: int
    behind: bool
    reads_used: float
    writes_used: float
    members_busy: float
    engine_queries: float
    first_fill: float
    most_in_a_window: dict[str, int]

    @property
    def met(self) -> bool:
        return self.p99 <= TARGET_SECONDS and not self.unserved and not self.behind


class Change(NamedTuple):
    at: float
    sheet: int
    rows: int
    seconds: float  # that Google takes for each call of it


# --- the world --------------------------------------------------------------------------------------------


def sizes(given: Assumptions) -> list[int]:
    """Rows of each spreadsheet: skewed, about `rows` in all."""
    rng = random.Random(given.seed)
    raw = [rng.lognormvariate(0, given.skew) for _ in range(given.spreadsheets)]
    scale = given.rows / sum(raw)
    return [min(800_000, max(1, round(one * scale))) for one in raw]


def changes(given: Assumptions, rows: Sequence[int]) -> list[Change]:
    """What changes when; the same for every plan."""
    rng = random.Random(given.seed + 1)
    each = round(given.spreadsheets * given.changed)
    return sorted(
        Change(
            (tick + rng.random()) * given.interval,
            sheet,
            ceil(rows[sheet] * given.rows_changed),
            rng.uniform(*given.call_seconds),
        )
        for tick in range(given.ticks)
        for sheet in rng.sample(range(given.spreadsheets), each)
    )


@cache
def owners(spreadsheets: int, members: int) -> tuple[tuple[int, ...], ...]:
    """The spreadsheets of each member, as the members share them out between themselves."""
    names = [f"sheet-{one}" for one in range(spreadsheets)]
    shards = weights(names)
    held: dict[str, set[int]] = {f"m{one}": set() for one in range(members)}
    free: dict[str, set[int]] = {}
    changed = True
    while changed or set(shards) != set().union(*held.values()):
        changed = False
        for name, mine in held.items():
            step = share(shards, name, mine, {other: one for other, one in held.items() if other != name})
            mine.difference_update(step.give)
            load = sum(shards[shard] for shard in mine)
            for shard in step.take:
                if takes(load, shards[shard], step.fair, lingers=shard in free.get(name, ())):
                    mine.add(shard)
                    load += shards[shard]
                    changed = True
            free[name] = set(step.take) - mine
            changed = changed or bool(step.give)
    holder = {shard: name for name, mine in held.items() for shard in mine}
    found: dict[str, list[int]] = {name: [] for name in held}
    for number, name in enumerate(names):
        found[holder[shard_of(name)]].append(number)
    return tuple(map(tuple, found.values()))


class Quota:
    """Turns of one kind of call in the shared buckets: none is given beyond a limit, in any window."""

    def __init__(self, plan: Plan) -> None:
        self._accounts = [
            (deque[float](maxlen=PER_ACCOUNT), project)
            for project in (deque[float](maxlen=PER_PROJECT) for _ in range(plan.projects))
            for _ in range(plan.accounts)
        ]
        self.given: list[tuple[float, int, int]] = []  # when, account, project

    def turn(self, now: float) -> float:
        """When a call that is ready now may go out. Asked in the order of time."""
        ready = [max(now, _next(account), _next(project)) for account, project in self._accounts]
        at = min(ready)
        number = ready.index(at)
        for bucket in self._accounts[number]:
            bucket.append(at)
        projects = len({id(project) for _, project in self._accounts})
        self.given.append((at, number, number * projects // len(self._accounts)))
        return at

    def most(self, which: int) -> int:
        """The most calls in any window: of an account (1), of a project (2)."""
        most = 0
        ordered = sorted(self.given, key=lambda one: (one[which], one[0]))
        for _, calls in groupby(ordered, key=lambda one: one[which]):
            window: deque[float] = deque()
            for at, *_ in calls:
                while window and window[0] + WINDOW <= at:
                    window.popleft()
                window.append(at)
                most = max(most, len(window))
        return most


def _next(bucket: deque[float]) -> float:
    """The first moment at which there is room; slots are in order, since turns are asked for in order of time."""
    if len(bucket) < (bucket.maxlen or 0):
        return bucket[-1] if bucket else 0.0
    return max(bucket[-1], bucket[0] + WINDOW)


# --- a fleet at work --------------------------------------------------------------------------------------


@dataclass
class World:
    given: Assumptions
    rows: Sequence[int]
    reads: Quota
    writes: Quota
    arrived: list[tuple[float, float]] = field(default_factory=list)  # when a change was made, and its age then
    busy: float = 0.0

    def member(self, mine: Sequence[int], made: Sequence[Change], begin: float) -> Iterator[float]:
        """A member's time: yields the moment at which it is next to be asked, so that all ask in order."""
        end, now = self.given.interval * self.given.ticks, begin
        reading = sum(self.rows[sheet] for sheet in mine) * self.given.read_row
        reading += len(mine) * self.given.read_spreadsheet
        verifying = len(mine) * self.given.interval / self.given.verify_seconds
        owed, seen = 0.0, 0
        while now <= end or seen < len(made):
            start = now
            found: dict[int, list[Change]] = {}
            while seen < len(made) and made[seen].at <= start:
                found.setdefault(made[seen].sheet, []).append(made[seen])
                seen += 1
            now += reading
            owed += verifying
            mean = sum(self.given.call_seconds) / 2
            while owed >= 1:
                owed -= 1
                yield now
                now = self.reads.turn(now) + mean
            for those in found.values():
                for quota, calls in ((self.reads, 1), (self.writes, _writes(self.given, those))):
                    for _ in range(calls):
                        yield now
                        now = quota.turn(now) + those[-1].seconds
                self.arrived += [(one.at, now - one.at) for one in those if one.at >= self.given.interval]
            self.busy += now - start
            now = max(now, start + self.given.interval)
            yield now


def _writes(given: Assumptions, those: Sequence[Change]) -> int:
    """One, or where there is more than a body holds as many as that takes, and the four of a staging tab."""
    bodies = ceil(sum(one.rows for one in those) * given.changed_row_bytes / BODY)
    return 1 if bodies <= 1 else bodies + 4


def simulate(given: Assumptions, plan: Plan) -> Outcome:
    rows = sizes(given)
    world = World(given, rows, Quota(plan), Quota(plan))
    shares = owners(given.spreadsheets, plan.members)
    owner = {sheet: number for number, mine in enumerate(shares) for sheet in mine}
    made: list[list[Change]] = [[] for _ in shares]
    for one in changes(given, rows):
        made[owner[one.sheet]].append(one)
    lives = [
        world.member(mine, made[number], number * given.interval / plan.members)
        for number, mine in enumerate(shares)
    ]
    asks = [(next(life), number) for number, life in enumerate(lives)]
    heapq.heapify(asks)
    while asks:
        _, number = heapq.heappop(asks)
        at = next(lives[number], None)
        if at is not None:
            heapq.heappush(asks, (at, number))
    return _outcome(world, plan, sum(one.at >= given.interval for those in made for one in those))


def _outcome(world: World, plan: Plan, made: int) -> Outcome:
    given, ages = world.given, sorted(age for _, age in world.arrived)
    by_time = [age for _, age in sorted(world.arrived)]
    third = len(ages) // 3
    quotas = {"read": world.reads, "write": world.writes}
    last = max(
        [given.interval * (given.ticks + 1), *(quota.given[-1][0] for quota in quotas.values() if quota.given)]
    )
    allowed = plan.projects * min(plan.accounts * PER_ACCOUNT, PER_PROJECT)
    used = {kind: len(quota.given) / (last / WINDOW) / allowed for kind, quota in quotas.items()}
    calls = sum(len(quota.given) for quota in quotas.values()) / last
    passes = max(given.interval, world.busy / plan.members / (given.ticks + 1))
    return Outcome(
        plan,
        p50=ages[len(ages) // 2],
        p99=ages[ceil(0.99 * len(ages)) - 1],
        oldest=ages[-1],
        unserved=made - len(ages),
        behind=sum(by_time[-third:]) > 1.2 * sum(by_time[third : 2 * third]),
        reads_used=used["read"],
        writes_used=used["write"],
        members_busy=world.busy / plan.members / last,
        engine_queries=plan.members * given.beat_statements / given.beat
        + given.sync_statements * given.spreadsheets / passes
        + given.turn_statements * calls,
        first_fill=first_fill(given, world.rows, plan, allowed),
        most_in_a_window={
            f"{kind}s of {name}": quota.most(which)
            for kind, quota in quotas.items()
            for which, name in ((1, "an account"), (2, "a project"))
        },
    )


def first_fill(given: Assumptions, rows: Sequence[int], plan: Plan, allowed: int) -> float:
    """Hours until every spreadsheet is filled once: whichever takes longer, the quota or the busiest member."""
    calls = [ceil(one * given.row_bytes / BODY) + 2 for one in rows]
    slowest = max(
        sum(calls[sheet] * given.call_seconds[1] + rows[sheet] * given.read_row for sheet in mine)
        for mine in owners(given.spreadsheets, plan.members)
    )
    return max(sum(calls) / allowed * WINDOW, slowest) / 3600


PLANS = tuple(
    Plan(members, accounts, projects)
    for members in (1, 2, 4, 6, 7, 8, 9, 16, 32)
    for accounts, projects in ((1, 1), (2, 1), (3, 1), (5, 1), (5, 2))
)


def recommended(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The one with the fewest accounts, and then members, that meets the target also with a member less."""
    met = {one.plan for one in outcomes if one.met}
    fit = [one for one in outcomes if {one.plan, replace(one.plan, members=one.plan.members - 1)} <= met]
    return min(fit, key=lambda one: (one.plan.accounts * one.plan.projects, one.plan.members), default=None)


# --- for people -------------------------------------------------------------------------------------------

COLUMNS = (
    "members",
    "accounts",
    "projects",
    "p50",
    "p99",
    "oldest",
    "reads",
    "writes",
    "busy",
    "queries/s",
    "fill",
)


def show(console: Console, given: Assumptions, outcomes: Sequence[Outcome]) -> None:
    table = Table(title="Assumed", title_justify="left", box=None)
    for name in ("what", "value", "from"):
        table.add_column(name)
    for what, value in asdict(given).items():
        table.add_row(what, f"{value:,}" if isinstance(value, int) else str(value), SOURCES[what])
    console.print(table)
    table = Table(title="Plans (accounts are those of each project)", title_justify="left", box=None)
    for name in (*COLUMNS, ""):
        table.add_column(name, justify="right")
    for one in outcomes:
        table.add_row(
            *map(str, (one.plan.members, one.plan.accounts, one.plan.projects)),
            *(f"{seconds / 60:,.1f} min" for seconds in (one.p50, one.p99, one.oldest)),
            *(f"{used:.0%}" for used in (one.reads_used, one.writes_used, one.members_busy)),
            f"{one.engine_queries:,.0f}",
            f"{one.first_fill:,.1f} h",
            "falls behind" if one.behind else "",
            style="bold" if one.met else None,
        )
    console.print(table)
    rows = sizes(given)
    console.print(f"State in the cluster's database: {sum(rows) * given.hash_bytes / 1e9:,.1f} GB of hashes.")
    console.print(
        f"Read of the application's database: {sum(rows) / given.interval:,.0f} rows a second (all, each interval)."
    )
    least = given.spreadsheets / (given.interval / WINDOW) / PER_PROJECT
    console.print(f'With verify = "auto" the reads alone would take {least:,.1f} projects of five accounts.')
    best = recommended(outcomes)
    told = f"99 % of changes in the sheet within {TARGET_SECONDS / 60:.0f} minutes, also with a member less"
    if best is None:
        console.print(f"No plan here has {told}.")
    else:
        plan = best.plan
        console.print(
            f"Recommended for {told}: {plan.members} members, {plan.projects} x {plan.accounts} service accounts."
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Assumptions()
    for name in ("spreadsheets", "rows", "ticks", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name))
    parser.add_argument("--changed", type=float, default=default.changed)
    parser.add_argument("--interval", type=float, default=default.interval)
    parser.add_argument("--json", type=Path)
    options = vars(parser.parse_args(arguments))
    file = options.pop("json")
    given = Assumptions(**options)
    outcomes = [simulate(given, plan) for plan in PLANS]
    show(Console(width=150), given, outcomes)
    if file is not None:
        content = {"assumed": asdict(given), "plans": [asdict(one) | {"met": one.met} for one in outcomes]}
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
