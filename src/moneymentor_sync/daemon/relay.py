"""Errands between members: what is asked here of datasets that another member has, and the other way round."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Protocol

from moneymentor_sync.core.cluster_ports import Errand, Register
from moneymentor_sync.core.cluster_view import ClusterView, owners
from moneymentor_sync.core.errors import ClusterError, ShuttingDownError
from moneymentor_sync.core.settings import Config
from moneymentor_sync.core.sharing import shard_of

from .wish import PLACING_SECONDS, Wish

Document = dict[str, Any]


class Here(Protocol):
    """What a member does when another asks it; names are those of datasets that it is said to have."""

    def force_here(self, names: Collection[str], *, allow_deletes: bool) -> Future[Document]: ...

    def notice_here(self, names: Collection[str]) -> None: ...


_NOBODY = "no member has the spreadsheet at the moment, or none answered"
_AWAY = "this member takes no part in its fleet at the moment"


class Relay:
    """`serve` is called at each beat of the membership; everything else from any thread, and it waits for nothing.

    `wake` asks for a beat at once, `monotonic` is seconds."""

    def __init__(
        self,
        register: Register,
        config: Callable[[], Config],
        here: Here,
        wake: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._register = register
        self._config = config
        self._here = here
        self._wake = wake
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._wishes: list[Wish] = []
        self._served = monotonic()
        self._notices: set[str] = set()
        self._doing: dict[int, tuple[Future[Document], frozenset[str]]] = {}

    @property
    def busy(self) -> bool:
        """Whether somebody waits, here or elsewhere."""
        return bool(self._wishes or self._doing)

    def force(self, run_id: str, names: Collection[str], *, allow_deletes: bool) -> Future[Document]:
        """Has the members that have these datasets sync them; the result comes when all have."""
        wish = Wish(run_id, allow_deletes, self._monotonic(), set(names))
        with self._lock:
            self._wishes.append(wish)
        self._wake()
        return wish.done

    def follow(
        self, run_id: str, names: Collection[str], done: Future[Document], *, allow_deletes: bool
    ) -> Future[Document]:
        """The result of a sync here, and where this member no longer had what was asked for, of who has it then."""
        wish = Wish(run_id, allow_deletes, self._monotonic(), set())

        def hand_on(ended: Future[Document]) -> None:
            if ended.cancelled():
                wish.done.cancel()
                return
            answer = ended.result()
            wish.take_in(answer, frozenset(names), self._monotonic())
            if not wish.open:
                wish.done.set_result(answer)
                return
            with self._lock:
                self._wishes.append(wish)
            self._wake()

        done.add_done_callback(hand_on)
        return wish.done

    def notice(self, names: Collection[str]) -> None:
        """Tells whoever has these datasets that they changed; many become one errand a beat."""
        with self._lock:
            self._notices |= set(names)

    def serve(self, me: int, view: ClusterView) -> None:
        """Sends what is asked here, takes in what was answered, and does what is asked of this member.

        Raises ClusterError."""
        owner_of = self._owners(view)
        self._send_notices(owner_of)
        for wish in list(self._wishes):
            self._collect(wish, view)
            self._send(wish, owner_of)
            if wish.is_over(self._monotonic()):
                self._finish(wish, _NOBODY)
        self._do_errands(me)
        self._served = self._monotonic()

    def expire(self) -> None:
        """At each beat, whatever else fails in it: nobody waits for ever for a fleet that cannot be reached."""
        away = self._monotonic() >= self._served + PLACING_SECONDS
        for wish in list(self._wishes):
            if away or wish.is_over(self._monotonic()):
                with suppress(ClusterError):
                    self._finish(wish, _AWAY if away else _NOBODY)

    def close(self) -> None:
        """Nobody is asked any more; who waits learns that it was cancelled."""
        with self._lock:
            wishes, self._wishes = self._wishes, []
        for wish in wishes:
            wish.done.cancel()

    def _owners(self, view: ClusterView) -> Callable[[str], int | None]:
        held = owners(view)
        shards = {one.name: shard_of(one.spreadsheet_id) for one in self._config().datasets}
        return lambda name: held.get(shards.get(name, -1))

    # --- what is asked here ---------------------------------------------------------------------------------

    def _send_notices(self, owner_of: Callable[[str], int | None]) -> None:
        """One of a dataset that nobody has is not needed: whoever gets it syncs it then."""
        with self._lock:
            names, self._notices = self._notices, set()
        try:
            for member, group in _grouped(names, owner_of).items():
                self._register.ask(member, {"do": "notice", "datasets": sorted(group)})
        except ClusterError:
            self.notice(names)  # again with the next beat; twice is no harm
            raise

    def _send(self, wish: Wish, owner_of: Callable[[str], int | None]) -> None:
        if not wish.may_send(self._monotonic()):
            return
        for member, group in _grouped(wish.open, owner_of).items():
            ask = {"do": "force", "datasets": sorted(group), "allow_deletes": wish.allow_deletes}
            wish.sent(self._register.ask(member, ask), member, group)

    def _collect(self, wish: Wish, view: ClusterView) -> None:
        """Takes answers in; what a member had that is gone comes back."""
        if not wish.errands:
            return
        answers = self._register.answers(list(wish.errands))
        self._register.withdraw(list(answers))
        now = self._monotonic()
        for errand, answer in answers.items():
            _, group = wish.errands.pop(errand)
            wish.take_in(answer, group, now)
        for errand, (member, group) in list(wish.errands.items()):
            if member not in view.alive:
                del wish.errands[errand]
                wish.come_back(group, now)

    def _finish(self, wish: Wish, why: str) -> None:
        """Raises ClusterError, when whoever waits has been told."""
        with self._lock:
            if wish not in self._wishes:  # the daemon stops, and has told them
                return
            self._wishes.remove(wish)
        wish.finish([one.name for one in self._config().datasets], why)
        self._register.withdraw(list(wish.errands))

    # --- what is asked of this member -----------------------------------------------------------------------

    def _do_errands(self, me: int) -> None:
        for errand, (done, unknown) in list(self._doing.items()):
            if done.done():
                self._register.answer(errand, _result(done) | {"unknown": sorted(unknown)})
                del self._doing[errand]
        for one in self._register.errands(me):
            if one.id not in self._doing:
                self._begin(one)

    def _begin(self, errand: Errand) -> None:
        names = frozenset(str(name) for name in errand.ask.get("datasets", ()))
        if errand.ask.get("do") == "notice":
            self._register.withdraw([errand.id])
            self._here.notice_here(names)
            return
        known = names.intersection(one.name for one in self._config().datasets)
        try:
            done = self._here.force_here(known, allow_deletes=bool(errand.ask.get("allow_deletes")))
        except ShuttingDownError:
            return  # whoever asked sees this member leave soon, and asks who has it then
        self._doing[errand.id] = (done, names - known)
        done.add_done_callback(lambda _: self._wake())


def _grouped(names: Collection[str], owner_of: Callable[[str], int | None]) -> Mapping[int, frozenset[str]]:
    """The names by the member that has them, without those that nobody has."""
    found: dict[int, set[str]] = {}
    for name in names:
        member = owner_of(name)
        if member is not None:
            found.setdefault(member, set()).add(name)
    return {member: frozenset(group) for member, group in found.items()}


def _result(done: Future[Document]) -> Document:
    try:
        return done.result()
    except CancelledError:  # this member is stopping: another one is asked
        return {"run_id": "", "ok": True, "seconds": 0.0, "error": None, "datasets": []}
