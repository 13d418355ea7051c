"""Errands between members: what is asked here of datasets that another member has, and the other way round."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from moneymentor_sync.core.cluster_ports import Errand, Register
from moneymentor_sync.core.cluster_view import ClusterView, owners
from moneymentor_sync.core.errors import ClusterError, LeaseLostError, ShuttingDownError
from moneymentor_sync.core.settings import Config
from moneymentor_sync.core.sharing import shard_of

from .results import merged, refused

Document = dict[str, Any]
PATIENCE_SECONDS = 3_600.0
"""How long what was asked of others is waited for: a first sync of a large table takes its time."""
PLACING_SECONDS = 60.0
"""How long a dataset may be without an owner before whoever asks for a sync of it is told so."""


class Here(Protocol):
    """What a member does when another asks it; names are those of datasets that it is said to have."""

    def force_here(self, names: Collection[str], *, allow_deletes: bool) -> Future[Document]: ...

    def notice_here(self, names: Collection[str]) -> None: ...


@dataclass(slots=True)
class _Wish:
    """A forced sync that somebody waits for: `open` are datasets that no member has been asked for yet, `errands`
    those that one has, with the member and its datasets."""

    run_id: str
    allow_deletes: bool
    until: float
    open: set[str]
    open_until: float
    errands: dict[int, tuple[int, frozenset[str]]] = field(default_factory=dict)
    answers: list[Document] = field(default_factory=list)
    done: Future[Document] = field(default_factory=Future)

    def take_in(self, answer: Document, group: frozenset[str]) -> None:
        """What a member said of those that it was asked for; what it no longer had is open again."""
        done = [one for one in answer["datasets"] if one["error_code"] != LeaseLostError.code]
        self.answers.append(answer | {"datasets": done})
        if not answer.get("refused"):
            self.open |= group - {one["name"] for one in done}


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
        self._wishes: list[_Wish] = []
        self._notices: set[str] = set()
        self._doing: dict[int, Future[Document]] = {}

    @property
    def busy(self) -> bool:
        """Whether somebody waits, here or elsewhere."""
        return bool(self._wishes or self._doing)

    def force(self, run_id: str, names: Collection[str], *, allow_deletes: bool) -> Future[Document]:
        """Has the members that have these datasets sync them; the result comes when all have."""
        now = self._monotonic()
        wish = _Wish(run_id, allow_deletes, now + PATIENCE_SECONDS, set(names), now + PLACING_SECONDS)
        with self._lock:
            self._wishes.append(wish)
        self._wake()
        return wish.done

    def follow(
        self, run_id: str, names: Collection[str], done: Future[Document], *, allow_deletes: bool
    ) -> Future[Document]:
        """The result of a sync here, and where this member no longer had what was asked for, of who has it then."""
        now = self._monotonic()
        wish = _Wish(run_id, allow_deletes, now + PATIENCE_SECONDS, set(), now + PATIENCE_SECONDS)

        def hand_on(ended: Future[Document]) -> None:
            if ended.cancelled():
                wish.done.cancel()
                return
            answer = ended.result()
            wish.take_in(answer, frozenset(names))
            if not wish.open:
                wish.done.set_result(answer)
                return
            wish.open_until = self._monotonic() + PLACING_SECONDS
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
            self._finish_in_time(wish)
        self._do_errands(me)

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

    def _send(self, wish: _Wish, owner_of: Callable[[str], int | None]) -> None:
        for member, group in _grouped(wish.open, owner_of).items():
            ask = {"do": "force", "datasets": sorted(group), "allow_deletes": wish.allow_deletes}
            wish.errands[self._register.ask(member, ask)] = (member, group)
            wish.open -= group

    def _collect(self, wish: _Wish, view: ClusterView) -> None:
        """Takes answers in; what a member no longer had, or one that is gone had, is open again."""
        if not wish.errands:
            return
        open_before = frozenset(wish.open)
        answers = self._register.answers(list(wish.errands))
        self._register.withdraw(list(answers))
        for errand, answer in answers.items():
            _, group = wish.errands.pop(errand)
            wish.take_in(answer, group)
        for errand, (member, group) in list(wish.errands.items()):
            if member not in view.alive:
                del wish.errands[errand]
                wish.open |= group
        if wish.open - open_before:
            wish.open_until = self._monotonic() + PLACING_SECONDS

    def _finish_in_time(self, wish: _Wish) -> None:
        now = self._monotonic()
        late = now >= wish.until or (wish.open and now >= wish.open_until)
        if not late and (wish.open or wish.errands):
            return
        left = wish.open.union(*(group for _, group in wish.errands.values()))
        if left:
            wish.answers.append(refused(left, "no member has the spreadsheet at the moment, or none answered"))
        with self._lock:
            self._wishes.remove(wish)
        self._register.withdraw(list(wish.errands))
        if not wish.done.done():
            order = [one.name for one in self._config().datasets]
            wish.done.set_result(merged(wish.run_id, wish.answers, order))

    # --- what is asked of this member -----------------------------------------------------------------------

    def _do_errands(self, me: int) -> None:
        for errand, done in list(self._doing.items()):
            if done.done():
                self._register.answer(errand, _result(done))
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
        try:
            done = self._here.force_here(names, allow_deletes=bool(errand.ask.get("allow_deletes")))
        except ShuttingDownError:
            return  # whoever asked sees this member leave soon, and asks who has it then
        self._doing[errand.id] = done
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
