"""Moments as the documents show them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float | None) -> str | None:
    """RFC 3339 in UTC, to the millisecond; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(when: str) -> float:
    """UNIX seconds of a moment in a document."""
    return datetime.fromisoformat(when).timestamp()
