"""What libraries log becomes events of ours, without what their texts may hold."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from moneymentor_sync.adapters.log_events import event_log
from moneymentor_sync.adapters.log_libraries import library_events
from moneymentor_sync.core.settings import LogSettings

CELL = "the-value-of-a-cell"


def heard(say: Callable[[], object], level: Any = "info") -> list[dict[str, Any]]:
    """The lines that are written while something is said."""
    out = io.StringIO()
    with library_events(event_log(LogSettings(level=level), stream=out, environ={})):
        say()
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    return [{name: value for name, value in line.items() if name != "timestamp"} for line in found]


@pytest.mark.parametrize("name", ["apscheduler.scheduler", "uvicorn.error", "asyncio"])
def test_libraries_that_carry_no_data_are_quoted(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.NOTSET, name)  # uvicorn's are silenced where the channel was served
    assert heard(lambda: logging.getLogger(name).warning("job %s is late", "tick")) == [
        {"level": "warning", "event": "library.warning", "logger": name, "text": "job tick is late"}
    ]


@pytest.mark.parametrize("name", ["sqlalchemy.pool", "httplib2", "google.auth", "psycopg", "uvicornish", "root"])
def test_all_others_only_say_who_and_how_bad(name: str) -> None:
    logger = logging.getLogger() if name == "root" else logging.getLogger(name)
    assert heard(lambda: logger.error("cannot bind %s", CELL)) == [
        {"level": "error", "event": "library.error", "logger": name}
    ]


def test_information_is_left_out_also_of_a_talkative_logger(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sqlalchemy.engine")
    assert heard(lambda: logging.getLogger("sqlalchemy.engine").info("SELECT %s", CELL)) == []


def test_the_level_of_the_log_holds_for_libraries_too() -> None:
    assert heard(lambda: logging.getLogger("asyncio").warning("x"), level="error") == []


def test_warnings_are_events() -> None:
    def warn() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)  # inside of catch_warnings, which put its own in the place
            warnings.warn(CELL, UserWarning, stacklevel=1)

    found = heard(warn)
    assert found == [{"level": "warning", "event": "library.warning", "logger": "py.warnings"}]


def test_an_exception_in_a_record_is_its_type() -> None:
    def fail() -> None:
        try:
            raise LookupError(CELL)
        except LookupError:
            logging.getLogger("apscheduler.executors").exception("Job raised an exception")

    (line,) = heard(fail)
    assert (line["event"], line["exception_type"]) == ("library.error", "LookupError")
    assert CELL not in json.dumps(line)


def test_a_task_whose_exception_nobody_fetched_is_told_without_its_message() -> None:
    async def fail() -> None:
        raise ValueError(CELL)

    async def forget() -> None:
        task = asyncio.ensure_future(fail())
        await asyncio.wait([task])

    found = heard(lambda: asyncio.run(forget()))
    assert [(line["text"], line["exception_type"]) for line in found] == [
        ("Task exception was never retrieved", "ValueError")
    ]
    assert CELL not in json.dumps(found)


def test_arguments_that_do_not_fit_their_text_do_no_harm() -> None:
    (line,) = heard(lambda: logging.getLogger("apscheduler").warning("%d jobs", "many"))
    assert line["text"] == "%d jobs"


def test_a_thread_that_dies_is_an_event() -> None:
    def die() -> None:
        raise ValueError(CELL)

    def run() -> None:
        thread = threading.Thread(target=die, name="worker")
        thread.start()
        thread.join()

    assert heard(run) == [
        {"level": "error", "event": "thread.failed", "thread": "worker", "exception_type": "ValueError"}
    ]


def test_a_finalizer_that_fails_is_an_event() -> None:
    class Fails:
        def __del__(self) -> None:
            raise ValueError(CELL)

    def drop() -> None:
        Fails()

    assert heard(drop) == [{"level": "error", "event": "finalizer.failed", "exception_type": "ValueError"}]


def test_everything_is_put_back() -> None:
    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        return tuple(root.handlers), root.level, threading.excepthook, sys.unraisablehook, warnings.showwarning

    before = state()
    with pytest.raises(RuntimeError):
        heard(lambda: (_ for _ in ()).throw(RuntimeError))
    assert state() == before


def test_in_a_process_of_its_own_nothing_but_events_reaches_stderr() -> None:
    """Without pytest's handlers and hooks, which also listen."""
    code = f"""
import logging, threading, warnings
from moneymentor_sync.adapters.log_events import event_log
from moneymentor_sync.adapters.log_libraries import library_events
from moneymentor_sync.core.settings import LogSettings
def die(): raise ValueError({CELL!r})
with library_events(event_log(LogSettings())):
    warnings.warn({CELL!r})
    logging.getLogger("google.auth").error({CELL!r})
    logging.getLogger("uvicorn.error").error("refused")
    thread = threading.Thread(target=die); thread.start(); thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == [
        "library.warning",
        "library.error",
        "library.error",
        "thread.failed",
    ]
    assert CELL not in done.stderr
