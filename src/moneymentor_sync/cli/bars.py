"""Bars of block characters: a meter that fills, and columns that stand."""

from __future__ import annotations

_LYING = " ▏▎▍▌▋▊▉█"
_STANDING = " ▁▂▃▄▅▆▇█"


def meter(share: float, width: int) -> str:
    """A bar that is filled from the left by `share` of 1, to an eighth of a column."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_LYING[rest] if rest else "")).ljust(width, "░")


def column(share: float, height: int) -> str:
    """A standing bar from its foot up, one character a line; anything above nought can be seen."""
    eighths = round(min(max(share, 0.0), 1.0) * height * 8)
    full, rest = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return ("█" * full + (_STANDING[rest] if rest else "")).ljust(height)


def between(value: float, least: float, most: float) -> str:
    """One character for a value on the way from the least (▁) to the most (█), in the middle if they are one."""
    if most <= least:
        return _STANDING[4]
    share = min(max((value - least) / (most - least), 0.0), 1.0)
    return "▁▂▃▄▅▆▇█"[round(share * 7)]
