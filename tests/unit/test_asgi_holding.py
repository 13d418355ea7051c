"""When the hold is taken, renewed and given back: by values, in simulated time."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from contextlib import suppress
from contextvars import ContextVar

import pytest

from moneymentor_sync.asgi.holding import Holding
from moneymentor_sync.asgi.lines import Answer
from moneymentor_sync.asgi.priority import RequestPriorityMiddleware
from moneymentor_sync.asgi.protocol import App, Message, Receive, Scope, Send
from moneymentor_sync.control.asks import Pause, Resume, parse

from .asgi_doubles import BODY, HTTP, START, Line, Sent, ask, lifespan, obedient, silence, taking
from .simulated_loop import SimulatedLoop, simulate


def hold(app: App, line: Line, resume_after: float = 0.5) -> RequestPriorityMiddleware:
    return RequestPriorityMiddleware(app, resume_after=resume_after, service=line)


def run(line: Line, *requests: tuple[float, float], resume_after: float = 0.5, until: float = 60.0) -> None:
    """Requests, each with its moment and how long it takes, and what follows until `until`."""

    async def main() -> None:
        async def one(at: float, seconds: float) -> None:
            await asyncio.sleep(at)
            seconds_of[0] = seconds
            await ask(app)

        async def app_of_each(scope: Scope, receive: Receive, send: Send) -> None:
            await taking(seconds_of[0])(scope, receive, send)

        seconds_of = [0.0]
        app = hold(app_of_each, line, resume_after)
        await asyncio.gather(*(one(*request) for request in requests))
        await asyncio.sleep(until - asyncio.get_running_loop().time())

    simulate(main())


@pytest.fixture
def line() -> Line:
    return Line()


# --- one burst --------------------------------------------------------------------------------------------


def test_a_request_takes_a_hold_that_ends_half_a_second_after_it(line: Line) -> None:
    run(line, (0, 2))
    assert line.calls == [(0, "pause"), (2.5, "resume")]


def test_both_are_bodies_that_the_daemon_takes(line: Line) -> None:
    run(line, (0, 1))
    (_, _, pause), (_, _, resume) = line.told
    assert parse(Pause, repr(pause).replace("'", '"').encode()).ttl_seconds == 10
    assert parse(Resume, repr(resume).replace("'", '"').encode()).holder == pause["holder"]


def test_a_request_that_never_waits_for_anything_holds_too(line: Line) -> None:
    """Its task first runs when the request has ended; a burst of such requests is a burst."""
    run(line, (1, 0))
    assert line.calls == [(1, "pause"), (1.5, "resume")]


def test_a_burst_takes_one_hold(line: Line) -> None:
    run(line, (0, 1), (0.2, 0.1), (0.3, 1), (1.6, 0.2), (1.7, 0))
    assert line.calls == [(0, "pause"), (2.3, "resume")]


def test_a_pause_between_requests_that_is_as_long_as_resume_after_ends_a_burst(line: Line) -> None:
    run(line, (0, 1), (2, 1))
    assert line.calls == [(0, "pause"), (1.5, "resume"), (2, "pause"), (3.5, "resume")]
    assert len({*line.holders}) == 1


def test_a_long_request_renews_it_before_it_ends_by_itself(line: Line) -> None:
    run(line, (0, 10))
    assert line.calls == [(0, "pause"), (3, "pause"), (6, "pause"), (9, "pause"), (10.5, "resume")]


def test_requests_without_end_renew_it_too(line: Line) -> None:
    run(line, *((at / 10, 0.05) for at in range(70)))
    assert line.calls == [(0, "pause"), (3, "pause"), (6, "pause"), (7.45, "resume")]


@pytest.mark.parametrize(("resume_after", "end"), [(0, 1), (0.1, 1.1), (2.9, 3.9)])
def test_resume_after_is_what_was_given(line: Line, resume_after: float, end: float) -> None:
    run(line, (0, 1), resume_after=resume_after)
    assert line.calls[-1] == (end, "resume")


def test_a_hold_that_goes_on_long_after_the_last_response_is_renewed_meanwhile(line: Line) -> None:
    run(line, (0, 0), resume_after=7)
    assert line.calls == [(0, "pause"), (3, "pause"), (6, "pause"), (7, "resume")]


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf")])
def test_a_resume_after_that_cannot_be_meant_is_said_when_the_application_is_put_together(wrong: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"resume_after must be seconds, 0 or more, not {wrong!r}")):
        hold(taking(0), Line(), wrong)


def test_a_request_that_comes_while_the_hold_is_given_back_takes_it_again(line: Line) -> None:
    line.takes = 0.3
    run(line, (0, 1), (1.6, 1))
    assert line.calls == [(0, "pause"), (1.5, "resume"), (1.8, "pause"), (3.1, "resume")]


def test_one_that_came_and_went_meanwhile_counts_as_well(line: Line) -> None:
    line.takes = 0.3
    run(line, (0, 1), (1.6, 0))
    assert line.calls == [(0, "pause"), (1.5, "resume"), (1.8, "pause"), (2.1, "resume")]


# --- what a request is ------------------------------------------------------------------------------------


def run_app(app: App, line: Line, scope: Scope = HTTP, until: float = 30.0) -> Sent:
    """One request of an application that may fail."""
    sent = Sent()

    async def main() -> None:
        with suppress(ZeroDivisionError):
            await hold(app, line)(scope, silence, sent)
        await asyncio.sleep(until - asyncio.get_running_loop().time())

    simulate(main())
    return sent


def test_a_stream_counts_until_its_last_piece(line: Line) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        for _ in range(4):
            await asyncio.sleep(0.5)
            await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    assert len(run_app(app, line).seen) == 6
    assert line.calls == [(0, "pause"), (2.5, "resume")]


def test_a_server_that_takes_its_time_with_the_last_piece_is_waited_for(line: Line) -> None:
    async def slow(message: Message) -> None:
        await asyncio.sleep(1)

    async def main() -> None:
        await ask(hold(taking(0), line), slow)
        await asyncio.sleep(9)

    simulate(main())
    assert line.calls == [(0, "pause"), (2.5, "resume")]


@pytest.mark.parametrize("last", [BODY, {"type": "http.response.pathsend", "path": "/x"}])
def test_what_is_done_after_the_response_keeps_nobody_waiting(line: Line, last: Message) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(last)
        await asyncio.sleep(20)

    run_app(app, line)
    assert line.calls == [(0, "pause"), (0.5, "resume")]


def test_more_bodies_than_there_may_be_count_once(line: Line) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in (START, BODY, BODY, BODY):
            await send(message)

    async def main() -> None:
        middle = hold(app, line)
        await asyncio.gather(ask(middle), ask(hold(taking(4), line)))
        await ask(middle)
        await asyncio.sleep(9)

    simulate(main())
    # The two middlewares are two holders; each resumes once for each of its bursts.
    assert line.times("resume") == [0.5, 4.5, 4.5]


def test_an_application_that_raises_has_ended(line: Line) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)
        raise ZeroDivisionError

    run_app(app, line)
    assert line.calls == [(0, "pause"), (1.5, "resume")]


def test_what_it_raises_is_what_the_server_gets(line: Line) -> None:
    error = ZeroDivisionError("mine")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    async def main() -> None:
        with pytest.raises(ZeroDivisionError) as caught:
            await ask(hold(app, line))
        assert caught.value is error

    simulate(main())


def test_an_application_that_raises_after_its_response_counts_once(line: Line) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(BODY)
        raise ZeroDivisionError

    async def main() -> None:
        middle = hold(app, line)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await ask(middle)
            await asyncio.sleep(2)

    simulate(main())
    assert line.calls == [(0, "pause"), (0.5, "resume"), (2, "pause"), (2.5, "resume")]


def test_a_server_that_cannot_send_any_more_ends_the_request(line: Line) -> None:
    async def gone(message: Message) -> None:
        raise OSError("the client has gone")

    async def main() -> None:
        with pytest.raises(OSError, match="has gone"):
            await ask(hold(taking(1), line), gone)
        await asyncio.sleep(5)

    simulate(main())
    assert line.calls == [(0, "pause"), (1.5, "resume")]


def test_a_request_that_the_server_cancels_has_ended(line: Line) -> None:
    async def main() -> None:
        request = asyncio.create_task(ask(hold(taking(100), line)))
        await asyncio.sleep(2)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.sleep(5)

    simulate(main())
    assert line.calls == [(0, "pause"), (2.5, "resume")]


@pytest.mark.parametrize("kind", ["websocket", "something.new"])
def test_nothing_but_http_counts(line: Line, kind: str) -> None:
    got: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        got.append((scope, receive, send))
        await asyncio.sleep(100)

    async def main() -> None:
        await hold(app, line)(scope, silence, sent)

    scope: Scope = {"type": kind}
    sent = Sent()
    simulate(main())
    assert got == [(scope, silence, sent)]  # the very same
    assert line.calls == []


def test_the_application_is_called_once_with_what_the_server_gave_and_what_it_sends_is_passed_on(
    line: Line,
) -> None:
    got: list[tuple[Scope, Receive]] = []
    messages: list[Message] = [
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.trailers", "headers": []},
        {"type": "http.response.body"},
        {"type": "something.new"},
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        got.append((scope, receive))
        for message in messages:
            await send(message)

    scope = dict(HTTP)
    sent = run_app(app, line, scope)
    assert len(got) == 1
    assert got[0][0] is scope
    assert got[0][1] is silence
    assert scope == HTTP
    assert [id(one) for one in sent.seen] == [id(one) for one in messages]


def test_what_a_request_carries_along_stays_with_it(line: Line) -> None:
    """Such as its id in log lines, or its trace: the hold is nobody's request."""
    carried: ContextVar[str] = ContextVar("carried", default="nothing")
    seen: list[str] = []

    class Seeing(Line):
        async def ask(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
            seen.append(carried.get())
            return await super().ask(method, path, body, timeout=timeout)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(carried.get())

    async def main() -> None:
        carried.set("the request's")
        await ask(hold(app, Seeing()))
        await asyncio.sleep(1)

    simulate(main())
    assert seen == ["the request's", "nothing", "nothing"]


# --- the application's life -------------------------------------------------------------------------------


def test_a_lifespan_is_passed_on_as_it_is(line: Line) -> None:
    async def main() -> list[Message]:
        receive, sent = lifespan("lifespan.startup", "lifespan.shutdown")
        await hold(obedient, line)({"type": "lifespan"}, receive, sent)
        return sent.seen

    assert [one["type"] for one in simulate(main())] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert line.calls == []


def test_an_application_without_lifespan_raises_as_it_did(line: Line) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await hold(app, line)({"type": "lifespan"}, silence, Sent())

    simulate(main())


@pytest.mark.parametrize("last", ["lifespan.shutdown.complete", "lifespan.shutdown.failed"])
def test_the_hold_ends_at_once_with_the_application_before_the_server_knows(line: Line, last: str) -> None:
    """A server that knows ends its loop, and would cancel what is still to be said."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await taking(1)(scope, receive, send)
        else:
            await receive()
            await send({"type": last})

    async def main() -> None:
        middle = hold(app, line, resume_after=2)
        await ask(middle)

        async def send(message: Message) -> None:
            known.append((message["type"], list(line.calls), len(asyncio.all_tasks())))

        receive, _ = lifespan("lifespan.shutdown")
        await middle({"type": "lifespan"}, receive, send)

    known: list[tuple[str, list[tuple[float, str]], int]] = []
    simulate(main())
    assert known == [(last, [(0, "pause"), (1, "resume")], 1)]
    assert line.calls == [(0, "pause"), (1, "resume")]


def test_a_request_in_flight_at_the_end_changes_nothing_about_that(line: Line) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (obedient if scope["type"] == "lifespan" else taking(5))(scope, receive, send)

    async def main() -> None:
        middle = hold(app, line)
        request = asyncio.create_task(ask(middle))
        await asyncio.sleep(1)
        receive, sent = lifespan("lifespan.shutdown")
        await middle({"type": "lifespan"}, receive, sent)
        assert line.calls == [(0, "pause"), (1, "resume")]
        await request
        await asyncio.sleep(5)

    simulate(main())
    assert line.calls == [(0, "pause"), (1, "resume")]


def test_a_request_that_comes_while_the_application_ends_holds_nothing(line: Line) -> None:
    async def main() -> None:
        holding = Holding(line, 0.5)
        holding.count_in()
        await asyncio.sleep(1)
        ending = asyncio.create_task(holding.end())
        await asyncio.sleep(0.1)
        holding.count_in()()
        await ending
        assert len(asyncio.all_tasks()) == 1

    line.takes = 0.3
    simulate(main())
    assert line.calls == [(0, "pause"), (1, "resume")]


def test_an_application_that_was_ended_may_be_used_again(line: Line) -> None:
    async def main() -> None:
        holding = Holding(line, 0.5)
        for _ in range(2):
            await holding.end()
            count_out = holding.count_in()
            await asyncio.sleep(1)
            await holding.end()
            count_out()

    simulate(main())
    assert line.calls == [(0, "pause"), (1, "resume"), (1, "pause"), (2, "resume")]


def test_an_end_while_the_hold_is_being_taken_gives_it_back(line: Line) -> None:
    async def main() -> None:
        holding = Holding(line, 0.5)
        holding.count_in()
        await asyncio.sleep(0.1)
        await holding.end()

    line.takes = 0.5
    simulate(main())
    assert line.calls == [(0, "pause"), (0.1, "resume")]


def test_an_end_while_it_is_being_given_back_sees_it_through(line: Line) -> None:
    async def main() -> None:
        holding = Holding(line, 0.5)
        holding.count_in()()
        await asyncio.sleep(0.9)  # the pause took until 0.4, and since 0.5 it is given back
        await holding.end()
        assert asyncio.get_running_loop().time() == pytest.approx(1.3)

    line.takes = 0.4
    simulate(main())
    assert line.calls == [(0, "pause"), (0.5, "resume"), (0.9, "resume")]


def test_an_end_that_is_given_up_leaves_the_holding_in_order(line: Line) -> None:
    async def main() -> None:
        holding = Holding(line, 0.5)
        holding.count_in()()
        await asyncio.sleep(0.1)
        line.takes = 5
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await holding.end()
        line.takes = 0
        await asyncio.sleep(10)
        holding.count_in()()
        await asyncio.sleep(10)

    simulate(main())
    assert line.calls == [(0, "pause"), (0.1, "resume"), (10.3, "pause"), (10.8, "resume")]


def test_a_loop_that_ends_without_a_lifespan_gives_the_hold_back(line: Line) -> None:
    """As every loop does that `asyncio.run` ends: what runs in it is cancelled."""
    run(line, (0, 0), until=0.2)
    assert line.calls == [(0, "pause"), (0.2, "resume")]


# --- loops and processes ----------------------------------------------------------------------------------


def test_each_loop_is_a_holder_of_its_own(line: Line) -> None:
    holding = Holding(line, 0.5)

    async def main() -> None:
        holding.count_in()()
        await asyncio.sleep(1)

    for _ in range(3):
        simulate(main())
    assert line.calls == [(0, "pause"), (0.5, "resume")] * 3
    assert len({*line.holders}) == 3


def test_two_loops_in_turn_keep_their_holders(line: Line) -> None:
    holding = Holding(line, 0.5)

    async def main() -> None:
        holding.count_in()()
        await asyncio.sleep(2)

    with asyncio.Runner(loop_factory=SimulatedLoop) as one, asyncio.Runner(loop_factory=SimulatedLoop) as other:
        for _ in range(2):
            one.run(main())
            other.run(main())
    assert line.times("pause") == [0, 0, 2, 2]
    assert line.holders[0] == line.holders[1] == line.holders[4]
    assert line.holders[2] == line.holders[6]
    assert len({*line.holders}) == 2


def test_a_request_that_a_closed_loop_left_behind_does_not_count_in_the_next(line: Line) -> None:
    holding = Holding(line, 0.5)

    async def forget() -> None:
        left.append(holding.count_in())
        await asyncio.sleep(1)

    async def main() -> None:
        holding.count_in()()
        await asyncio.sleep(5)

    left = []  # type: ignore[var-annotated]
    simulate(forget())
    simulate(main())
    assert line.calls == [(0, "pause"), (1, "resume"), (0, "pause"), (0.5, "resume")]
    left[0]()  # and is no trouble when it is cleared up at last


def test_a_forked_process_gets_a_holder_of_its_own(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    holding = Holding(line, 0.5)

    async def main() -> None:
        count_out = holding.count_in()
        await asyncio.sleep(1)
        monkeypatch.setattr(os, "getpid", lambda: 4_000_001)
        holding.count_in()()
        await asyncio.sleep(2)
        count_out()
        await asyncio.sleep(2)

    simulate(main())
    pid = line.holders[0].split(":")[1]
    assert [(when, what, body["holder"].split(":")[1]) for when, what, body in line.told] == [
        (0, "pause", pid),
        (1, "pause", "4000001"),
        (1.5, "resume", "4000001"),
        (3, "pause", pid),
        (3.5, "resume", pid),
    ]


def test_a_machine_of_any_name_has_a_holder_that_the_daemon_takes(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "h\udcff\n\x00ost")
    run(line, (0, 0))
    assert re.fullmatch(r"h\?\?\?ost:\d+:[0-9a-f]{8}", line.holders[0])


def test_without_an_asyncio_loop_requests_are_just_served(line: Line) -> None:
    sent = Sent()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send(START)
            await send(BODY)

    middle = hold(app, line)
    for scope in ({"type": "lifespan"}, dict(HTTP)):
        with pytest.raises(StopIteration):
            middle(scope, silence, sent).send(None)  # another kind of loop: asyncio knows of none
    assert sent.seen == [START, BODY]
    assert line.calls == []


# --- a daemon that does not answer ------------------------------------------------------------------------


def test_where_nobody_answers_nobody_is_asked_for_five_seconds(line: Line) -> None:
    line.absent = True
    run(line, (0, 1), (1.6, 1), (3, 0), (4.9, 3), until=8)
    assert line.times("pause") == [0, 5]


def test_a_daemon_that_comes_later_is_found(line: Line) -> None:
    async def main() -> None:
        line.absent = True
        request = asyncio.create_task(ask(hold(taking(8), line)))
        await asyncio.sleep(3)
        line.absent = False
        await request
        await asyncio.sleep(5)

    simulate(main())
    assert line.calls == [(0, "pause"), (5, "pause"), (8, "pause"), (8.5, "resume")]


def test_one_that_is_started_again_gets_the_hold_with_the_next_renewal(line: Line) -> None:
    """It has forgotten its holds; to us it looks like any other renewal."""
    run(line, (0, 4))
    assert line.calls == [(0, "pause"), (3, "pause"), (4.5, "resume")]


def test_one_that_is_away_at_a_renewal_is_asked_again(line: Line) -> None:
    async def main() -> None:
        request = asyncio.create_task(ask(hold(taking(10), line)))
        await asyncio.sleep(2)
        line.absent = True
        await asyncio.sleep(2)
        line.absent = False
        await request
        await asyncio.sleep(5)

    simulate(main())
    assert line.calls == [(0, "pause"), (3, "pause"), (8, "pause"), (10.5, "resume")]


def test_one_that_hangs_has_a_second_each_time(line: Line) -> None:
    line.hangs = True
    run(line, (0, 13))
    assert line.times("pause") == [0, 6, 12]
    assert line.times("resume") == [13.5]


def test_a_hold_whose_answer_never_came_is_given_back_all_the_same(line: Line) -> None:
    """The daemon may have taken it, only too slowly."""

    async def main() -> None:
        line.hangs = True
        request = asyncio.create_task(ask(hold(taking(2), line)))
        await asyncio.sleep(1.5)
        line.hangs = False
        await request
        await asyncio.sleep(1)
        assert line.calls == [(0, "pause"), (2.5, "resume")]

    simulate(main())


@pytest.mark.parametrize("trouble", ["absent", "hangs", "refuses", "breaks"])
def test_no_request_knows_of_any_of_that(line: Line, trouble: str) -> None:
    line.absent, line.hangs = trouble == "absent", trouble == "hangs"
    line.status = 503 if trouble == "refuses" else 200
    line.raises = ZeroDivisionError() if trouble == "breaks" else None

    async def main() -> None:
        middle = hold(taking(0.25), line)
        for _ in range(40):
            sent, began = Sent(), asyncio.get_running_loop().time()
            await ask(middle, sent)
            assert sent.seen == [START, BODY]
            assert asyncio.get_running_loop().time() - began == pytest.approx(0.25)

    simulate(main())
    assert 1 <= len(line.times("pause")) <= 3


def test_what_is_wrong_is_told_once_and_that_it_is_over_once(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        line.status = 503
        request = asyncio.create_task(ask(hold(taking(30), line)))
        await asyncio.sleep(12)
        line.status = 200
        await request

    with caplog.at_level(logging.INFO, "moneymentor_sync.asgi"):
        simulate(main())
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("WARNING", "requests do not hold the sync off: it answered with status 503"),
        ("INFO", "requests hold the sync off again"),
    ]


def test_a_service_that_is_stopped_with_the_application_is_no_trouble(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        holding = Holding(line, 0.5)
        holding.count_in()
        await asyncio.sleep(1)
        line.absent = True
        await holding.end()

    with caplog.at_level(logging.DEBUG, "moneymentor_sync.asgi"):
        simulate(main())
    assert caplog.records == []


def test_a_task_factory_that_knows_no_contexts_is_no_trouble(line: Line) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine: asyncio.Task(coroutine, loop=loop))
        await ask(hold(taking(0), line))
        await asyncio.sleep(1)

    simulate(main())
    assert [what for _, what in line.calls] == ["pause", "resume"]


def test_whatever_keeps_a_hold_from_being_begun_the_request_is_served(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        app = hold(taking(0), line)
        loop.set_task_factory(refusing)  # type: ignore[arg-type]
        sent = Sent()
        for _ in range(2):
            await ask(app, sent)
        loop.set_task_factory(None)
        assert [one["type"] for one in sent.seen] == 2 * ["http.response.start", "http.response.body"]

    def refusing(_loop: object, _coroutine: object, **_options: object) -> asyncio.Task[None]:
        raise RuntimeError("no more tasks")

    simulate(main())
    assert not line.calls
    assert [record.getMessage() for record in caplog.records] == ["requests do not hold the sync off: RuntimeError"]
