"""Times, counts and foreign text as an operator reads them. Pure: the moment and the time zone are given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

PHASES = {"reading": "reading", "comparing": "planning", "writing": "writing"}
"""What an engine's phase is called for people."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """The moment at which something is shown, and how a moment becomes the reader's local time."""

    now: datetime
    local: Callable[[datetime], datetime] = datetime.astimezone

    def age(self, time: str | None) -> str:
        """How long ago an RFC 3339 time was: `2 min ago`; `never` for None."""
        if time is None:
            return "never"
        seconds = self.elapsed(time)
        return "just now" if seconds < 1 else f"{coarse(seconds)} ago"

    def elapsed(self, time: str) -> float:
        """Seconds since a time; 0 when it is to come."""
        return max((self.now - datetime.fromisoformat(time)).total_seconds(), 0.0)

    def ahead(self, time: str) -> float:
        """Seconds until a time; 0 when it is past."""
        return max((datetime.fromisoformat(time) - self.now).total_seconds(), 0.0)

    def clock(self, time: str) -> str:
        """Local time: `14:05:09` today, with the date on any other day."""
        moment = self.local(datetime.fromisoformat(time))
        today = moment.date() == self.local(self.now).date()
        return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M}"

    def when(self, time: str) -> str:
        """A past time: `2 min ago (14:05:09)`."""
        return f"{self.age(time)} ({self.clock(time)})"

    def until(self, time: str) -> str:
        """A time to come: `14:05:09 (in 1 h 40 min)`."""
        return f"{self.clock(time)} (in {span(self.ahead(time))})"

    def later(self, seconds: float) -> str:
        """A time to come that is known by its distance: `in 2 min 58 s (14:05:09)`."""
        return f"in {span(seconds)} ({self.clock((self.now + timedelta(seconds=seconds)).isoformat())})"


def coarse(seconds: float) -> str:
    """A duration by its largest unit: `45 s`, `2 min`, `5 h`, `3 days`."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    return f"{whole // _HOUR} h" if whole < _DAY else counted(whole // _DAY, "day")


def span(seconds: float) -> str:
    """A duration by its two largest units: `45 s`, `2 min 58 s`, `1 h 40 min`, `3 days 4 h`."""
    whole = round(seconds)
    for unit, below in ((_DAY, _HOUR), (_HOUR, _MINUTE), (_MINUTE, 1)):
        if whole >= unit:
            rest = whole % unit // below
            return coarse(whole) + (f" {coarse(rest * below)}" if rest else "")
    return coarse(whole)


def took(seconds: float | None) -> str:
    """How long something took: `0.8 s`, `12.3 s`, from a minute on as `span`."""
    if seconds is None:
        return "–"
    return f"{seconds:,.1f} s" if seconds < _MINUTE else span(seconds)


def counted(number: int, word: str) -> str:
    """A count with its word: `1 row`, `12,345 rows`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def plain(text: object) -> str:
    """Text from elsewhere on one line, with nothing in it that a terminal would obey."""
    return shown(" ".join(str(text).split()))


def shown(text: str) -> str:
    """Text from elsewhere with its lines, and nothing else in it that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


_NOT_ASCII = re.compile(r"[^\x20-\x7e\n]")


def unseen_escaped(document: str) -> str:
    """JSON with every character that is not seen written as JSON's escape; it says the same."""
    return _NOT_ASCII.sub(_escaped, document)


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]
