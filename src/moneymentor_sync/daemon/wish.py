"""A forced sync of datasets that other members have: who was asked for what, and what has come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from moneymentor_sync.core.errors import LeaseLostError

from .results import merged, refused

Document = dict[str, Any]
PATIENCE_SECONDS = 3_600.0
"""How long what was asked of others is waited for: a first sync of a large table takes its time."""
PLACING_SECONDS = 60.0
"""How long a dataset may be without an owner before whoever asks for a sync of it is told so."""
MOST_SENDINGS = 3
"""How often a dataset is asked for that comes back undone: from a member that no longer had it, or has ended."""
PAUSE_SECONDS = 1.0
"""Before what came back is asked for again: whoever has it now is seen with the next beat."""


@dataclass(slots=True)
class Wish:
    """Somebody waits for `done`. `open` are datasets that no member is asked for yet, `errands` those that one is,
    with the member and its datasets. Times are monotonic seconds."""

    run_id: str
    allow_deletes: bool
    began: float
    open: set[str]
    errands: dict[int, tuple[int, frozenset[str]]] = field(default_factory=dict)
    answers: list[Document] = field(default_factory=list)
    done: Future[Document] = field(default_factory=Future)
    open_since: float = 0.0
    _sendings: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.open_since = self.began

    def may_send(self, now: float) -> bool:
        return now >= self.open_since + PAUSE_SECONDS or not self._sendings.keys() & self.open

    def sent(self, errand: int, member: int, group: frozenset[str]) -> None:
        self.errands[errand] = (member, group)
        self.open -= group
        self._sendings.update(group)

    def take_in(self, answer: Document, group: frozenset[str], now: float) -> None:
        """What a member said of those that it was asked for; what it no longer had comes back."""
        done = [one for one in answer["datasets"] if one["error_code"] != LeaseLostError.code]
        unknown = group.intersection(answer.get("unknown", ()))
        self.answers.append(answer | {"datasets": done})
        if unknown:
            self.answers.append(refused(unknown, "the member that has its spreadsheet is not configured with it"))
        self.come_back(group - unknown - {one["name"] for one in done}, now)

    def come_back(self, names: Iterable[str], now: float) -> None:
        """Nobody is asked for these any more, and they are not done: they are asked for again, if not too often."""
        back = frozenset(names)
        spent = {name for name in back if self._sendings[name] >= MOST_SENDINGS}
        if spent:
            self.answers.append(refused(spent, f"it changed hands {MOST_SENDINGS} times while it was asked for"))
        if back - spent:
            self.open |= back - spent
            self.open_since = now

    def is_over(self, now: float) -> bool:
        """Whether everything is answered, or will not be."""
        if not self.open and not self.errands:
            return True
        placed_late = bool(self.open) and now >= self.open_since + PLACING_SECONDS
        return placed_late or now >= self.began + PATIENCE_SECONDS

    def finish(self, order: Sequence[str], why: str) -> None:
        """The result, with what is still missing refused for that reason."""
        left: Collection[str] = self.open.union(*(group for _, group in self.errands.values()))
        if left:
            self.answers.append(refused(left, why))
        if not self.done.done():
            self.done.set_result(merged(self.run_id, self.answers, order))
