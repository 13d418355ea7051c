"""A spreadsheet's fence as this installation knows it: noted before each write, held against what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from moneymentor_sync.core.fence import FenceSeen
from moneymentor_sync.core.ports import FenceState, Store


@dataclass(slots=True)
class Fencing:
    """`foreign` says that somebody else has written since this installation did last."""

    store: Store
    spreadsheet_id: str
    prove: Callable[[str], None]
    foreign: bool = False
    late: bool = False
    """Whether a write was sent that has not come there yet, and still may: only another one makes that certain."""
    _on_its_way: set[str] = field(default_factory=set)
    """The fences of such writes, a former owner's among them: one that comes after all is nobody else's."""

    def known(self) -> FenceState:
        return self.store.fence(self.spreadsheet_id)

    def saw(self, seen: FenceSeen) -> None:
        """Settles what became of a write whose answer was lost, and notices another installation's writes."""
        ours = self.known()
        known = {ours.token, ours.pending, None, *self._on_its_way}
        self.foreign = ours.token is not None and seen.token not in known
        self.late = ours.pending is not None and seen.token == ours.token
        if self.late and ours.pending is not None:
            self._on_its_way.add(ours.pending)
        if self.foreign or (ours.pending is not None and not self.late):
            self.landed(seen.token)

    def landed(self, token: str | None) -> None:
        self.store.save_fence(self.spreadsheet_id, FenceState(token))

    def intend(self, fence: FenceSeen, between: Callable[[], None]) -> Callable[[str], None]:
        """Notes each fence before it is sent, so that a crash leaves a trace of what may have happened.

        Before that `between` is called, and may end the sync; so does a lease that cannot be proven."""
        token = fence.token

        def intend(following: str) -> None:
            nonlocal token
            between()
            self.prove(self.spreadsheet_id)
            self.store.save_fence(self.spreadsheet_id, FenceState(token, following))
            token = following

        return intend


def at_once() -> None:
    """Nothing comes between a write that landed wrongly and the repair of what it hit."""
