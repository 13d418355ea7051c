"""When the sync comes that serves notices: after quiet, not too late, and not more often than the clock allows."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.notices import (
    BURST,
    NO_NOTICES,
    WINDOW_SECONDS,
    Notices,
    Pace,
    due,
    due_at,
    most_syncs,
    noticed,
)

PACE = Pace(debounce_seconds=2.0, max_delay_seconds=30.0)


@dataclass
class Played:
    """What came of a stream of notices: each sync's moment and datasets, and when each was heard of before it."""

    syncs: list[tuple[float, frozenset[str]]] = field(default_factory=list)
    heard: list[dict[str, list[float]]] = field(default_factory=list)


def play(notices: list[tuple[float, str]], pace: Pace) -> Played:
    """All of a stream, with a clockwork that is exact."""
    played, state = Played(), NO_NOTICES
    heard: dict[str, list[float]] = {}
    stream = sorted(notices)
    while stream or state.waiting:
        moment = due_at(state, pace)
        if stream and (moment is None or stream[0][0] <= moment):
            now, name = stream.pop(0)
            state = noticed(state, [name], now)
            heard.setdefault(name, []).append(now)
            continue
        assert moment is not None
        names, state = due(state, pace, moment)
        assert names
        played.syncs.append((moment, names))
        played.heard.append({name: heard.pop(name) for name in names})
    return played


def test_it_comes_after_the_quiet_time_once() -> None:
    played = play([(0.0, "a"), (1.0, "a"), (2.5, "a")], PACE)
    assert played.syncs == [(4.5, frozenset({"a"}))]


def test_a_stream_does_not_put_it_off_for_ever() -> None:
    played = play([(float(second), "a") for second in range(61)], PACE)
    assert [moment for moment, _ in played.syncs] == [30.0, 61.0]


def test_datasets_that_are_due_together_are_one_sync() -> None:
    state = noticed(NO_NOTICES, ["a", "b"], 5.0)
    assert due_at(state, PACE) == 7.0
    assert due(state, PACE, 7.0)[0] == {"a", "b"}


def test_a_noisy_dataset_does_not_hold_up_a_quiet_one() -> None:
    notices = [(0.0, "quiet"), *((second / 2, "noisy") for second in range(40))]
    assert play(notices, PACE).syncs[0] == (2.0, frozenset({"quiet"}))


def test_who_may_wait_no_longer_takes_the_others_along() -> None:
    notices = [*((float(second), "noisy") for second in range(31)), (29.5, "late")]
    assert play(notices, PACE).syncs == [(30.0, frozenset({"noisy", "late"}))]


def test_too_early_nothing_is_due_and_nothing_is_lost() -> None:
    state = noticed(NO_NOTICES, ["a"], 0.0)
    assert due(state, PACE, 1.9) == (frozenset(), state)
    assert due_at(NO_NOTICES, PACE) is None
    assert due(NO_NOTICES, PACE, 1.0) == (frozenset(), NO_NOTICES)


def test_after_a_burst_the_next_one_waits_for_the_window_or_for_its_latest_moment() -> None:
    begun = tuple(float(moment) for moment in range(BURST))
    state = noticed(Notices(begun=begun), ["a"], 25.0)
    assert due_at(state, PACE) == 55.0
    state = noticed(Notices(begun=begun), ["a"], 50.0)
    assert due_at(state, PACE) == WINDOW_SECONDS


def test_with_a_latest_moment_before_the_quiet_one_it_is_that() -> None:
    assert due_at(noticed(NO_NOTICES, ["a"], 0.0), Pace(10.0, 1.0)) == 1.0


paces = st.builds(Pace, st.floats(0.0, 20.0), st.floats(1.0, 60.0))
streams = st.lists(st.tuples(st.floats(0.0, 400.0), st.sampled_from("abc")), max_size=300)


@given(streams, paces)
def test_never_before_the_quiet_time_unless_the_delay_is_over(stream: list[tuple[float, str]], pace: Pace) -> None:
    played = play(stream, pace)
    for (moment, names), heard in zip(played.syncs, played.heard, strict=True):
        first = min(min(times) for times in heard.values())
        quiet = all(moment >= max(heard[name]) + pace.debounce_seconds for name in names)
        assert quiet or moment >= first + pace.max_delay_seconds


@given(streams, paces)
def test_never_later_than_the_delay_after_the_first(stream: list[tuple[float, str]], pace: Pace) -> None:
    played = play(stream, pace)
    for (moment, _), heard in zip(played.syncs, played.heard, strict=True):
        assert moment <= min(min(times) for times in heard.values()) + pace.max_delay_seconds


@given(streams, paces)
def test_every_notice_is_served(stream: list[tuple[float, str]], pace: Pace) -> None:
    played = play(stream, pace)
    assert sum(len(times) for heard in played.heard for times in heard.values()) == len(stream)


@pytest.mark.parametrize("every", [0.01, 0.5, 2.0, 2.5, 7.0])
@pytest.mark.parametrize("datasets", [1, 20])
def test_a_constant_stream_is_bounded_by_the_clock(every: float, datasets: int) -> None:
    seconds = 300.0
    stream = [(n * every, f"d{n % datasets}") for n in range(int(seconds / every))]
    syncs = [moment for moment, _ in play(stream, PACE).syncs]
    assert len([one for one in syncs if one <= seconds]) <= most_syncs(seconds, PACE)
    for begin in range(240):
        within = [one for one in syncs if begin <= one < begin + WINDOW_SECONDS]
        assert 2 * len(within) <= 60, "for two tabs within what Google allows"


@given(streams, paces, st.floats(1.0, 400.0))
def test_the_number_of_syncs_does_not_depend_on_the_notices(
    stream: list[tuple[float, str]], pace: Pace, seconds: float
) -> None:
    syncs = [moment for moment, _ in play(stream, pace).syncs if moment < seconds]
    assert len(syncs) <= most_syncs(seconds, pace)
