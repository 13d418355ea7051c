"""notify: how long it may keep its caller, how many are under way, and that nothing comes out of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from moneymentor_sync.asgi import notices, notify
from moneymentor_sync.asgi.lines import Answer

from .asgi_doubles import Line

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def nothing_under_way() -> Iterator[None]:
    notices._under_way.clear()
    yield
    assert not {task for task in notices._under_way if not task.done()}


class Gate:
    """A service that answers when `open` is set, and says when it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.told = 0
        self.open = asyncio.Event()
        self.entered = asyncio.Event()
        self._answers = asyncio.Semaphore(0)

    async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        assert (method, path, timeout) == ("POST", "/sync/notify", notices.NOTICE_SECONDS)
        self.asked.append(body)
        self.entered.set()
        await self.open.wait()
        self.told += 1
        self._answers.release()
        return Answer(202, b"{}", "application/json")

    async def until_told(self, times: int) -> None:
        """Waits for so many answers."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(times):
                await self._answers.acquire()


def test_it_tells_the_dataset_and_the_reason() -> None:
    gate = Gate()

    async def main() -> None:
        gate.open.set()
        await notify("users", service=gate)
        await notify("users", "sign-up", service=gate)
        await gate.until_told(2)

    asyncio.run(main())
    assert gate.asked == [b'{"dataset":"users"}', b'{"dataset":"users","reason":"sign-up"}']


def test_a_loop_that_ends_with_it_has_told_it() -> None:
    """`asyncio.run` cancels what runs in the loop; whatever was broken off is told anew."""
    for _ in range(20):
        gate = Gate()
        gate.open.set()
        asyncio.run(notify("users", service=gate))
        assert gate.told >= 1


def test_also_where_others_are_under_way() -> None:
    gate = Gate()

    async def main() -> None:
        first = asyncio.create_task(notify("a", service=gate))
        await asyncio.sleep(0)
        await asyncio.gather(first, notify("b", service=gate), notify("c", service=gate))
        gate.open.set()

    asyncio.run(main())
    assert gate.told == 3


def test_a_hanging_service_keeps_a_caller_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only the first: with one notice under way, the next ones are left to the background at once."""
    limits: list[float | None] = []
    real = asyncio.wait

    async def wait(tasks: Any, *, timeout: float | None = None, return_when: str = "ALL_COMPLETED") -> Any:
        limits.append(timeout)
        return await real(tasks, timeout=timeout, return_when=return_when)

    async def main() -> None:
        gate = Gate()
        for _ in range(3):
            await notify("users", service=gate)
        gate.open.set()
        await gate.until_told(3)

    monkeypatch.setattr("asyncio.wait", wait)
    asyncio.run(main())
    assert limits == [notices.LINGER_SECONDS, 0, 0]


def test_no_more_than_a_hundred_are_under_way() -> None:
    async def main() -> int:
        gate = Gate()
        for _ in range(150):
            await notify("users", service=gate)
        gate.open.set()
        await gate.until_told(notices.MAX_NOTICES)
        while notices._under_way:  # their ends are noted one turn of the loop later
            await asyncio.sleep(0)
        await notify("users", service=gate)  # and there is room again
        await gate.until_told(1)
        return gate.told

    assert asyncio.run(main()) == notices.MAX_NOTICES + 1


def test_those_that_a_closed_loop_left_take_no_room() -> None:
    class Left:
        """What is left of a notice whose loop was closed around it: it never ends."""

        def get_loop(self) -> asyncio.AbstractEventLoop:
            return closed

        def done(self) -> bool:
            return False

    async def main() -> None:
        gate = Gate()
        gate.open.set()
        await notify("users", service=gate)
        await gate.until_told(1)

    closed = asyncio.new_event_loop()
    closed.close()
    left: list[Any] = [Left() for _ in range(notices.MAX_NOTICES)]
    notices._under_way.update(left)
    asyncio.run(main())
    assert not notices._under_way.intersection(left)


@pytest.mark.parametrize("trouble", ["absent", "raises", "refuses", "fails"])
def test_nothing_comes_out_of_it(trouble: str) -> None:
    line = Line()
    line.absent = trouble == "absent"
    line.raises = ZeroDivisionError() if trouble == "raises" else None
    line.status = {"refuses": 422, "fails": 500}.get(trouble, 202)

    async def main() -> None:
        assert await notify("users", service=line) is None  # type: ignore[func-returns-value]

    asyncio.run(main())
    assert len(line.told) == 1


@pytest.mark.parametrize("given", [{"dataset": object()}, {"dataset": "x", "reason": {1, 2j}}, {"dataset": 5}])
def test_not_even_for_what_cannot_be_said(given: dict[str, Any]) -> None:
    asyncio.run(notify(**given, service=Line()))


def test_a_caller_that_is_cancelled_is_cancelled_and_the_notice_goes_on() -> None:
    async def main() -> int:
        gate = Gate()
        caller = asyncio.create_task(notify("users", service=gate))
        await gate.entered.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        gate.open.set()
        await gate.until_told(1)
        return len(gate.asked)

    assert asyncio.run(main()) == 1


def test_without_an_asyncio_loop_nothing_is_told() -> None:
    line = Line()
    with pytest.raises(StopIteration):
        notify("users", service=line).send(None)
    assert line.told == []


def test_what_is_refused_is_told_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """It is a mistake in the program, and nobody else would ever see it."""

    class Refusing(Line):
        async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
            return Answer(422, b'{"error":{"code":"unknown_dataset"}}\n', "application/json")

    with caplog.at_level(logging.WARNING, "moneymentor_sync.asgi"):
        asyncio.run(notify("nobody", service=Refusing()))
    assert [one.getMessage() for one in caplog.records] == [
        """a notice was refused: '{"error":{"code":"unknown_dataset"}}\\n'"""
    ]
