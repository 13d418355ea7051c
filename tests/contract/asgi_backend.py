"""What the tests of `asgi` over a real socket share: a daemon that can be waited for, and sockets without one."""

from __future__ import annotations

import asyncio
import queue
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from tests.contract.control_double import PATIENCE, Double

from moneymentor_sync.control.operator import Peer

T = TypeVar("T")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


def run(loop: str, main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on one of LOOPS; nothing takes longer than PATIENCE."""

    async def in_time() -> T:
        async with asyncio.timeout(PATIENCE):
            return await main

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(in_time())


class Heard(Double):
    """A daemon whose every change can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: queue.Queue[tuple[Any, ...]] = queue.Queue()

    def _note(self, by: Peer | None, *what: Any, **datasets: Any) -> None:
        super()._note(by, *what, **datasets)
        self._queue.put(what)

    def forget(self) -> None:
        """Begins anew."""
        self.__dict__.update(vars(Heard()))

    def next(self) -> tuple[Any, ...]:
        return self._queue.get(timeout=PATIENCE)

    async def hears(self) -> tuple[Any, ...]:
        return await asyncio.to_thread(self.next)


@contextmanager
def hanging(path: Path) -> Iterator[socket.socket]:
    """A daemon that takes connections and never answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen(128)
        yield listening


@contextmanager
def full(path: Path) -> Iterator[None]:
    """One so stuck that nobody can even connect any more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen(0)
        waiting: list[socket.socket] = []
        with suppress(BlockingIOError):
            while True:
                one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                waiting.append(one)
                one.setblocking(False)
                one.connect(str(path))
        yield
        for one in waiting:
            one.close()


def wrong_paths(folder: Path) -> dict[str, str]:
    """Where no daemon can be."""
    (folder / "file").write_text("no socket")
    (folder / "dead").touch()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        (folder / "dead").unlink()
        dead.bind(str(folder / "dead"))
    return {
        "nothing": str(folder / "nothing"),
        "no directory": str(folder / "no" / "where" / "s"),
        "below a file": str(folder / "file" / "s"),
        "file": str(folder / "file"),
        "directory": str(folder),
        "dead": str(folder / "dead"),
        "too long": str(folder / ("x" * 200)),
        "far too long": "/" + "x" * 100_000,
        "NUL": str(folder / "a\0b"),
        "empty": "",
        "surrogate": str(folder / "a\udcffb"),
        "half a character": str(folder / "a\ud800b"),
    }


WRONG = tuple(sorted(("nothing", "no directory", "below a file", "file", "directory", "dead", "too long",
                      "far too long", "NUL", "empty", "surrogate", "half a character")))  # fmt: skip
