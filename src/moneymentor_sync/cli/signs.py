"""Signs whose colours mean the same on every screen: green comes, yellow changes, red goes."""

from __future__ import annotations

from rich.text import Text

COLOURS = {"inserted": "green", "updated": "yellow", "deleted": "red"}
_SIGNS = {"inserted": "+", "updated": "~", "deleted": "-"}


def changed(inserted: int, updated: int, deleted: int) -> Text:
    """`+3 ~12 -1`, without what is nought."""
    counts = zip(COLOURS.items(), (inserted, updated, deleted), strict=True)
    words = [Text(f"{_SIGNS[kind]}{count:,}", style=colour) for (kind, colour), count in counts if count]
    return Text(" ").join(words)
