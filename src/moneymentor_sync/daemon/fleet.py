"""What the daemon's other parts know of a fleet: which datasets are this member's, and who does the others.

`ALONE` is for a daemon that is in none: everything is its own.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import Any, Protocol

from moneymentor_sync.core.cluster_view import ClusterView
from moneymentor_sync.core.errors import AloneError
from moneymentor_sync.core.settings import Dataset

Document = dict[str, Any]


class Fleet(Protocol):
    @property
    def view(self) -> ClusterView | None:
        """This member's picture of the fleet; None without one. Never waits."""
        ...

    def has(self, dataset: Dataset) -> bool:
        """Whether this member has the dataset's spreadsheet, as far as it knows. Never waits."""
        ...

    def force(self, run_id: str, names: Collection[str], *, allow_deletes: bool) -> Future[Document]:
        """Has the members that have these datasets sync them."""
        ...

    def follow(
        self, run_id: str, names: Collection[str], done: Future[Document], *, allow_deletes: bool
    ) -> Future[Document]:
        """The result of a sync here, completed by other members where they have got the datasets meanwhile."""
        ...

    def notice(self, names: Collection[str]) -> None:
        """Tells the members that have these datasets that they changed."""
        ...

    def documents(self) -> dict[int, Document]:
        """What each member has told of itself, by its id. Raises ClusterError."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None:
        """Gives everything back and leaves."""
        ...


class _Alone:
    view = None

    def has(self, dataset: Dataset) -> bool:
        del dataset
        return True

    def force(self, run_id: str, names: Collection[str], *, allow_deletes: bool) -> Future[Document]:
        del run_id, names, allow_deletes
        raise AloneError("nobody else has a dataset of this daemon's")

    def follow(
        self, run_id: str, names: Collection[str], done: Future[Document], *, allow_deletes: bool
    ) -> Future[Document]:
        del run_id, names, allow_deletes
        return done

    def notice(self, names: Collection[str]) -> None:
        del names  # nobody else has any

    def documents(self) -> dict[int, Document]:
        return {}

    def start(self) -> None:
        """There is nobody to meet."""

    def stop(self) -> None:
        """There is nobody to leave."""


ALONE: Fleet = _Alone()
