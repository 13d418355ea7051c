"""Events in another program's log."""

from __future__ import annotations

import logging

import pytest

from moneymentor_sync.adapters.log_standard import standard_emit

NAME = "a.program"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, NAME)
    return caplog


def said(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(one.levelname, one.getMessage()) for one in log.records]


def test_an_event_is_a_line_with_its_fields_at_its_level(log: pytest.LogCaptureFixture) -> None:
    emit = standard_emit(logging.getLogger(NAME))
    emit("sync.finished", dataset="user_profiles", inserted=3, nothing=None)
    emit("sync.failed", error="quota", hint="wait")
    emit("retry.waiting", seconds=0.5)
    emit("pause.placed")
    assert said(log) == [
        ("INFO", "sync.finished dataset=user_profiles inserted=3"),
        ("ERROR", "sync.failed error=quota hint=wait"),
        ("WARNING", "retry.waiting seconds=0.5"),
        ("DEBUG", "pause.placed"),
    ]
    assert log.records[0].mmsync == {"event": "sync.finished", "dataset": "user_profiles", "inserted": 3}  # type: ignore[attr-defined]


def test_what_is_too_quiet_costs_nothing(log: pytest.LogCaptureFixture) -> None:
    class Dear:
        def __str__(self) -> str:
            raise AssertionError

    log.set_level(logging.WARNING, NAME)
    standard_emit(logging.getLogger(NAME))("sync.finished", of=Dear())
    assert log.records == []


def test_no_secret_and_no_message_of_an_exception_gets_through(log: pytest.LogCaptureFixture) -> None:
    try:
        try:
            raise KeyError("ann@example.com")
        except KeyError as error:
            raise ValueError("Ann's row") from error
    except ValueError as error:
        caught = error
    emit = standard_emit(logging.getLogger(NAME))
    emit("service.failed", message="postgresql://me:hunter2@db/app", exc_info=caught, of=object(), error=caught)
    ((_, line),) = said(log)
    assert line == (
        "service.failed message=postgresql://…@db/app of=<object> error=ValueError "
        "exception_type=ValueError from KeyError"
    )
    assert "Ann" not in str(log.records[0].__dict__)
    assert log.records[0].exc_info is None


def test_nothing_leaves_its_line_and_percents_stay(log: pytest.LogCaptureFixture) -> None:
    standard_emit(logging.getLogger(NAME))("sync.finished", reason="one\ntwo\x1b[31m", share="50 %s %d")
    assert said(log) == [("INFO", "sync.finished reason=one\\ntwo\\x1b[31m share=50 %s %d")]
