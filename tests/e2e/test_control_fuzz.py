"""A real daemon, syncing, and clients that send it anything: bytes, JSON, and all that its description allows.

In the suite a few hundred of each, always the same. `python -m pytest tests/e2e/test_control_fuzz.py
--hypothesis-profile=long` takes many times as many, at random.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis.specs.openapi.checks import negative_data_rejection
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from moneymentor_sync.control.openapi import description
from tests.contract.test_control_description import BODIES as ALLOWED
from tests.contract.test_control_description import operation_of, validate
from tests.e2e.besieged import SECRET, SERVED, STATUS, Answer, Besieged, ask, besieged, talk

LONG = settings.default.max_examples if settings.default is not None else 100
QUIET = ("/sync/pause", "/sync/resume", "/sync/notify")


def examples(count: int) -> settings:
    """So many in the suite, always the same; with a profile of more than a hundred that many times as many."""
    return settings(
        max_examples=count * max(1, LONG // 100),
        derandomize=LONG <= 100,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        print_blob=True,
    )


@pytest.fixture(scope="module")
def daemon() -> Iterator[Besieged]:
    with besieged() as under:
        yield under


class Tally:
    """What was answered to all of it, so that a test can tell that it hit something."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.logged = 0

    def add(self, found: list[Answer], path: str = "") -> None:
        for one in found:
            self.seen[one.status] = self.seen.get(one.status, 0) + 1
            self.logged += one.status in SERVED and path not in QUIET

    def __repr__(self) -> str:
        return repr(dict(sorted(self.seen.items())))


# --- bytes ------------------------------------------------------------------------------------------------


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    head = b"".join(header + b"\r\n" for header in (b"Host: x", b"Content-Length: %d" % len(body), *headers))
    return b"POST %s HTTP/1.1\r\n%s\r\n%s" % (path, head, body)


def chunks(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + end


NOTICE = b'{"dataset": "user_profiles"}'
WORD = SECRET.encode()
REQUESTS = [
    STATUS,
    b"GET /sync/history?limit=5&dataset=user_profiles HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
    b"GET /openapi.json HTTP/1.0\r\n\r\n",
    b"DELETE /sync/status HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    post(b"/sync/notify", NOTICE, b"Content-Type: application/json"),
    post(b"/sync/pause", b'{"holder": "' + WORD + b'", "ttl_seconds": 0.01}'),
    post(b"/sync/resume", b'{"holder": "' + WORD + b'"}', b"Expect: 100-continue"),
    post(b"/sync/force", b'{"datasets": ["' + WORD + b'"]}', b"Cookie: " + WORD),
    chunks(NOTICE[:5], NOTICE[5:]),
]
UNFINISHED = [
    b"GET /sync/status\r\n",  # all of it, in HTTP/0.9
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\nx",
]
SHAPES = [
    *UNFINISHED,
    b"GET /sync/status HTTP/0.9\r\n\r\n",
    b"GET /sync/status HTTP/1.1\nHost: x\n\n",
    b"GET /sync/status HTTP/1.1\r\nHost: x\r\nX:" + WORD + b"\x00\r\n\r\n",
    b"GET /" + WORD + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /sync/status#" + WORD + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //sync//status HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /sync/../sync/status HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /sync/%73tatus?%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%ff%c0%80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET sync/status HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET unix:/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    b"TRACE /sync/status HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xab" * 500,  # TLS
    b"\x00" * 3000,
    b"\r\n" * 3000,
    b"GET /sync/status HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /sync/status HTTP/1.1\r\n" + b"Host: x\r\n" * 2 + b"\r\n",
    b"GET /sync/status HTTP/1.1\r\nHost: x\r\n" + b"X-Y: z\r\n" * 3000 + b"\r\n",
    b"GET /sync/status?" + b"a=b&" * 3500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /sync/status HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"A" * 100_000,
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\n{}",
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\n" + NOTICE,
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nContent-Length: 28, 28\r\n\r\n" + NOTICE,
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0;" + b"e" * 5000 + b"\r\n\r\n",
    chunks(NOTICE, end=b"0\r\nTrailer: " + WORD + b"\r\n\r\n"),
    chunks(NOTICE, end=b"0\r\n" + b"T: x\r\n" * 5000 + b"\r\n"),
    chunks(*[b" "] * 5000),
    STATUS * 100,
    STATUS * 20 + b"hello\r\n\r\n" + STATUS * 20,
]
BITS = [b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b",", b"%", b"{", b"\xff", b"HTTP/1.1", b"Host: x\r\n",
        b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"/", b"?", WORD]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """One or some requests that were right, with pieces cut out, doubled, moved, or put in."""
    raw = bytearray(b"".join(draw(st.lists(st.sampled_from(REQUESTS + SHAPES[:12]), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.integers(0, 12)))
        match draw(st.integers(0, 4)):
            case 0:
                del raw[at:to]
            case 1:
                raw[at:at] = draw(st.sampled_from(BITS)) * draw(st.sampled_from([1, 1, 2, 50]))
            case 2:
                raw[at:to] = draw(st.binary(max_size=8))
            case 3:
                raw[at:at] = raw[at:to]
            case _:
                del raw[at:]
    return bytes(raw)


def logged_by(sent: bytes, found: list[Answer]) -> int:
    """How many lines the log owes to it: mutated requests may hit a path that changes something."""
    words = (b"force", b"enable", b"disable", b"reload")
    return sum(one.status in SERVED for one in found) if any(word in sent for word in words) else 0


def test_any_bytes_are_answered_or_hung_up_on(daemon: Besieged) -> None:
    tally = Tally()

    @examples(150)
    @given(st.binary(max_size=300) | st.binary(min_size=1, max_size=20).map(lambda raw: raw * 2000))
    def whatever(sent: bytes) -> None:
        tally.add(talk(daemon, sent))

    whatever()
    assert set(tally.seen) <= {400, 431}, tally
    daemon.survives()


@pytest.mark.parametrize("sent", SHAPES, ids=lambda sent: repr(sent[:40]))
def test_known_tricks_are_answered_or_hung_up_on(daemon: Besieged, sent: bytes) -> None:
    # What a thread answers may come after this client has said that it is done.
    assert talk(daemon, sent) or sent in UNFINISHED or sent.startswith(b"POST")


def test_requests_that_were_right_once_are_answered_or_hung_up_on(daemon: Besieged) -> None:
    tally = Tally()

    @examples(400)
    @given(mutated())
    def almost(sent: bytes) -> None:
        found = talk(daemon, sent)
        tally.add(found)
        tally.logged += logged_by(sent, found) - sum(one.status in SERVED for one in found)

    almost()
    assert {200, 400, 404, 405, 422} <= set(tally.seen), tally
    daemon.survives(accepted=max(0, tally.logged))


# --- JSON -------------------------------------------------------------------------------------------------

POSTS = {
    path: description()["components"]["schemas"][
        methods["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    ]
    for path, methods in description()["paths"].items()
    if "post" in methods
}
FIELDS = sorted({field for schema in POSTS.values() for field in schema["properties"]})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, -(2**63), 2**64, 10**400, -(10**400)])
    | st.floats()
    | st.sampled_from([5e-324, 1.8e308, -0.0, 1e-400])
    | st.text(max_size=20)
    | st.text(st.characters(), max_size=5)
    | st.sampled_from([SECRET, "user_profiles", "course_statistics", "\ud800", "\x00", "\u202e", "x" * 30_000, ""])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(FIELDS), inner)
    ),
    max_leaves=12,
)
RIGHT: dict[str, list[Any]] = {
    "dataset": ["user_profiles", "course_statistics", SECRET],
    "datasets": [["user_profiles"], ["course_statistics", "user_profiles"], [SECRET], None],
    "wait": [True, False, None],
    "allow_deletes": [True, False, None],
    "reason": ["why", "", None],
    "for_seconds": [0.001, 60, None],
    "holder": [SECRET, "a holder"],
    "ttl_seconds": [0.001, 3600],
}
assert set(RIGHT) == set(FIELDS)


def almost(path: str) -> st.SearchStrategy[dict[str, Any]]:
    """The path's own fields, each mostly with a value that is right, sometimes with any, or missing."""
    fields = POSTS[path]["properties"]
    values = {name: st.sampled_from(RIGHT[name] * 3) | ANY_JSON for name in fields}
    return st.fixed_dictionaries({}, optional=values) | st.fixed_dictionaries(values)


RAW = st.sampled_from(
    [
        b"[" * 60_000, b'{"datasets":' * 5_000, b'{"datasets":[' + b"[" * 50_000, b'{"x":' + b"[" * 50_000,
        b'{"wait":false,"wait":true,"wait":"' + WORD + b'"}', b'{"datasets":null,"datasets":null}',
        b'{"ttl_seconds":' + b"9" * 60_000 + b',"holder":"a"}', b'{"for_seconds":1e99999999999}',
        b'{"for_seconds":NaN}', b'{"for_seconds":-Infinity}', b'{"for_seconds":0x1}', b'{"for_seconds":01}',
        b'{"holder":"\xff\xfe"}', b'{"holder":"\\ud800\\udbff"}', b'{"holder":"\xed\xa0\x80"}',
        b'{"holder":"\\u0000"}',
        b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"{}{}", b"{},", b"null", b'""', b"{'a':1}", b"{/**/}", b"\x00",
        b'{"datasets":[' + b'"user_profiles",' * 4_000 + b'"user_profiles"]}',
        b'{"' + b"k" * 60_000 + b'":1}', b'{"datasets":["' + b"n" * 60_000 + b'"]}', b" " * 65_536,
        b"{" + b" " * 60_000,
    ]
)  # fmt: skip


def encoded(value: Any, ascii_only: bool) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def bodies(path: str) -> st.SearchStrategy[tuple[str, bytes]]:
    """The path with any body, one that is almost right, or one that is no JSON."""
    body = st.builds(encoded, ANY_JSON | almost(path) | almost(path), st.booleans()) | RAW
    return st.tuples(st.just(path), body)


def test_any_json_is_answered_with_the_field_that_is_wrong(daemon: Besieged) -> None:
    tally = Tally()

    @examples(500)
    @given(st.sampled_from(sorted(POSTS)).flatmap(bodies))
    def whatever(asked: tuple[str, bytes]) -> None:
        path, body = asked
        [found] = ask(daemon, post(path.encode(), body, b"Connection: close"))
        described = description()["paths"][path]["post"]["responses"]
        assert str(found.status) in described, found
        tally.add([found], path)
        if found.status == 400:
            assert any(word in found.error["message"] for word in ("`", "JSON", "out of range")), found

    whatever()
    assert {200, 202, 400, 422} <= set(tally.seen), tally
    daemon.survives(accepted=tally.logged)


# --- its own description ------------------------------------------------------------------------------------


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


class _UnixPool(HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def _new_conn(self) -> _UnixConnection:
        return _UnixConnection(self._path)


class UnixAdapter(HTTPAdapter):
    """What requests needs to speak to a Unix socket, whatever the URL's host."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = _UnixPool(path)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _UnixPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()


# What is right but names a dataset that there is not, finds nothing to sync, or meets its own thousand holders.
SCHEMA = schemathesis.openapi.from_dict(description())
SCHEMA.config.update(base_url="http://localhost")
SCHEMA.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "403", "409", "422", "503"]


@SCHEMA.parametrize()
@examples(25)
def test_it_does_what_its_description_says_and_nothing_else(case: schemathesis.Case[Any], daemon: Besieged) -> None:
    # A body of white space is none, which no schema of a body can say.
    blank = isinstance(case.body, str | bytes) and not case.body.strip()
    with requests.Session() as session:
        session.mount("http://", UnixAdapter(str(daemon.path)))
        case.call_and_validate(session=session, timeout=60, excluded_checks=[negative_data_rejection] * blank)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *[(path, None) for path in ("/sync/status", "/sync/history", "/healthz", "/openapi.json")],
        ("/sync/force", {"wait": True}),
        *[(path, body) for path, body in ALLOWED.items() if path != "/sync/force"],
    ],
)
def test_no_answer_has_a_key_that_is_not_described(daemon: Besieged, path: str, body: Any) -> None:
    get = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    sent = get if body is None else post(path.encode(), json.dumps(body).encode(), b"Connection: close")
    [found] = ask(daemon, sent)
    validate(json.loads(found.body or b""), operation_of(path), found.status)
    daemon.undo()


def test_after_all_that_was_described_it_goes_on(daemon: Besieged) -> None:
    daemon.survives(accepted=100_000)
