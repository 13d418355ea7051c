"""Notes on headers: asked of a plan where it makes the header's cell, else written by a write of their own, once.

Nothing of it may hold up a sync: it comes after the datasets are done, and what goes wrong with it is told in
their results and tried again with a later sync.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from moneymentor_sync.core.errors import (
    MmsyncError,
    OvertakenError,
    QuotaExhaustedError,
    StoppedError,
    UnavailableError,
)
from moneymentor_sync.core.header_notes import (
    HeaderCell,
    Noted,
    carried,
    is_due,
    note_texts,
    seen_to,
    to_put_back,
    to_write,
)
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import (
    DatasetResult,
    DatasetState,
    Destination,
    HeaderNotes,
    HeaderReading,
    Store,
    Traffic,
)

from .decide import Decision, current_state
from .fencing import Fencing, at_once
from .gather import Gathered
from .holding import HeldUpError

REST_SECONDS = 3_600.0
"""After a refusal (a protected header, say) the notes of a tab are tried again that much later."""
_PASSING = (OvertakenError, QuotaExhaustedError, UnavailableError)
"""What the next sync need not meet again."""
_FOR_ALL = (QuotaExhaustedError, UnavailableError)
"""What the other tabs of this sync would meet, too, each for as long as a call may take."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Notes on their way to a tab, by column index, and its row 1 as it was before."""

    notes: Mapping[int, str]
    before: Sequence[HeaderCell]


@dataclass(slots=True)
class Noting:
    """What one engine knows of notes: whether they are wanted, which tabs are left alone until when, and what was
    sent of which it is not known yet that it hit nobody's."""

    wanted: bool
    clock: Callable[[], float]
    sent: dict[str, tuple[Sent, ...]] = field(default_factory=dict)
    _rests: dict[str, float] = field(default_factory=dict)
    _given_up: bool = False

    def texts(self, one: Gathered) -> dict[str, str]:
        """The notes that a dataset's headers are to have, by header; none where none are wanted."""
        return note_texts(one.dataset, one.shape, one.origins) if self.wanted and one.shape is not None else {}

    def along(self, one: Gathered, decision: Decision) -> Decision:
        """The decision, its plan with the notes that headers made by it are to get."""
        return replace(decision, plan=replace(decision.plan, notes=tuple(self.texts(one).values())))

    def begin(self) -> None:
        """A sync begins, and with it another try."""
        self._given_up = False

    def rests(self, dataset: str) -> bool:
        now = self.clock()
        return self._given_up or now < self._rests.get(dataset, 0.0) <= now + REST_SECONDS

    def failed(self, dataset: str, error: MmsyncError) -> None:
        self._given_up = self._given_up or isinstance(error, _FOR_ALL)
        if not isinstance(error, _PASSING):
            self._rests[dataset] = self.clock() + REST_SECONDS


def noted_after(known: KnownTab | None, decision: Decision, before: DatasetState | None) -> KnownTab | None:
    """The tab as a sync leaves it, with what is still known of its notes."""
    if known is None:
        return None
    was = before.known if before is not None else None
    noted = was.noted if was is not None and was.sheet_id == known.sheet_id else ()
    return replace(known, noted=carried(noted, decision.plan))


@dataclass(frozen=True, slots=True)
class HeaderNoting:
    """The notes of one spreadsheet's tabs, after one sync of them."""

    noting: Noting
    store: Store
    fencing: Fencing
    destination: Callable[[], Destination]
    between: Callable[[], None]

    def after(self, one: Gathered, result: DatasetResult) -> DatasetResult:
        """The dataset's result, with the calls that its notes took, or what went wrong with them."""
        if result.result not in ("synced", "unchanged") or self.noting.rests(one.dataset.name):
            return result
        before = None
        try:
            state = self._due(one)
            if state is None or state.known is None:
                return result
            destination = self.destination()
            before = destination.traffic.copy()
            self._settle(one, state, state.known, destination.header_notes)
        except (HeldUpError, StoppedError):  # whoever goes first, or the end: with a later sync
            pass
        except MmsyncError as error:
            self.noting.failed(one.dataset.name, error)
            result = replace(result, notes=(*result.notes, f"the notes on its headers were not written: {error}"))
        return result if before is None else self._with_traffic(result, before)

    def _due(self, one: Gathered) -> DatasetState | None:
        """The dataset's state, if its notes are to be looked at."""
        state = current_state(one.dataset, self.store.dataset(one.dataset.name))
        if state is None or state.dirty or state.known is None:
            return None
        return state if is_due(self.noting.texts(one), state.known.noted) else None

    def _settle(self, one: Gathered, state: DatasetState, known: KnownTab, notes: HeaderNotes) -> None:
        """Reads row 1 and writes what is not as it is to be; one more batch gives back what that hit by mistake, at
        once or, where that failed, with a later sync.

        Nothing is to be written, but an earlier write may still arrive: then a batch that only turns the fence
        has it refused, since people may have moved columns by then."""
        reading = notes.read(known)
        if reading is None:
            return  # the tab is gone: the next sync that looks makes it again
        self.fencing.saw(reading.fence)
        name, texts = one.dataset.name, self.noting.texts(one)
        hit = self._hit(name, reading)
        if not hit:
            changes = to_write(reading.cells, texts)
            if changes or self.fencing.late:
                reading = self._write(name, reading, changes, notes, self.between)
                hit = self._hit(name, reading)
        if hit:
            self._hit(name, self._write(name, reading, hit, notes, at_once))
            return  # with the next sync, by a fresh look
        self._remember(one, state, known, seen_to(texts))

    def _write(
        self,
        dataset: str,
        reading: HeaderReading,
        changes: Mapping[int, str],
        notes: HeaderNotes,
        between: Callable[[], None],
    ) -> HeaderReading:
        """Row 1 as it is right after the write."""
        intend = self.fencing.intend(reading.fence, between)

        def sending(following: str) -> None:
            intend(following)
            sent = self.noting.sent.get(dataset, ())
            self.noting.sent[dataset] = (*sent, Sent(changes, reading.cells))

        now, token = notes.write(reading, changes, intend=sending)
        self.fencing.landed(token)
        return replace(reading, cells=now, fence=replace(reading.fence, token=token))

    def _hit(self, dataset: str, reading: HeaderReading) -> dict[int, str]:
        """What the notes that were sent hit by mistake; those that hit nobody's are forgotten."""
        kept: list[Sent] = []
        found: dict[int, str] = {}
        for sent in self.noting.sent.pop(dataset, ()):
            hit = to_put_back(sent.notes, sent.before, reading.cells)
            if hit:
                kept.append(sent)
                found |= hit
        if kept:
            self.noting.sent[dataset] = tuple(kept)
        return found

    def _remember(self, one: Gathered, state: DatasetState, known: KnownTab, noted: Noted) -> None:
        self.store.finish(one.dataset.name, replace(state, known=replace(known, noted=noted)), {}, forget=())

    def _with_traffic(self, result: DatasetResult, before: Traffic) -> DatasetResult:
        took = self.destination().traffic.since(before)
        return replace(
            result,
            reads=result.reads + took.reads,
            writes=result.writes + took.writes,
            bytes_sent=result.bytes_sent + took.bytes_sent,
            bytes_received=result.bytes_received + took.bytes_received,
        )
