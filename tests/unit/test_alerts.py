"""When trouble is told, told again, and told to be over: by values, and for whatever comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.alerts import (
    CALM_SECONDS,
    LONGEST_SETTLE_SECONDS,
    NOTHING,
    Condition,
    Look,
    Memory,
    Notice,
    Rules,
    Severity,
    decide,
)

RULES = Rules(remind_after=3_600.0, settle=120.0)
T = 1_800_000_000.0


def condition(key: str, severity: Severity = "error", under: Sequence[Sequence[str]] = ()) -> Condition:
    sets = tuple(frozenset(one) for one in under)
    return Condition(key, "health", severity, f"{key} is wrong", f"{key} is right again", under=sets)


BAD, MILD = condition("bad"), condition("mild", "warning")


class Story:
    """Looks one after the other, and what each of them had told."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules, self.now = rules, T
        self.memory: Memory = NOTHING
        self.notices: list[tuple[float, Notice]] = []

    def look(self, after: float, *conditions: Condition, **about: Any) -> list[tuple[str, str]]:
        self.now += after
        look = Look(conditions, frozenset({"a"}), **about)
        self.memory, told = decide(look, self.memory, self.now, self.rules)
        self.notices += [(self.now, one) for one in told]
        return [(one.event, one.condition.key) for one in told]

    def restart(self) -> None:
        """Only what was told is kept."""
        self.memory = {key: one for key, one in self.memory.items() if one.told is not None}


def test_what_is_severe_is_told_at_once_and_once() -> None:
    story = Story()
    assert story.look(0, BAD) == [("alert", "bad")]
    assert [story.look(60, BAD) for _ in range(59)] == [[]] * 59
    assert story.look(60, BAD) == [("reminder", "bad")]
    assert story.look(60, BAD) == []


def test_what_is_mild_is_told_when_it_lasts() -> None:
    story = Story()
    assert story.look(0, MILD) == []
    assert story.look(119, MILD) == []
    assert story.look(1, MILD) == [("alert", "mild")]


def test_what_is_mild_and_passes_is_never_told() -> None:
    story = Story()
    story.look(0, MILD)
    assert [story.look(60), story.look(120), story.look(3_600)] == [[], [], []]
    assert story.memory == {}
    assert story.look(0, MILD) == []  # and begins anew


def test_its_end_is_told_when_it_has_lasted_with_how_long_it_was() -> None:
    story = Story()
    story.look(0, BAD)
    story.look(500, BAD)
    assert story.look(100) == []
    assert story.look(119) == []
    assert story.look(1) == [("recovery", "bad")]
    _, notice = story.notices[-1]
    assert (notice.since, notice.until) == (T, T + 600)
    assert story.look(10_000) == []


@pytest.mark.parametrize("one", [BAD, MILD])
def test_what_comes_and_goes_is_one_alert(one: Condition) -> None:
    story = Story()
    told = []
    for _ in range(20):
        told += [*story.look(40, one), *story.look(40)]
    assert told == [("alert", one.key)]
    assert story.look(120) == [("recovery", one.key)]


def test_a_restart_repeats_nothing_and_forgets_no_end() -> None:
    story = Story()
    story.look(0, BAD, MILD)
    story.restart()
    assert story.look(5, unsure=True) == []
    assert story.look(300, unsure=True) == []  # nothing is proven by a daemon that has not synced yet
    assert story.look(5, BAD) == []
    story.restart()
    assert story.look(0) == []
    assert story.look(120) == [("recovery", "bad")]


def test_nobody_is_reminded_while_an_operator_has_turned_it_off() -> None:
    story = Story()
    story.look(0, BAD)
    assert story.look(7_200, BAD, quiet=True) == []
    assert story.look(1, BAD) == [("reminder", "bad")]


def test_no_reminder_where_none_is_wanted() -> None:
    story = Story(Rules(0.0, 120.0))
    story.look(0, BAD)
    assert story.look(1e9, BAD) == []


def test_a_dataset_that_is_not_looked_after_any_more_is_told_so_at_once() -> None:
    story = Story()
    other = replace(condition("stale:b"), dataset="b")
    story.look(0, other)
    assert story.look(5) == [("recovery", "stale:b")]
    assert story.notices[-1][1].dropped


def test_what_is_part_of_something_told_is_not_told_besides() -> None:
    story = Story()
    part = condition("part", under=[["bad"]])
    assert story.look(0, BAD, part) == [("alert", "bad")]
    assert story.look(60, BAD, part) == []
    assert story.look(60, part) == []  # what it is part of may come back
    assert story.look(120, part) == [("alert", "part"), ("recovery", "bad")]
    assert story.look(0) == []
    assert story.look(120) == [("recovery", "part")]


def test_what_is_part_of_several_is_told_where_one_of_them_was_not() -> None:
    both = condition("both", under=[["a"], ["b", "c"]])
    story = Story()
    assert story.look(0, condition("a"), both) == [("alert", "a"), ("alert", "both")]
    story = Story()
    assert story.look(0, condition("a"), condition("c"), both) == [("alert", "a"), ("alert", "c")]


def test_a_clock_that_was_set_back_delays_nothing_for_long() -> None:
    story = Story()
    story.look(0, BAD)
    story.now -= 10 * 86_400
    assert story.look(0, BAD) == []
    assert story.look(3_600, BAD) == [("reminder", "bad")]
    story.look(0)
    story.now -= 10 * 86_400
    assert story.look(0) == []
    assert story.look(120) == [("recovery", "bad")]


# --- whatever comes and goes --------------------------------------------------------------------------------

KEYS = {
    "bad": BAD,
    "mild": MILD,
    "breaker": condition("breaker", under=[["bad"]]),
    "poorly": condition("poorly", "warning", under=[["bad"]]),
}
Step = tuple[float, frozenset[str], bool]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 30.0, 119.0, 120.0, 121.0, 3_599.0, 3_600.0, 90_000.0]),
        st.frozensets(st.sampled_from(sorted(KEYS))),
        st.booleans(),
    ),
    max_size=40,
)


def told_of(key: str, steps: Sequence[Step]) -> list[tuple[float, str]]:
    story = Story()
    for after, held, restart in steps:
        if restart:
            story.restart()
        story.look(after, *(one for name, one in KEYS.items() if name in held))
    for after in (LONGEST_SETTLE_SECONDS, LONGEST_SETTLE_SECONDS, CALM_SECONDS):
        story.look(after)  # everything ends for good
    assert story.memory == {}
    return [(at, one.event) for at, one in story.notices if one.condition.key == key]


@given(steps=STEPS, key=st.sampled_from(sorted(KEYS)))
def test_every_alert_has_exactly_one_recovery_and_nothing_is_told_twice(steps: list[Step], key: str) -> None:
    told = told_of(key, steps)
    words = "".join({"alert": "a", "reminder": "r", "recovery": "z"}[event] for _, event in told)
    alerts = [word for word in words.split("z") if word]
    assert words.count("a") == words.count("z") == len(alerts)
    assert all(word[0] == "a" and set(word[1:]) <= {"r"} for word in alerts)
    for (before, _), (at, event) in pairwise(told):
        if event == "reminder":
            assert at - before >= RULES.remind_after


@given(steps=STEPS)
def test_what_is_severe_and_stands_for_itself_is_told_at_its_first_sight(steps: list[Step]) -> None:
    story, lasting = Story(), False
    for after, held, _ in steps:
        told = story.look(after, *(one for name, one in KEYS.items() if name in held))
        if "bad" in held and not lasting:
            assert ("alert", "bad") in told
        lasting = "bad" in story.memory and story.memory["bad"].told is not None


@given(steps=STEPS)
def test_two_alerts_of_one_thing_are_at_least_the_settling_apart(steps: list[Step]) -> None:
    for key in KEYS:
        alerts = [at for at, event in told_of(key, steps) if event == "alert"]
        assert all(later - sooner >= RULES.settle for sooner, later in pairwise(alerts))


@pytest.mark.parametrize("gap", [30.0, 119.0])
@given(times=st.integers(1, 60))
def test_flapping_is_one_alert_however_often(gap: float, times: int) -> None:
    steps: list[Step] = []
    for _ in range(times):
        steps += [(gap, frozenset({"bad"}), False), (gap, frozenset(), False)]
    assert [event for _, event in told_of("bad", steps) if event != "reminder"] == ["alert", "recovery"]


def slow_flapping(story: Story, times: int) -> list[str]:
    """Five minutes wrong, five minutes right, with a look each minute."""
    minutes = ([(BAD,)] * 5 + [()] * 5) * times
    return [event for held in minutes for event, _ in story.look(60, *held)]


def test_slow_flapping_is_told_a_few_times_and_then_as_one() -> None:
    story = Story(replace(RULES, remind_after=0))
    assert slow_flapping(story, 30) == ["alert", "recovery", "alert", "recovery", "alert"]
    assert [event for _ in range(8) for event, _ in story.look(60)] == ["recovery"]


def test_what_has_been_calm_for_long_is_believed_as_soon_as_ever() -> None:
    story = Story()
    slow_flapping(story, 3)
    story.look(LONGEST_SETTLE_SECONDS)
    story.look(CALM_SECONDS + LONGEST_SETTLE_SECONDS)
    assert story.memory == {}
    assert slow_flapping(story, 1) == ["alert", "recovery"]


def test_what_only_lasts_is_not_told_anew_and_not_over() -> None:
    story = Story()
    about = {"lasting": (BAD, MILD)}
    assert [story.look(120, **about) for _ in range(3)] == [[], [], []]
    assert story.memory == {}
    story.look(0, BAD)
    assert [story.look(600, quiet=True, **about) for _ in range(10)] == [[]] * 10
    assert [story.look(120), story.look(120)] == [[], [("recovery", "bad")]]
