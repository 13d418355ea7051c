"""Notes on headers: asked of a plan where it makes the header's cell, else written by a write of their own, once.

Nothing of it may hold up a sync: it comes after the datasets are done, and what goes wrong with it is told in
their results and tried again with a later sync.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from moneymentor_sync.core.errors import (
    MmsyncError,
    OvertakenError,
    QuotaExhaustedError,
    StoppedError,
    UnavailableError,
)
from moneymentor_sync.core.header_notes import (
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


@dataclass(slots=True)
class Noting:
    """What one engine knows of notes: whether they are wanted, and which tabs are left alone until when."""

    wanted: bool
    clock: Callable[[], float]
    _rests: dict[str, float] = field(default_factory=dict)

    def texts(self, one: Gathered) -> dict[str, str]:
        """The notes that a dataset's headers are to have, by header; none where none are wanted."""
        return note_texts(one.dataset, one.shape, one.origins) if self.wanted and one.shape is not None else {}

    def along(self, one: Gathered, decision: Decision) -> Decision:
        """The decision, its plan with the notes that headers made by it are to get."""
        return replace(decision, plan=replace(decision.plan, notes=tuple(self.texts(one).values())))

    def rests(self, dataset: str) -> bool:
        now = self.clock()
        return now < self._rests.get(dataset, 0.0) <= now + REST_SECONDS

    def failed(self, dataset: str, error: MmsyncError) -> None:
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
        """Reads row 1 and writes what is not as it is to be; one more batch gives back what that hit by mistake.

        Nothing is to be written, but an earlier write may still arrive: then a batch that only turns the fence
        has it refused, since people may have moved columns by then."""
        reading = notes.read(known)
        if reading is None:
            return  # the tab is gone: the next sync that looks makes it again
        self.fencing.saw(reading.fence)
        texts = self.noting.texts(one)
        changes = to_write(reading.cells, texts)
        if changes or self.fencing.late:
            intend = self.fencing.intend(reading.fence, self.between)
            now, token = notes.write(reading, changes, intend=intend)
            self.fencing.landed(token)
            hit = to_put_back(changes, reading.cells, now)
            if hit:
                self._put_back(reading, hit, token, notes)
                return  # with the next sync, by a fresh look
        self._remember(one, state, known, seen_to(texts))

    def _put_back(self, reading: HeaderReading, hit: Mapping[int, str], token: str, notes: HeaderNotes) -> None:
        fence = replace(reading.fence, token=token)
        _, last = notes.write(replace(reading, fence=fence), hit, intend=self.fencing.intend(fence, at_once))
        self.fencing.landed(last)

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
