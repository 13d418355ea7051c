"""Single values: what they become, and how a wrong one is called."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.config_values import (
    YEAR,
    InvalidValueError,
    Raw,
    Reader,
    boolean,
    choice,
    duration,
    kind_of,
    names,
    number,
    parse_duration,
    path,
    show,
    text,
    timezone,
    whole_number,
)

BASE = Path("/etc/mmsync")
HOME = Path("/home/op")


def typed(value: object) -> Raw:
    return Raw(value, BASE, HOME)


def word(value: str) -> Raw:
    return Raw(value, BASE, HOME, is_text=True)


@pytest.mark.parametrize(
    ("given_as", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1d2h3m4s", 93784),
        ("1.5d", 129600),
        (" 15M ", 900),
        (YEAR, YEAR),
    ],
)
def test_a_duration_is_seconds(given_as: str | float, seconds: float) -> None:
    assert parse_duration(given_as) == seconds
    assert duration(typed(given_as)) == seconds


@pytest.mark.parametrize("wrong", ["", " ", "soon", "15 m", "m", "1h30", "30m1h", "-5m", "1e3", "٣m", "5ms", "inf"])
def test_what_is_no_duration_is_named(wrong: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a time such as 90s"):
        parse_duration(wrong)


@pytest.mark.parametrize("wrong", [0, -1, "0", "0s", "400d", float("nan"), float("inf"), 10**400, "9" * 5000])
def test_a_duration_out_of_range_is_refused(wrong: str | float) -> None:
    with pytest.raises(InvalidValueError, match="more than nothing and at most a year"):
        parse_duration(wrong)


@given(st.integers(0, 300), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_the_parts_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    written = f"{days}d{hours}h{minutes}m{seconds}s"
    assert parse_duration(written) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


@given(st.text())
def test_a_duration_is_a_number_in_range_or_an_error(value: str) -> None:
    with contextlib.suppress(InvalidValueError):
        assert 0 < parse_duration(value) <= YEAR


@pytest.mark.parametrize("value", [True, None, [1]])
def test_other_things_are_no_durations(value: object) -> None:
    with pytest.raises(InvalidValueError, match="expected a time"):
        duration(typed(value))


@pytest.mark.parametrize("yes", ["true", "TRUE", "1", "yes", "on", " On "])
@pytest.mark.parametrize("no", ["false", "0", "no", "OFF"])
def test_booleans_of_the_environment(yes: str, no: str) -> None:
    assert boolean(word(yes)) is True
    assert boolean(word(no)) is False


def test_a_boolean_of_the_file_is_a_boolean() -> None:
    assert boolean(typed(False)) is False


def test_numbers() -> None:
    assert number(1, 10)(typed(1)) == 1.0
    assert isinstance(number(1, 10)(typed(1)), float)
    assert number(1, 10)(word("2.5")) == 2.5
    assert number(1, 1000)(word("1e2")) == 100
    assert whole_number(0, 10)(typed(10)) == 10
    assert whole_number(-5, 10)(word(" -5 ")) == -5


def test_choices_in_any_case() -> None:
    assert choice("info", "debug")(word("DEBUG")) == "debug"


def test_text_keeps_its_blanks_in_the_file_only() -> None:
    assert text(typed(" a ")) == " a "
    assert text(word(" a ")) == "a"


def test_names_may_be_none_where_that_is_meant() -> None:
    assert names()(typed(["a", "b"])) == ("a", "b")
    assert names(may_be_empty=True)(typed([])) == ()


def test_paths_start_at_their_base_or_at_home() -> None:
    assert path(typed("key.json")) == BASE / "key.json"
    assert path(typed("/a/b")) == Path("/a/b")
    assert path(typed("~/x")) == HOME / "x"
    assert path(typed("~")) == HOME


def test_a_time_zone_is_an_iana_name() -> None:
    assert timezone(typed("Europe/Berlin")) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("reader", "raw", "message"),
    [
        (text, typed(5), "expected a string, not a whole number"),
        (text, typed("  "), "is empty"),
        (text, typed("a\0b"), "contains a NUL character"),
        (boolean, typed(1), "expected true or false, not a whole number"),
        (boolean, typed("true"), "expected true or false, not a string"),
        (boolean, word("maybe"), "'maybe' is neither true nor false"),
        (number(1, 10), typed("5"), "expected a number, not a string"),
        (number(1, 10), typed(True), "expected a number, not a boolean"),
        (number(1, 10), word("abc"), "'abc' is not a number"),
        (number(1, 10), word("nan"), "'nan' is not a number"),
        (number(1, 10), word("1_0"), "'1_0' is not a number"),
        (number(1, 10), typed(0.5), "must be from 1 to 10, not 0.5"),
        (number(1, 10), typed(float("nan")), "must be from 1 to 10, not nan"),
        (number(1, 10), typed(10**400), "must be from 1 to 10, not so large a number"),
        (number(0.1, 86400.0), word("1e999"), "must be from 0.1 to 86400, not inf"),
        (whole_number(0, 10), typed(3.0), "expected a whole number, not a number"),
        (whole_number(0, 10), typed(True), "expected a whole number, not a boolean"),
        (whole_number(0, 10), word("abc"), "'abc' is not a whole number"),
        (whole_number(0, 10), word("1.0"), "'1.0' is not a whole number"),
        (whole_number(0, 10**8), word("-1"), "must be from 0 to 100000000, not -1"),
        (choice("info", "warning"), typed("warn"), "'warn' is none of info, warning; did you mean 'warning'?"),
        (choice("info", "warning"), typed("x"), "'x' is none of info, warning"),
        (names(), typed("id"), 'expected a list of column names such as ["id"], not a string'),
        (names(), typed(["id", 5]), 'expected a list of column names such as ["id"], not one of other things'),
        (names(), typed([""]), "is empty"),
        (names(), typed([]), "names no column"),
        (names(), typed(["a", "a"]), "names a column twice"),
        (path, typed("~other/x"), "'~other/x': only ~/ is understood; write the whole path"),
        (
            path,
            Raw("~/x", BASE, None),
            "starts with ~, and no home directory is known; write the whole path",
        ),
        (
            timezone,
            typed("Europe/Berln"),
            "'Europe/Berln' is no time zone such as Europe/Berlin; did you mean 'Europe/Berlin'?",
        ),
    ],
)
def test_a_wrong_value_is_called_by_what_is_wrong(reader: Reader[object], raw: Raw, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        reader(raw)
    assert str(caught.value) == message


@pytest.mark.parametrize("wrong", ["Europe", "../etc/passwd", "/etc/localtime", "Mars/Base", "a" * 5000])
def test_what_is_no_time_zone(wrong: str) -> None:
    with pytest.raises(InvalidValueError, match="is no time zone"):
        timezone(typed(wrong))


def test_kinds_in_words() -> None:
    assert kind_of(1.5) == "a number"
    assert kind_of({}) == "a table"
    assert kind_of(None) == "something else"


def test_a_shown_value_is_short_and_has_no_password() -> None:
    assert show("postgresql://me:pa/ss@x@host/db") == "'postgresql://…@host/db'"
    assert show("x" * 100) == repr("x" * 59 + "…")
    assert show("a\nb") == r"'a\nb'"
    assert show(True) == "true"
