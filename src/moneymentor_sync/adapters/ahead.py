"""Making the next thing while this one is used: a body for Google, while it works on the one before."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")


class _End:
    """Comes after the last item."""


_END: Final = _End()


def one_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """Gives the items in order, and has the next one made in a thread meanwhile: one, never more.

    An error in making an item is raised where that item would have come, after all before it were used. Whoever
    stops early closes the iterator (`contextlib.closing`): then no further item is begun.
    """
    rest = iter(items)
    with ThreadPoolExecutor(1, "one-ahead") as worker:
        coming = worker.submit(next, rest, _END)
        while not isinstance(item := coming.result(), _End):
            coming = worker.submit(next, rest, _END)
            yield item
