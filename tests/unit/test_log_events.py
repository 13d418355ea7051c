"""Log lines, through real pipes and a real pseudo-terminal: their form, and what may never be in one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import FilteringBoundLogger

from moneymentor_sync.adapters.log_events import event_log
from moneymentor_sync.adapters.log_fields import LONGEST, plain
from moneymentor_sync.core.settings import LogSettings

NASTY = "one\ntwo\r\x1b[31mred\x07\u2028three\x85four\x00"
Log = FilteringBoundLogger


class Ends:
    """Two ends of a pipe or a terminal: one to write to, as stderr is, and what came out of the other."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self.stream: TextIO = open(writing, "w", encoding="utf-8")  # noqa: SIM115 - closed by `ends`

    def close(self) -> None:
        self.stream.close()
        os.close(self._reading)

    def text(self, lines: int = 1) -> str:
        """What was written, so many lines at least: a terminal hands on what it got a little later."""
        seen = b""
        while seen.count(b"\n") < lines:
            seen += os.read(self._reading, 65_536)
        return seen.decode()

    def identity(self) -> str:
        found = os.fstat(self.stream.fileno())
        return f"{found.st_dev}:{found.st_ino}"


@contextmanager
def ends(make: Callable[[], tuple[int, int]]) -> Iterator[Ends]:
    opened = Ends(*make())
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def pipe() -> Iterator[Ends]:
    with ends(os.pipe) as opened:
        yield opened


@pytest.fixture
def terminal() -> Iterator[Ends]:
    with ends(pty.openpty) as opened:
        yield opened


def lines(settings: LogSettings, say: Callable[[Log], object], **options: Any) -> list[dict[str, Any]]:
    """What is written as JSON, each line a dictionary."""
    out = io.StringIO()
    say(event_log(settings, stream=out, environ={}, **options))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def one(say: Callable[[Log], object], level: str = "info") -> dict[str, Any]:
    found = lines(LogSettings(level=level), say)  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0]


# --- forms ------------------------------------------------------------------------------------------------


def test_a_pipe_gets_one_json_object_a_line_with_its_time(pipe: Ends) -> None:
    log = event_log(LogSettings(), stream=pipe.stream, environ={})
    log.info("sync.finished", took=0.8, ok=True)
    log.warning("retry.waiting", seconds=5)
    first, second = map(json.loads, pipe.text(lines=2).splitlines())
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert datetime.fromisoformat(first.pop("timestamp")).tzinfo is UTC
    assert first == {"level": "info", "event": "sync.finished", "took": 0.8, "ok": True}
    assert second["level"] == "warning"


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error"])
def test_journald_gets_the_priority_and_no_time(pipe: Ends, method: str) -> None:
    environ = {"JOURNAL_STREAM": pipe.identity()}
    log = event_log(LogSettings(level="debug"), stream=pipe.stream, environ=environ)
    getattr(log, method)("sync.finished", dataset="user_profiles")
    priority = {"debug": 7, "info": 6, "warning": 4, "error": 3}[method]
    line = f'<{priority}>{{"level": "{method}", "event": "sync.finished", "dataset": "user_profiles"}}\n'
    assert pipe.text() == line


@pytest.mark.parametrize("journal", ["", "1:2", "nonsense", "8:"])
def test_a_stream_put_in_journalds_place_is_not_the_journal(pipe: Ends, journal: str) -> None:
    event_log(LogSettings(), stream=pipe.stream, environ={"JOURNAL_STREAM": journal}).info("sync.started")
    assert "timestamp" in json.loads(pipe.text())


def test_json_that_was_asked_for_is_json_also_in_the_journal(pipe: Ends) -> None:
    environ = {"JOURNAL_STREAM": pipe.identity()}
    event_log(LogSettings(format="json"), stream=pipe.stream, environ=environ).info("sync.started")
    assert "timestamp" in json.loads(pipe.text())


def test_a_terminal_gets_colours_for_people(terminal: Ends) -> None:
    event_log(LogSettings(), stream=terminal.stream, environ={}).info("sync.finished", took=0.8)
    seen = terminal.text()
    assert "\x1b[" in seen
    assert re.search(r"Z \[info *\] sync\.finished +took=0\.8", re.sub(r"\x1b\[[\d;]*m", "", seen))


def test_no_colour_where_it_is_not_wanted(terminal: Ends) -> None:
    event_log(LogSettings(), stream=terminal.stream, environ={"NO_COLOR": "1"}).info("sync.finished")
    assert "\x1b" not in terminal.text()


def test_the_console_form_off_a_terminal_has_no_colour(pipe: Ends) -> None:
    event_log(LogSettings(format="console"), stream=pipe.stream, environ={}).info("sync.finished", took=0.8)
    assert re.fullmatch(r"\S+Z \[info *\] sync\.finished +took=0\.8\n", pipe.text())


# --- levels, bound fields ---------------------------------------------------------------------------------


def test_a_level_leaves_out_what_is_below_it() -> None:
    def say(log: Log) -> None:
        for method in ("debug", "info", "warning", "error"):
            getattr(log, method)(f"is.{method}")

    assert [line["level"] for line in lines(LogSettings(level="warning"), say)] == ["warning", "error"]
    assert len(lines(LogSettings(level="error"), say, verbose=True)) == 4


def test_a_bound_field_is_on_every_line_and_only_on_its_own_logger() -> None:
    def say(log: Log) -> None:
        run = log.bind(run="18c-42")
        run.info("sync.started", datasets=["user_profiles"])
        run.bind(dataset="user_profiles").info("dataset.synced")
        log.info("health.checked")

    found = lines(LogSettings(), say)
    assert [line.get("run") for line in found] == ["18c-42", "18c-42", None]
    assert found[1]["dataset"] == "user_profiles"


# --- one line, whatever is in it --------------------------------------------------------------------------


def nasty(log: Log) -> None:
    log.info(NASTY, text=NASTY, listed=[NASTY], table={NASTY: NASTY}, **{NASTY: 1})
    log.error("x", exc_info=ValueError(NASTY))


@pytest.mark.parametrize("form", ["console", "json", "auto"])
def test_an_event_is_one_line_whatever_is_in_it(pipe: Ends, form: Any) -> None:
    nasty(event_log(LogSettings(format=form), stream=pipe.stream, environ={"JOURNAL_STREAM": pipe.identity()}))
    seen = pipe.text(lines=2)
    assert len(seen.splitlines()) == 2  # also by the line ends of Unicode
    assert all(character.isprintable() for character in seen.replace("\n", ""))


def test_a_terminal_is_not_steered_by_what_is_logged(terminal: Ends) -> None:
    nasty(event_log(LogSettings(), stream=terminal.stream, environ={}))
    seen = terminal.text(lines=2)
    assert seen.count("\n") == 2
    assert "\x1b[31mred" not in seen
    assert "\x07" not in seen


@given(st.dictionaries(st.text(min_size=1), st.text() | st.lists(st.text()) | st.floats() | st.integers()))
def test_every_line_is_json(fields: dict[str, Any]) -> None:
    reserved = ("self", "event", "args", "level", "timestamp", "exc_info", "stack_info", "stack")
    given_fields = {name: value for name, value in fields.items() if name not in reserved}
    line = one(lambda log: log.info("fields.given", **given_fields))
    assert line["event"] == "fields.given"


def test_long_texts_and_many_of_them_are_cut() -> None:
    line = one(lambda log: log.info("big", text="x" * 100_000, many=list(range(100_000))))
    assert len(line["text"]) == LONGEST
    assert len(line["many"]) == 100


def test_a_stream_without_the_characters_still_gets_the_line() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    event_log(LogSettings(format="console"), stream=out, environ={}).info("sync.finished", tab="Tägl\udce4")
    assert b"tab=T\\xe4gl\\udce4" in raw.getvalue()


def test_a_reader_that_is_gone_stops_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w")
    event_log(LogSettings(), stream=out, environ={}).info("sync.finished")
    with contextlib.suppress(BrokenPipeError):
        out.close()
    closed = io.StringIO()
    log = event_log(LogSettings(), stream=closed, environ={})
    closed.close()
    log.info("sync.finished")


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as out:
        log = event_log(LogSettings(), stream=out, environ={})
        threads = [
            threading.Thread(target=lambda number=number: [log.info("x", n=number, t="y" * 500) for _ in range(50)])
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["n"] for line in found) == [number for number in range(4) for _ in range(50)]


# --- what may not be in it --------------------------------------------------------------------------------


def failing() -> None:
    cell = "the-value-of-a-cell"
    try:
        raise KeyError(cell)
    except KeyError as error:
        raise RuntimeError(f"row {cell}") from error


def say_failure(log: Log) -> None:
    try:
        failing()
    except RuntimeError:
        log.exception("sync.failed", stack_info=True)


def test_an_exception_is_its_type() -> None:
    line = one(say_failure)
    assert line == {
        "timestamp": line["timestamp"],
        "level": "error",
        "event": "sync.failed",
        "exception_type": "RuntimeError from KeyError",
    }


def test_at_debug_level_it_has_its_places_and_still_no_message_and_no_source() -> None:
    line = one(say_failure, level="debug")
    assert [re.sub(r".*/|\d+", "", place) for place in line["traceback"]] == [
        "test_log_events.py: in say_failure",
        "test_log_events.py: in failing",
    ]
    assert "the-value" not in json.dumps(line)
    assert "cell" not in json.dumps(line)


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_message_of_an_exception_gets_out_in_any_way(form: Any, level: Any) -> None:
    out = io.StringIO()
    log = event_log(LogSettings(level=level, format=form), stream=out, environ={})
    error = ValueError("the-value-of-a-cell")
    log.error("a", exc_info=error)
    log.error("b", exc_info=(ValueError, error, None))
    log.error("c", error=error, listed=[error], table={"e": error})
    log.error("d", exc_info=True)  # outside of any handler
    log.error("e", exception="x", stack="y")  # names that structlog would print in lines of their own
    assert len(out.getvalue().splitlines()) == 5
    assert "the-value" not in out.getvalue()
    assert "ValueError" in out.getvalue()


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://mmsync:hunter2@db/app",
        "could not connect to postgresql+psycopg://mmsync:hunter2/@:x@db:5432/app?sslmode=require",
        "host=db password=hunter2 user=x",
        "https://x/?access_token=hunter2&y=1",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\\nhunter2",
        "Authorization: Bearer hunter2",
        "ya29.hunter2",
        "eyJhbGciOi.hunter2.hunter2",
    ],
)
def test_what_looks_like_a_secret_is_blanked(secret: str) -> None:
    assert "hunter2" not in json.dumps(plain({"a": secret, "b": [secret], "c": {secret: secret}}))


def test_values_are_plain() -> None:
    class Own:
        def __repr__(self) -> str:
            return "the-value-of-a-cell"

    day = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert plain({"a": Path("/srv"), "b": day, "c": Own(), "d": b"x", "e": float("nan"), "f": (1, None, True)}) == {
        "a": "/srv",
        "b": "2026-01-02T03:04:00+00:00",
        "c": "<Own>",
        "d": "<bytes>",
        "e": "nan",
        "f": [1, None, True],
    }
    deep: list[Any] = []
    deep.append(deep)
    assert plain(deep) == [[[["<list>"]]]]


def test_a_pipe_that_nobody_reads_stops_nobody() -> None:
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "w") as out:
            log = event_log(LogSettings(), stream=out, environ={})
            for number in range(3000):  # far more than a pipe holds
                log.info("sync.finished", number=number)
            log.info("sync.finished", long=["x" * 1500] * 20)  # longer than what is free in a pipe that takes some
            os.set_blocking(reading, False)
            while os.read(reading, 1 << 20):
                if select.select([reading], [], [], 0)[0] == []:
                    break
            log.info("sync.finished", number="read again")
            assert b"read again" in os.read(reading, 1 << 20)
    finally:
        os.close(reading)
