"""The bodies and queries that the channel takes; more of what it refuses is in the contract tests of the paths."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.control import asks
from moneymentor_sync.control.changes import CHANGES, said
from moneymentor_sync.control.refusals import (
    STATUSES,
    BadRequestError,
    closing_answer,
    document,
    document_of,
    status_of,
)
from moneymentor_sync.core.errors import ConfigError, NothingToSyncError, StateError, UnavailableError

KINDS = [asks.Force, asks.Switch, asks.Pause, asks.Resume, asks.Notify, asks.Reload]


def test_null_counts_as_missing() -> None:
    assert asks.parse(asks.Force, b'{"datasets":null,"wait":null,"allow_deletes":null}') == asks.Force()
    assert asks.parse(asks.Switch, b'{"datasets":null,"reason":null,"for_seconds":null}') == asks.Switch()


def test_reasons_may_be_in_any_language() -> None:
    for reason in ("Überprüfung", "数据库迁移", "می‌خواهم", "👩‍💻 ok", ""):
        assert asks.parse(asks.Switch, json.dumps({"reason": reason}).encode()).reason == reason


@pytest.mark.parametrize("letter", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_reason_is_one_line_without_commands_for_a_terminal(letter: str) -> None:
    for kind, field in ((asks.Switch, "reason"), (asks.Notify, "reason"), (asks.Notify, "dataset")):
        body = {"dataset": "a", field: f"a{letter}b"} if kind is asks.Notify else {field: f"a{letter}b"}
        with pytest.raises(BadRequestError, match=f"`{field}`"):
            asks.parse(kind, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"wait": 1}', "`wait`: expected `bool | null`, got `int`"),
        (b'{"datasets": [1]}', "`datasets[0]`: expected `str`, got `int`"),
        (b'{"datasets": []}', "`datasets`: expected `array` of length >= 1"),
        (b'{"no": 1}', "Object contains unknown field `no`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"1e400", "Expected `object`, got a number that is out of range"),
        (b"\x0b", "the body is not JSON in UTF-8: JSON is malformed: invalid character (byte 0)"),
    ],
)
def test_a_message_names_the_field_first(body: bytes, message: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        asks.parse(asks.Force, body)
    assert str(caught.value) == message


@given(st.sampled_from(KINDS), st.one_of(st.binary(max_size=100), st.text().map(str.encode)))
def test_any_bytes_are_an_ask_or_a_refusal(kind: type[msgspec.Struct], raw: bytes) -> None:
    try:
        assert isinstance(asks.parse(kind, raw), kind)
    except BadRequestError as error:
        assert str(error).isprintable()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(KINDS), st.dictionaries(st.sampled_from(["datasets", "wait", "holder", "reason", "x"]), _JSON)
)
def test_any_json_is_an_ask_or_a_refusal(kind: type[msgspec.Struct], body: dict[str, object]) -> None:
    with suppress(BadRequestError):
        asks.parse(kind, json.dumps(body).encode(errors="surrogatepass"))


def test_the_deepest_nesting_is_refused() -> None:
    for raw in (b"[" * 65_000, b'{"datasets":' * 5_000, b'{"datasets":' + b"[" * 60_000):
        with pytest.raises(BadRequestError):
            asks.parse(asks.Force, raw)


def test_the_history_query() -> None:
    assert asks.parse_history([]) == asks.History(None, 20)
    assert asks.parse_history([("dataset", "a"), ("limit", "007")]) == asks.History("a", 7)
    for word in ("٣", "1.0", "1e3", " 1", "1000000000", "1\n"):
        with pytest.raises(BadRequestError, match="`limit`"):
            asks.parse_history([("limit", word)])


def test_the_log_says_no_more_than_datasets_and_reason() -> None:
    assert said(asks.Pause("api of a person", 1.0)) == {"datasets": None, "reason": None}
    assert said(asks.Notify("a", "b")) == {"datasets": ["a"], "reason": "b"}
    assert said(asks.Switch(["a"], "b", 1.0)) == {"datasets": ["a"], "reason": "b"}


def test_every_change_has_its_path() -> None:
    assert set(CHANGES) == {"enable", "disable", "pause", "resume", "notify", "reload"}


def test_an_error_is_its_document_and_its_status() -> None:
    error = StateError("the disk is full", hint="Make room.")
    assert document_of(error) == document("state", "the disk is full", "Make room.")
    assert document_of(ConfigError(["a: b"]))["error"]["problems"] == ["a: b"]
    assert (status_of(error.code), status_of(NothingToSyncError.code)) == (503, 409)
    assert status_of(UnavailableError.code) == 500


@pytest.mark.parametrize("code", STATUSES)
def test_an_answer_before_any_application_is_a_whole_one(code: str) -> None:
    head, _, body = closing_answer(code, "ünd", "so").partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {STATUSES[code].value} ".encode())
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body) == document(code, "ünd", "so")
