"""The status screen in a terminal that may be too low for it: datasets that are well go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .status_view import status_view

if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console, RenderableType

    from .words import Viewpoint


def fitted(document: dict[str, Any], view: Viewpoint, console: Console) -> RenderableType:
    """The screen with as many datasets as the console has lines for, one at least; two lines stay free."""
    count = len(document["datasets"])
    whole = status_view(document, view, width=console.width)
    excess = _lines(whole, console) - (console.height - 2)
    while excess > 0 and count > 1:
        count = max(1, count - (excess + 1) // 2 - 1)
        whole = status_view(document, view, width=console.width, most_datasets=count)
        excess = _lines(whole, console) - (console.height - 2)
    return whole


def _lines(shown: RenderableType, console: Console) -> int:
    return len(console.render_lines(shown, pad=False))
