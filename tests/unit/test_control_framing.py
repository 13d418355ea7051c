"""What of HTTP the channel takes: bytes in, events or a refusal out."""

from __future__ import annotations

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.control.framing import Framing
from moneymentor_sync.control.limits import Limits

LIMITS = Limits(head_bytes=200, body_bytes=20)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


def outcome(*pieces: bytes) -> str:
    """`done`, `more` where the request is not complete, or the code of the refusal."""
    framing = Framing(LIMITS)
    for piece in pieces:
        framing.receive_data(piece)
        while True:
            try:
                event = framing.next_event()
            except h11.RemoteProtocolError:
                return framing.refusal[0]
            if isinstance(event, h11.EndOfMessage):
                return "done"
            if event is h11.NEED_DATA:
                break
    return "more"


def chunked(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in sizes)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "done"),
        (b"GET / HTTP/1.0\r\n\r\n", "done"),
        (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", "bad_request"),
        (HEAD + b"Content-Length: 20\r\n\r\n" + b"x" * 20, "done"),
        (HEAD + b"Content-Length: 20\r\n\r\n" + b"x" * 19, "more"),
        (HEAD + b"Content-Length: 21\r\n\r\n", "too_large"),
        (HEAD + b"Content-Length: 2, 2\r\n\r\nxx", "done"),
        (HEAD + b"Content-Length: " + b"9" * 100 + b"\r\n\r\n", "bad_request"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(20, 0), "done"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(10, 10, 0), "done"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(10, 11), "too_large"),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", "bad_request"),
        (HEAD + b"X: " + b"y" * 150 + b"\r\n\r\n", "done"),
        (HEAD + b"X: " + b"y" * 200 + b"\r\n\r\n", "head_too_large"),
        (HEAD + b"X: " + b"y" * 200, "head_too_large"),
        (HEAD + b"X:y\r\n" * 40 + b"\r\n", "head_too_large"),
        (b"hello\r\n\r\n", "bad_request"),
    ],
)
def test_what_is_taken(raw: bytes, expected: str) -> None:
    assert outcome(raw) == expected


def test_a_refusal_says_why() -> None:
    framing = Framing(LIMITS)
    framing.receive_data(HEAD + b"Content-Length: 21\r\n\r\n")
    with pytest.raises(h11.RemoteProtocolError):
        framing.next_event()
    assert framing.refusal == ("too_large", "the request is refused: its body is larger than 20 bytes")


def test_a_body_is_counted_for_each_request() -> None:
    framing = Framing(LIMITS)
    for _ in range(5):
        framing.receive_data(HEAD + b"Content-Length: 15\r\n\r\n" + b"x" * 15)
        while not isinstance(framing.next_event(), h11.EndOfMessage):
            pass
        framing.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        framing.send(h11.EndOfMessage())
        framing.start_next_cycle()


def test_it_is_known_whether_a_request_has_begun() -> None:
    framing = Framing(LIMITS)
    assert not framing.has_unread
    framing.receive_data(b"G")
    framing.next_event()
    assert framing.has_unread


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_whatever_comes_is_an_event_or_a_refusal_however_it_is_cut(raw: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(raw)]
    pieces = [raw[a:b] for a, b in pairwise(edges) if raw[a:b]]
    assert outcome(*pieces) in ("done", "more", "bad_request", "too_large", "head_too_large")
