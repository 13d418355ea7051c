"""Fleets of real daemons on a real PostgreSQL: take-over, what moves, late writes, and how much more they sync.

The stand-in of Google runs in this process, so that what reaches it, and when, is seen without another clock.
"""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from statistics import median

from tests.databases import started_postgresql
from tests.fleet import Fleet, Member

from moneymentor_sync.adapters.cluster_locks import PostgresqlLocks
from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.core.cluster_ports import Seen
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault
from moneymentor_sync.sandbox.messages import Request
from moneymentor_sync.sandbox.quota import Quota
from moneymentor_sync.wiring import open_engine
from moneymentor_sync.wiring.cluster import joined

from .figures import Figure, count, ratio, seconds
from .setting import Setting

SPREADSHEETS = 200
LEASE_SECONDS = 15.0
_PATIENCE = 240.0
_LOOK = 0.02


def take_over(setting: Setting) -> Iterator[Figure]:
    """One member after the other goes, in each of the ways there are, and comes. The lease is the default, or 5 s."""
    lease = 5.0 if setting.quick else LEASE_SECONDS
    with fleet(setting, "take-over", SPREADSHEETS, lease_seconds=lease) as found:
        a, b, c = (found.add(name) for name in "abc")
        for one in (a, b, c):
            one.start()
        found.until_shared_out(a, b, c)
        found.until_in_step()
        with Locks(found) as locks:
            even = [len(one.owned()) for one in (a, b, c)]
            yield count(
                "fleet.most", f"spreadsheets of {SPREADSHEETS} that one of three members has", max(even), 67
            )
            yield count("fleet.least", "and at the least", min(even), None)
            d = found.add("d")
            yield from _moves(found, locks, "join", "a fourth one joins", d.start, (a, b, c, d))
            yield from _goes(found, locks, "stop", d, d.end, (a, b, c))
            yield from _goes(found, locks, "kill", c, c.kill, (a, b))
            freeze = _frozen(b)
            yield from _goes(found, locks, "freeze", b, freeze, (a,), limit=lease)
        b.signal(signal.SIGCONT)
        found.until_shared_out(a, b)


def late_writes(setting: Setting) -> Iterator[Figure]:
    """The owner is frozen at any moment of a sync, another takes over and syncs, and the owner wakes: whose writes
    Google then applies, by the stand-in's own order. In every other round a write of the owner's is on its way all
    that time. Then the window: from the last proof before a write to its arrival."""
    rounds = 4 if setting.quick else 20
    chance = random.Random(1)
    with fleet(setting, "late", 20, lease_seconds=2.0) as found:
        a, b = found.add("a"), found.add("b")
        a.start()
        found.until_in_step()
        b.start()
        found.until_shared_out(a, b)
        late = Late()
        found.box.hooks.before_write(late.arrives)
        found.box.hooks.on_change(late.applied)
        for number in range(rounds):
            owner, other = (a, b) if number // 2 % 2 else (b, a)
            _one_late(found, owner, other, late, held=bool(number % 2), pause=chance.uniform(0.0, 0.3))
        found.until_in_step()
        left = sum(len(one.events("dataset.stopped")) for one in (a, b))
        yield count("late.rounds", "owners frozen in the middle of a sync, and woken after the take-over", rounds)
        yield count("late.left", "datasets that such an owner left to the other when it woke", left)
        yield count("late.held", "writes held on their way until the other had written", late.held)
        yield count("late.refused", "writes that Google refused by the fence, those among them", late.refused)
        yield count("late.applied", "writes applied that did not follow on the last one", late.stale, 0)
        yield count("late.differences", "spreadsheets that differ in the end", len(found.differences()), 0)
        a.end()
        b.end()
        yield from _window(found)


def members(setting: Setting) -> Iterator[Figure]:
    """Syncs a minute of one, two and four members, where Google takes its time and has its quota."""
    span, teams = (8.0, (1, 2)) if setting.quick else (60.0, (1, 2, 4))
    accounts, call = 5, 0.5
    base = 0.0
    for number in teams:
        with fleet(setting, f"members-{number}", 40, quota=Quota(), accounts=accounts) as found:
            team = [found.add(name) for name in "abcd"[:number]]
            for one in team:
                one.start()
            found.until_shared_out(*team)
            _wait(partial(_all_there, found), "first syncs")
            found.box.faults.add(Fault("delay", on="any", seconds=call, count=None))
            synced, refused = _stream(found, team, span)
        rate = synced / span * 60
        base = base or rate
        what = f"{number} member{'s' if number > 1 else ''}, {call:g} s a call, {accounts} accounts"
        yield count(f"members.{number}", f"syncs with a change a minute: {what}", round(rate))
        if number > 1:
            yield ratio(f"members.{number}.times", "of one member's", rate / base)
        yield count(f"members.{number}.refused", "calls that Google refused for its quota meanwhile", refused, 0)


# --- the parts ----------------------------------------------------------------------------------------------


@contextmanager
def fleet(
    setting: Setting,
    name: str,
    spreadsheets: int,
    *,
    lease_seconds: float = LEASE_SECONDS,
    quota: Quota | None = None,
    accounts: int = 0,
) -> Iterator[Fleet]:
    folder = setting.directory / name
    folder.mkdir()
    with started_postgresql() as server, Sandbox(folder / "box", quota=None) as box:
        keys = [box.account(f"sync-{number}") for number in range(accounts)]
        found = Fleet(
            folder,
            box,
            server,
            spreadsheets=spreadsheets,
            lease_seconds=lease_seconds,
            accounts=keys,
            requests_per_minute=100_000 if quota is None else None,
        )
        box.quota = quota
        try:
            yield found
        finally:
            found.close()


class Locks:
    """Who has what, by the engine's own word."""

    def __init__(self, found: Fleet) -> None:
        self._locks = PostgresqlLocks(found.shared.url, "default", 600.0)
        self._wanted = {shard_of(one): one for one in found.sheets}

    def __enter__(self) -> Locks:
        self._locks.open(None)
        return self

    def __exit__(self, *_: object) -> None:
        self._locks.close()

    def owners(self) -> dict[int, int]:
        """The member of each shard that has a spreadsheet."""
        seen: Seen = self._locks.look()
        return {shard: member for member, held in seen.others.items() for shard in held if shard in self._wanted}

    def weight(self, found: Fleet, shards: Mapping[int, int] | set[int]) -> int:
        """The spreadsheets in these shards."""
        return sum(shard_of(one) in shards for one in found.sheets)


def _moves(
    found: Fleet, locks: Locks, name: str, what: str, do: Callable[[], object], after: tuple[Member, ...]
) -> Iterator[Figure]:
    before = locks.owners()
    begin = time.perf_counter()
    do()
    found.until_shared_out(*after)
    yield seconds(
        f"{name}.seconds",
        f"{what}: until all are shared out again, its start included",
        time.perf_counter() - begin,
    )
    moved = {shard for shard, owner in locks.owners().items() if before.get(shard) != owner}
    share = len(found.sheets) / len(after)
    yield count(
        f"{name}.moved",
        f"{what}: spreadsheets moved (its share is {share:g})",
        locks.weight(found, moved),
        round(share) + 1,
    )


def _goes(
    found: Fleet,
    locks: Locks,
    name: str,
    who: Member,
    do: Callable[[], object],
    after: tuple[Member, ...],
    *,
    limit: float = 0.0,
) -> Iterator[Figure]:
    what = {"stop": "one is stopped", "kill": "one is killed (-9)", "freeze": "one is frozen (SIGSTOP)"}[name]
    before = locks.owners()
    mine = {shard_of(one) for one in who.owned()}
    [gone] = {before[shard] for shard in mine}
    begin = time.perf_counter()
    do()
    _wait(lambda: _taken(locks, before, gone), f"{what}: the others take over")
    took = time.perf_counter() - begin
    yield seconds(f"{name}.seconds", f"{what}: until its spreadsheets have other owners", took)
    if limit:
        yield ratio(f"{name}.lease", f"that against the lease of {limit:g} s", took / limit, 1.0)
    found.until_shared_out(*after)
    moved = {shard for shard, owner in locks.owners().items() if before.get(shard) != owner}
    yield count(
        f"{name}.moved", f"{what}: spreadsheets moved that were not its own", locks.weight(found, moved - mine), 0
    )


def _taken(locks: Locks, before: Mapping[int, int], gone: int) -> bool:
    now = locks.owners()
    return now.keys() >= before.keys() and gone not in now.values()


def _frozen(who: Member) -> Callable[[], None]:
    return lambda: who.signal(signal.SIGSTOP)


def _one_late(found: Fleet, owner: Member, other: Member, late: Late, *, held: bool, pause: float) -> None:
    """The owner is frozen during a sync of all that it has; the other takes over, and everything is in step."""
    found.until_shared_out(owner, other)
    names = [f"d{number}" for number, one in enumerate(found.sheets) if one in owner.owned()]
    found.database.run("UPDATE item SET amount = amount + 1")
    if held:
        late.hold()
    owner.client.force(names)
    if held:
        _wait(lambda: late.holding, "a write of the owner's is on its way")
    else:
        threading.Event().wait(pause)
    owner.signal(signal.SIGSTOP)
    found.until_shared_out(other)
    found.database.run("UPDATE item SET amount = amount + 1")
    other.client.force(wait=True)
    found.until_in_step()
    late.release()
    owner.signal(signal.SIGCONT)


class Late:
    """Each fenced batch takes a token away and puts another up: those applied are a chain for each spreadsheet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, str] = {}
        self._free = threading.Event()
        self._free.set()
        self._to_hold = False
        self.holding = False
        self.arrived = self.changes = self.stale = self.held = 0

    @property
    def refused(self) -> int:
        return self.arrived - self.changes

    def hold(self) -> None:
        """The next write is kept on its way until `release`."""
        self._free.clear()
        self._to_hold = True

    def release(self) -> None:
        self.holding = False
        self._free.set()

    def arrives(self, request: Request) -> None:
        if b"deleteNamedRange" not in request.body:
            return
        with self._lock:
            self.arrived += 1
            held, self._to_hold = self._to_hold, False
        if held:
            self.held += 1
            self.holding = True
            self._free.wait(_PATIENCE)

    def applied(self, request: Request, _caller: str, _before: object) -> None:
        if b"deleteNamedRange" not in request.body:
            return
        taken = _between(request.body, b'"deleteNamedRange":{"namedRangeId":"', b'"')
        put = _between(request.body, b'"namedRangeId":"', b'"', after=b"addNamedRange")
        with self._lock:
            self.changes += 1
            last = self._last.get(request.path)
            self.stale += last is not None and last != taken
            self._last[request.path] = put


def _window(found: Fleet) -> Iterator[Figure]:
    """One engine in this process, so that one clock sees the proof and the arrival."""
    proofs: list[float] = []
    windows: list[float] = []

    def arrived(request: Request) -> None:
        if b"deleteNamedRange" in request.body:
            windows.append(time.perf_counter() - proofs[-1])

    config = load_config(found.members[0].config, environ={})
    found.box.hooks.clear()
    found.box.hooks.on_arrival(arrived)
    with joined(config) as shared:
        prove = shared.tenure.prove

        def noted(spreadsheet_id: str) -> None:
            prove(spreadsheet_id)
            proofs.append(time.perf_counter())

        shared.tenure.prove = noted  # type: ignore[method-assign]
        with open_engine(config, holder="benchmark", shared=shared) as engine:
            shared.tenure.begin(None)
            shared.tenure.take([shard_of(one) for one in found.sheets])
            for _ in range(10):
                found.database.run("UPDATE item SET amount = amount + 1")
                assert engine.run(config.datasets).ok
    what = f"from a member's proof to the arrival of its write, {len(windows)} writes"
    yield seconds("late.window", f"{what}: median", median(windows))
    yield seconds("late.window.most", f"{what}: the longest", max(windows))


def _between(body: bytes, start: bytes, end: bytes, *, after: bytes = b"") -> str:
    begin = body.index(start, body.index(after)) + len(start)
    return body[begin : body.index(end, begin)].decode()


def _all_there(found: Fleet) -> bool:
    return all(found.tab(number) is not None for number in range(len(found.sheets)))


def _stream(found: Fleet, team: list[Member], span: float) -> tuple[int, int]:
    """All rows change again and again while every member syncs without a pause; syncs that wrote, and refusals."""
    over = threading.Event()

    def keep_asking(member: Member) -> None:
        names = [f"d{n}" for n, one in enumerate(found.sheets) if one in member.owned()]
        for number in itertools.count():
            if over.is_set():
                return
            some = [names[(4 * number + k) % len(names)] for k in range(4)]
            found.database.run("UPDATE item SET amount = amount + 1")
            member.client.force(some, wait=True)

    threads = [threading.Thread(target=keep_asking, args=(one,), daemon=True) for one in team]
    for one in threads:
        one.start()
    threading.Event().wait(span)  # until all are at it, and the minute of the first syncs is over
    found.box.log.reset()
    threading.Event().wait(span)
    writes = found.box.log.of("write")
    refused = sum(entry.status == 429 for entry in found.box.log.entries)
    over.set()
    for one in threads:
        one.join(_PATIENCE)
    return sum(entry.status == 200 for entry in writes), refused


def _wait(condition: Callable[[], object], what: str) -> None:
    for _ in range(int(_PATIENCE / _LOOK)):
        if condition():
            return
        threading.Event().wait(_LOOK)
    raise AssertionError(f"not within {_PATIENCE:g} s: {what}")
