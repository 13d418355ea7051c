"""Every path of the control channel, over a real socket: what it takes and answers, what the daemon is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.contract.control_double import PATIENCE, Served, connect, one_answer, serving

from moneymentor_sync.core.errors import (
    AloneError,
    ClusterError,
    ConfigError,
    LockHeldError,
    NothingToSyncError,
    ShuttingDownError,
    StateError,
)
from moneymentor_sync.core.settings import ControlSettings


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "control.sock") as served:
        yield served


def error_of(answer: tuple[int, Any]) -> tuple[int, str, str]:
    """Status, code and message; the shape is checked on the way."""
    status, body = answer
    assert set(body) == {"error"}
    assert {"code", "message", "hint"} <= set(body["error"])
    return status, body["error"]["code"], body["error"]["message"]


# --- reading ----------------------------------------------------------------------------------------------


def test_status_is_what_the_daemon_says(served: Served) -> None:
    answer, raw = served.answer("GET", "/sync/status")
    assert (answer.status, json.loads(raw)) == (200, {"is_running": True})
    assert answer.getheader("content-type") == "application/json"
    assert answer.getheader("server") is None


def test_a_head_has_no_body(served: Served) -> None:
    answer, raw = served.answer("HEAD", "/sync/status")
    assert (answer.status, raw) == (200, b"")
    assert int(answer.getheader("content-length", "")) > 0


def test_healthz_says_it_with_its_status(served: Served) -> None:
    assert served.ask("GET", "/healthz") == (200, {"status": "healthy", "reason": "so"})
    served.operator.is_healthy = False
    assert served.ask("GET", "/healthz") == (503, {"status": "degraded", "reason": "so"})


def test_metrics_are_prometheus_text(served: Served) -> None:
    answer, raw = served.answer("GET", "/metrics")
    assert (answer.status, raw) == (200, b"mmsync_up 1\n")
    assert answer.getheader("content-type") == "text/plain; version=0.0.4; charset=utf-8"


def test_history_asks_for_what_the_query_says(served: Served) -> None:
    assert served.ask("GET", "/sync/history") == (200, {"runs": []})
    assert served.ask("GET", "/sync/history?dataset=&limit=") == (200, {"runs": []})
    assert served.ask("GET", "/sync/history?dataset=user_profiles&limit=1000") == (200, {"runs": []})
    assert served.operator.told == [
        ("history", None, 20),
        ("history", None, 20),
        ("history", "user_profiles", 1_000),
    ]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=10001", "limit=x", "limit=-1", "limit=1&limit=2", "colour=red"]
)
def test_a_wrong_query_is_named(served: Served, query: str) -> None:
    status, code, message = error_of(served.ask("GET", f"/sync/history?{query}"))
    assert (status, code) == (400, "bad_request")
    assert query.partition("=")[0] in message


def test_reading_answers_while_every_thread_is_busy(served: Served) -> None:
    served.operator.hold = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        busy = [pool.submit(served.ask, "POST", "/sync/enable") for _ in range(8)]
        assert served.operator.holding.wait(PATIENCE)
        for path in ("/sync/status", "/healthz", "/metrics"):
            assert served.answer("GET", path)[0].status == 200
        served.operator.hold.set()
        assert {answer.result()[0] for answer in busy} == {200}


def test_a_scrape_of_very_many_datasets_holds_nothing_up(served: Served) -> None:
    served.operator.slow_metrics = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        scraped = pool.submit(served.answer, "GET", "/metrics")
        assert served.operator.holding.wait(PATIENCE)
        for path in ("/sync/status", "/healthz", "/sync/history"):
            assert served.answer("GET", path)[0].status == 200
        served.operator.slow_metrics.set()
        assert scraped.result()[0].status == 200


# --- changing ---------------------------------------------------------------------------------------------

CHANGES: list[tuple[str, dict[str, Any], int, tuple[Any, ...]]] = [
    ("enable", {}, 200, ("enable", None)),
    ("enable", {"datasets": ["user_profiles"], "reason": "mended"}, 200, ("enable", ["user_profiles"])),
    ("disable", {}, 200, ("disable", None, None, None)),
    (
        "disable",
        {"datasets": ["quiz_responses"], "reason": "migration ünd 🚧", "for_seconds": 7200},
        200,
        ("disable", ["quiz_responses"], "migration ünd 🚧", 7200),
    ),
    ("pause", {"holder": "api-1", "ttl_seconds": 0.5}, 200, ("pause", "api-1", 0.5)),
    ("resume", {"holder": "api-1"}, 200, ("resume", "api-1")),
    ("notify", {"dataset": "user_profiles", "reason": "sign-up"}, 202, ("notify", "user_profiles", "sign-up")),
    ("notify", {"dataset": "user_profiles", "reason": None}, 202, ("notify", "user_profiles", None)),
    ("reload", {}, 200, ("reload",)),
    ("force", {}, 202, ("force", None, False)),
    (
        "force",
        {"datasets": ["user_profiles"], "wait": False, "allow_deletes": True},
        202,
        ("force", ["user_profiles"], True),
    ),
]


@pytest.mark.parametrize(("path", "body", "status", "told"), CHANGES)
def test_a_change_reaches_the_daemon(
    served: Served, path: str, body: dict[str, Any], status: int, told: tuple[Any, ...]
) -> None:
    assert served.ask("POST", f"/sync/{path}", body)[0] == status
    assert served.operator.told == [told]
    [by] = served.operator.by
    assert by is not None
    assert (by.pid, by.uid) == (os.getpid(), os.getuid())
    assert os.getgid() in by.groups


@pytest.mark.parametrize(("path", "body", "status", "told"), CHANGES)
def test_a_change_is_logged_with_who_and_why(
    served: Served, path: str, body: dict[str, Any], status: int, told: tuple[Any, ...]
) -> None:
    served.ask("POST", f"/sync/{path}", body)
    name = "control.asked" if path in ("pause", "resume", "notify") else "control.changed"
    [event] = served.events.named(name)
    assert (event["action"], event["uid"], event["pid"]) == (path, os.getuid(), os.getpid())
    assert event["reason"] == body.get("reason")
    assert event["datasets"] == (body.get("datasets") or ([body["dataset"]] if "dataset" in body else None))
    assert "api-1" not in str(event)


def test_a_missing_body_counts_as_empty(served: Served) -> None:
    for body in (None, b"", b"  \n"):
        assert served.ask("POST", "/sync/enable", body) == (200, {"sync_enabled": True, "datasets": {}})


def test_force_says_which_run_it_will_be(served: Served) -> None:
    assert served.ask("POST", "/sync/force") == (202, {"accepted": True, "run_id": "run-1"})


WRONG: list[tuple[str, Any, str]] = [
    ("force", b"{", "JSON"),
    ("force", b'{"datasets": ["\xff"]}', "JSON"),
    ("force", [], "object"),
    ("force", {"colour": "red"}, "`colour`"),
    ("force", {"wait": "yes"}, "`wait`"),
    ("force", {"wait": 1}, "`wait`"),
    ("force", {"datasets": "user_profiles"}, "`datasets`"),
    ("force", {"datasets": []}, "`datasets`"),
    ("force", {"datasets": [1]}, "`datasets[0]`"),
    ("force", {"datasets": [""]}, "`datasets[0]`"),
    ("force", {"datasets": ["a\x1b[2J"]}, "`datasets`"),
    ("force", {"allow_deletes": 0}, "`allow_deletes`"),
    ("enable", {"for_seconds": 0}, "`for_seconds`"),
    ("disable", {"for_seconds": 0}, "`for_seconds`"),
    ("disable", {"for_seconds": 367 * 86_400}, "`for_seconds`"),
    ("disable", b'{"for_seconds": 1e999}', "`for_seconds`"),
    ("disable", b'{"for_seconds": NaN}', "JSON"),
    ("disable", {"reason": "x" * 501}, "`reason`"),
    ("disable", {"reason": "two\nlines"}, "`reason`"),
    ("disable", {"reason": "\x9b31m"}, "`reason`"),
    ("pause", {}, "`holder`"),
    ("pause", {"holder": "a"}, "`ttl_seconds`"),
    ("pause", {"holder": "", "ttl_seconds": 1}, "`holder`"),
    ("pause", {"holder": "x" * 201, "ttl_seconds": 1}, "`holder`"),
    ("pause", {"holder": "a\tb", "ttl_seconds": 1}, "`holder`"),
    ("pause", {"holder": "a", "ttl_seconds": 3601}, "`ttl_seconds`"),
    ("pause", {"holder": "a", "ttl_seconds": True}, "`ttl_seconds`"),
    ("resume", {"holder": 1}, "`holder`"),
    ("notify", {}, "`dataset`"),
    ("notify", {"dataset": None}, "`dataset`"),
    ("reload", {"now": True}, "`now`"),
]


@pytest.mark.parametrize(("path", "body", "named"), WRONG)
def test_a_wrong_body_is_refused_with_the_field_named(served: Served, path: str, body: Any, named: str) -> None:
    status, code, message = error_of(served.ask("POST", f"/sync/{path}", body))
    assert (status, code) == (400, "bad_request")
    assert named.lower() in message.lower()
    assert served.operator.told == []
    assert served.events.seen == []


@pytest.mark.parametrize(
    "path", ["/", "/sync", "/sync/", "/sync/status/", "/sync/nothing", "/sync/force%00", "/docs"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_there_is_nothing_else(served: Served, method: str, path: str) -> None:
    assert error_of(served.ask(method, path))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/sync/status", {"GET", "HEAD"}),
        ("DELETE", "/sync/history", {"GET", "HEAD"}),
        ("OPTIONS", "/healthz", {"GET", "HEAD"}),
        ("GET", "/sync/force", {"POST"}),
        ("PUT", "/sync/pause", {"POST"}),
        ("GET", "/sync/reload", {"POST"}),
    ],
)
def test_a_wrong_method_is_told_the_right_one(served: Served, method: str, path: str, allowed: set[str]) -> None:
    answer, raw = served.answer(method, path)
    assert error_of((answer.status, json.loads(raw)))[:2] == (405, "method_not_allowed")
    assert set(answer.getheader("allow", "").split(", ")) == allowed


def test_an_unknown_dataset_is_unprocessable(served: Served) -> None:
    status, code, message = error_of(served.ask("POST", "/sync/force", {"datasets": ["nothing"]}))
    assert (status, code) == (422, "unknown_dataset")
    assert "nothing" in message
    assert error_of(served.ask("GET", "/sync/history?dataset=nothing"))[:2] == (422, "unknown_dataset")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NothingToSyncError("every dataset is disabled"), 409),
        (LockHeldError("`mmsync sync` works on it"), 409),
        (AloneError("this daemon is alone"), 409),
        (ClusterError("its database does not answer"), 503),
        (ShuttingDownError("the daemon is stopping"), 503),
        (StateError("the disk is full", hint="Make room."), 503),
    ],
)
def test_the_daemons_own_errors_have_a_fitting_status(
    served: Served, error: NothingToSyncError | StateError, status: int
) -> None:
    served.operator.raises = error
    answer = served.ask("POST", "/sync/force")
    assert error_of(answer) == (status, error.code, str(error))
    assert answer[1]["error"]["hint"] == error.hint
    assert served.events.seen == []


def test_a_refused_reload_lists_the_problems(served: Served) -> None:
    served.operator.raises = ConfigError(["sync.interval_seconds: is 0", "datasets[0].tab: is missing"])
    answer = served.ask("POST", "/sync/reload")
    assert error_of(answer)[:2] == (422, "config")
    assert answer[1]["error"]["problems"] == ["sync.interval_seconds: is 0", "datasets[0].tab: is missing"]


def test_a_bug_shows_nothing_of_itself_to_the_client(served: Served) -> None:
    served.operator.raises = RuntimeError("a secret")
    answer = served.ask("POST", "/sync/enable")
    assert error_of(answer)[:2] == (500, "internal")
    assert "secret" not in str(answer)
    [event] = served.events.named("control.failed")
    assert (event["path"], event["error"]) == ("/sync/enable", "RuntimeError")
    served.operator.raises = None
    assert served.ask("POST", "/sync/enable")[0] == 200


def test_a_strange_host_changes_nothing(served: Served) -> None:
    assert served.ask("GET", "/sync/nothing", Host="[")[0] == 404
    assert served.ask("GET", "/sync/status", Host="[")[0] == 200


# --- waiting for a forced sync -----------------------------------------------------------------------------


def test_waiting_gives_the_result_when_it_has_ended(served: Served) -> None:
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(served.ask, "POST", "/sync/force", {"wait": True}) for _ in range(20)]
        for _ in waiting:
            assert served.operator.forced.acquire(timeout=PATIENCE)
        assert served.ask("GET", "/sync/status")[0] == 200
        assert served.ask("POST", "/sync/enable")[0] == 200, "no thread may be held by those who wait"
        assert not any(answer.done() for answer in waiting)
        served.operator.done.set_result({"run_id": "run-1", "ok": False})
        assert {answer.result()[0] for answer in waiting} == {200}
        assert waiting[0].result()[1] == {"run_id": "run-1", "ok": False}


def test_a_result_that_is_there_already_is_given_at_once(served: Served) -> None:
    served.operator.done.set_result({"ok": True})
    assert served.ask("POST", "/sync/force", {"wait": True}) == (200, {"ok": True})


def test_a_sync_that_was_given_up_is_a_shutdown(served: Served) -> None:
    served.operator.done.cancel()
    assert error_of(served.ask("POST", "/sync/force", {"wait": True}))[:2] == (503, "shutting_down")


def test_a_result_that_is_an_error_is_that_error(served: Served) -> None:
    served.operator.done.set_exception(StateError("the disk is full"))
    assert error_of(served.ask("POST", "/sync/force", {"wait": True}))[:2] == (503, "state")


def test_a_client_that_goes_away_only_stops_waiting(served: Served) -> None:
    body = b'{"wait": true}'
    with connect(served.path) as leaving:
        leaving.sendall(b"POST /sync/force HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert served.operator.forced.acquire(timeout=PATIENCE)
    assert served.ask("GET", "/sync/status")[0] == 200
    assert not served.operator.done.cancelled()
    served.operator.done.set_result({"ok": True})
    assert served.ask("POST", "/sync/force", {"wait": True}) == (200, {"ok": True})
    assert served.events.named("control.failed") == []


def test_a_connection_is_kept_open_for_the_next_request(served: Served) -> None:
    with connect(served.path) as connected:
        for _ in range(3):
            connected.sendall(b"GET /sync/status HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one_answer(connected)[0] == 200
        connected.sendall(b"POST /sync/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert one_answer(connected)[0] == 404
        connected.sendall(b"GET /sync/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one_answer(connected)[0] == 200


# --- who may ------------------------------------------------------------------------------------------------

as_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("curl") is None, reason="asking as another user takes root, and curl"
)
STRANGER = 65_534


def curl(path: Path, *arguments: str, **who: Any) -> tuple[int, Any]:
    """Status and JSON as curl gets them."""
    command = ["curl", "-sS", "--max-time", str(PATIENCE), "-w", "\n%{http_code}", "--unix-socket", str(path)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=True, timeout=PATIENCE, **who
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_curl_needs_nothing_but_the_path(served: Served) -> None:
    assert curl(served.path, "http://localhost/sync/status") == (200, {"is_running": True})
    assert curl(served.path, "-d", '{"wait": false}', "http://localhost/sync/force")[0] == 202
    assert curl(served.path, "-X", "POST", "http://localhost/sync/enable")[0] == 200
    assert curl(served.path, "-d", "{}" + " " * 70_000, "http://localhost/sync/force")[0] == 413


@as_another_user
def test_the_settings_decide_who_may_read_and_who_may_change() -> None:
    with tempfile.TemporaryDirectory() as name:  # not pytest's own, which only this user may enter
        directory = Path(name)
        directory.chmod(0o711)
        path = directory / "control.sock"
        inside: dict[str, Any] = {"user": STRANGER, "group": os.getegid(), "extra_groups": []}
        urls = ("http://localhost/sync/status", "http://localhost/sync/enable")
        with serving(path, settings=ControlSettings(changers=("1",))) as served:
            assert curl(path, urls[0], **inside)[0] == 200
            answer = curl(path, "-d", "{}", urls[1], **inside)
            assert error_of(answer)[:2] == (403, "not_allowed")
            assert "changers" in answer[1]["error"]["hint"]
            assert served.operator.told == []
            [event] = served.events.named("control.refused")
            assert (event["uid"], event["path"]) == (STRANGER, "/sync/enable")
            assert curl(path, "-d", "{}", urls[1])[0] == 200
        with serving(path, settings=ControlSettings(readers=("1",))):
            assert error_of(curl(path, urls[0], **inside))[:2] == (403, "not_allowed")
        with serving(path, settings=ControlSettings(changers=("@1",))):
            group = {**inside, "extra_groups": [1]}
            assert curl(path, "-d", "{}", urls[1], **group)[0] == 200


def test_a_result_is_not_needed_by_anybody() -> None:
    """A sync that ends after the channel has been stopped."""
    done: Future[Any]
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "s") as served:
        done = served.operator.done
        with connect(served.path) as waiting:
            waiting.sendall(b'POST /sync/force HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"wait":true}')
            assert served.operator.forced.acquire(timeout=PATIENCE)
            assert served.server.stop(PATIENCE)
            status, _, raw = one_answer(waiting)
    assert error_of((status, json.loads(raw)))[:2] == (503, "shutting_down")
    done.set_result({})
