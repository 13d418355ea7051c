"""The channel's description against the channel: nothing is served that is not in it, and nothing is in it that is
not so, down to each key of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route
from tests.contract.control_double import Double, Events, Served, serving

from moneymentor_sync.control.app import Channel
from moneymentor_sync.control.openapi import codes_of, description
from moneymentor_sync.control.operator import Peer
from moneymentor_sync.control.paths import JSON, PATHS
from moneymentor_sync.control.peers import Access, Circle
from moneymentor_sync.control.refusals import ANY_REQUEST, STATUSES, status_of
from moneymentor_sync.core.alert_ports import AlertsSeen
from moneymentor_sync.core.alerts import Condition, Watched
from moneymentor_sync.core.cluster_ports import MemberSeen, ShardSeen
from moneymentor_sync.core.cluster_view import ClusterView, cluster_document
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.health import Health
from moneymentor_sync.core.holds import Hold
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.core.status import NO_CONFIG, DatasetSeen, ErrorSeen, Progress, Snapshot, document
from moneymentor_sync.core.switches import EVERYTHING, Switch
from moneymentor_sync.daemon.results import run_document

OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (path, method.upper(), operation)
    for path, methods in description()["paths"].items()
    for method, operation in methods.items()
]
BODIES: dict[str, dict[str, Any]] = {
    "/sync/force": {"datasets": ["user_profiles"], "wait": False, "allow_deletes": True},
    "/sync/enable": {"datasets": ["user_profiles"], "reason": "mended", "for_seconds": 1.5},
    "/sync/disable": {"datasets": ["user_profiles"], "reason": "migration", "for_seconds": 60},
    "/sync/pause": {"holder": "a", "ttl_seconds": 1},
    "/sync/resume": {"holder": "a"},
    "/sync/notify": {"dataset": "user_profiles", "reason": "sign-up"},
    "/sync/reload": {},
}
"""A body with every field that there is."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "control.sock") as served:
        yield served


def schema_of(operation: dict[str, Any], status: int, kind: str = JSON) -> dict[str, Any]:
    """The schema of an answer, with what it refers to, where an object may have no other keys than those named."""
    found: dict[str, Any] = operation["responses"][str(status)]["content"][kind]["schema"]
    closed = {name: _closed(one) for name, one in description()["components"]["schemas"].items()}
    return {**found, "components": {"schemas": closed}}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


def validate(instance: Any, operation: dict[str, Any], status: int) -> None:
    jsonschema_rs.validator_for(schema_of(operation, status), validate_formats=True).validate(instance)


def operation_of(path: str) -> dict[str, Any]:
    [found] = [operation for one, _, operation in OPERATIONS if one == path]
    return found


# --- paths ------------------------------------------------------------------------------------------------


def test_what_is_served_is_described_and_what_is_described_is_served() -> None:
    with ThreadPoolExecutor(1) as pool:
        app = Channel(Double(), Access(0), Events(), pool, asyncio.Event()).app()
    served = {(one.path, method) for one in app.routes if isinstance(one, Route) for method in one.methods or ()}
    assert served - {(path, "HEAD") for path, _ in served} == {(path, method) for path, method, _ in OPERATIONS}


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, _ in OPERATIONS])
def test_no_path_answers_whom_it_may_not_and_none_reaches_the_daemon(path: str, method: str) -> None:
    """Without being anybody else, which takes root: the peer is given, as the socket's side of it gives him."""
    daemon, sent = Double(), list[MutableMapping[str, Any]]()
    stranger = {"state": {"peer": Peer(1, 4711, frozenset({4711}))}}
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], **stranger}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as pool:
        access = Access(0, readers=Circle(), changers=Circle())
        asyncio.run(Channel(daemon, access, Events(), pool, asyncio.Event()).app()(scope, receive, send))
    assert sent[0]["status"] == HTTPStatus.FORBIDDEN
    assert daemon.told == []


def test_it_is_served_as_it_is(served: Served) -> None:
    status, found = served.ask("GET", "/openapi.json")
    assert (status, found) == (200, description())
    assert found["openapi"] == "3.1.0"
    validate(found, operation_of("/openapi.json"), 200)


def test_every_schema_in_it_is_one_and_every_name_is_used() -> None:
    text = repr(description())
    for name, schema in description()["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert f"'#/components/schemas/{name}'" in text
    assert len({operation["operationId"] for _, _, operation in OPERATIONS}) == len(OPERATIONS)


# --- what is asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BODIES)
def test_every_field_that_is_described_is_taken_and_no_other(served: Served, path: str) -> None:
    [content] = operation_of(path)["requestBody"]["content"].values()
    schema = description()["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    assert set(schema["properties"]) == set(BODIES[path])
    status, _ = served.ask("POST", path, BODIES[path])
    assert status in (200, 202)
    for name in schema["properties"]:
        nothing = served.ask("POST", path, {**BODIES[path], name: None})[0]
        assert (nothing == 400) == (name in schema["required"])
        missing = served.ask("POST", path, {key: value for key, value in BODIES[path].items() if key != name})[0]
        assert (missing == 400) == (name in schema["required"])
    assert served.ask("POST", path, {**BODIES[path], "colour": 1})[0] == 400
    assert schema["additionalProperties"] is False
    assert operation_of(path)["requestBody"]["required"] == (served.ask("POST", path, b"")[0] == 400)


def test_every_parameter_that_is_described_is_taken_and_no_other(served: Served) -> None:
    [limit] = [one["schema"] for one in operation_of("/sync/history")["parameters"] if one["name"] == "limit"]
    assert {one["name"] for one in operation_of("/sync/history")["parameters"]} == {"dataset", "limit"}
    for word, status in {
        "": 200, str(limit["minimum"]): 200, str(limit["maximum"]): 200, str(limit["minimum"] - 1): 400,
        str(limit["maximum"] + 1): 400, "-1": 400, "%2B1": 400, "1.0": 400, "1e3": 400, "%D9%A1": 400, "0x1": 400,
        "9" * 5000: 400, "0" * 5000 + "1": 400, "%00": 400, "%ff": 400, "1%20": 400, "null": 400,
    }.items():  # fmt: skip
        assert served.ask("GET", f"/sync/history?limit={word}")[0] == status, word
    assert served.operator.told[0] == ("history", None, limit["default"])


# --- what is answered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_the_statuses_are_those_of_its_answers_and_of_its_errors(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    [row] = [one for one in PATHS if (one.path, one.method) == (path, method)]
    expected = {*row.gives, *(status_of(code) for code in codes_of(row))}
    assert {int(status) for status in operation["responses"]} == {int(status) for status in expected}


def test_every_code_is_described_somewhere() -> None:
    described = {code for one in PATHS for code in codes_of(one)}
    elsewhere = {"not_found", "method_not_allowed"}  # of what is not described
    unused = {"lock_held"}  # has a status, should a change meet the lock one day
    assert set(STATUSES) == (described | elsewhere | unused) - {"internal"}
    assert described >= set(ANY_REQUEST)


RAISED = [(one.path, error) for one in PATHS for error in one.raises if one.path in BODIES]


@pytest.mark.parametrize(("path", "error"), RAISED)
def test_an_error_that_the_daemon_raises_is_answered_as_described(
    served: Served, path: str, error: type[MmsyncError]
) -> None:
    served.operator.raises = error(["a: b"] if error.code == "config" else "so", hint="")  # type: ignore[arg-type]
    status, found = served.ask("POST", path, BODIES[path])
    assert status == status_of(error.code)
    validate(found, operation_of(path), status)
    assert found["error"]["hint"], "whatever goes wrong, there is something to do"


@pytest.mark.parametrize("path", BODIES)
def test_a_change_is_answered_as_described(served: Served, path: str) -> None:
    status, found = served.ask("POST", path, BODIES[path])
    validate(found, operation_of(path), status)


@pytest.mark.parametrize("healthy", [True, False])
def test_health_is_answered_as_described(served: Served, healthy: bool) -> None:
    served.operator.is_healthy = healthy
    status, found = served.ask("GET", "/healthz")
    assert status == (HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE)
    validate(found, operation_of("/healthz"), status)


ACCOUNT = {"account": "a@p", "project": "p", "reads": 1, "writes": 2}
FLEET = ClusterView(
    "default",
    "a",
    15.0,
    me=1,
    alive={1: frozenset({shard_of("sheet")})},
    members=(MemberSeen(1, "a", 11, "1", 0.0, 1.0, "healthy"), MemberSeen(2, "b", 12, "1", 0.0, 1.0)),
    shards={shard_of("sheet"): ShardSeen(1, 1.0)},
    now=2.0,
    quota={
        "accounts": [ACCOUNT],
        "limits": {"project_reads": 270, "project_writes": 270, "account_reads": 54, "account_writes": 54},
    },
)


def test_a_fleet_with_what_its_members_told_is_as_described() -> None:
    found = cluster_document(FLEET, {"sheet": ["a"], "other": ["b"]})
    found["members"] = [one | {"status": {"is_running": True} if one["me"] else None} for one in found["members"]]
    validate(found, operation_of("/sync/cluster"), 200)


TOLD = Condition("health", "health", "error", "degraded", "healthy again", dataset="a")


def test_a_status_with_everything_in_it_is_as_described() -> None:
    switch = Switch(EVERYTHING, enabled=False, since=1.0, reason="so", until=9.0)
    snapshot = Snapshot(
        version="1",
        config=NO_CONFIG,
        datasets=(DatasetSeen("a", "A", True, 1.0, "sheet"),),
        health=Health("warning", "so", "do"),
        is_running=True,
        pid=1,
        started_at=0.0,
        started_mono=0.0,
        next_mono=9.0,
        switches={EVERYTHING: switch, "a": Switch("a", enabled=True, since=1.0, reason=None, until=None)},
        holds={"b": Hold("b", 1.0, 9.0)},
        errors=(ErrorSeen(1.0, "a", "so", "do"),),
        cluster=FLEET,
        alerts=AlertsSeen(("webhook h",), (Watched(TOLD, 1.0, 1.0),), 1.0, "webhook h: it answers 500", 2.0),
    )
    progress = Progress("run", "force", 1.0, "a", "read", 1, 2, "requests")
    for one in (document(snapshot, progress, now=2.0, mono=2.0), document(snapshot, None, now=99.0, mono=99.0)):
        validate(one, operation_of("/sync/status"), 200)


def test_the_result_of_a_sync_is_as_described() -> None:
    results = (DatasetResult("a", "A", "synced", notes=("so",)), DatasetResult("b", "B", "failed", error="so"))
    validate(run_document(RunResult("run", 0.0, 1.0, "force", results)), operation_of("/sync/force"), 200)


# --- every error has a hint -----------------------------------------------------------------------------------

WRONG: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("GET", "/", None, {}, 404),
    ("DELETE", "/sync/status", None, {}, 405),
    ("POST", "/sync/force", b"{", {}, 400),
    ("POST", "/sync/force", {"wait": 1}, {}, 400),
    ("GET", "/sync/history?limit=0", None, {}, 400),
    ("GET", "/sync/history?colour=red", None, {}, 400),
    ("GET", "/sync/status", None, {"Content-Length": "x"}, 400),
    ("GET", "/sync/status", None, {"X": "x" * 17_000}, 431),
    ("POST", "/sync/force", b" " * 65_537, {}, 413),
    ("POST", "/sync/notify", {"dataset": "nothing"}, {}, 422),
]


@pytest.mark.parametrize(("method", "target", "body", "headers", "status"), WRONG)
def test_no_error_is_without_a_hint(
    served: Served, method: str, target: str, body: Any, headers: dict[str, str], status: int
) -> None:
    answered, found = served.ask(method, target, body, **headers)
    assert answered == status
    error = description()["components"]["schemas"]["Error"]
    jsonschema_rs.validator_for(error).validate(found)
    assert found["error"]["hint"]
    assert status_of(found["error"]["code"]) == status
