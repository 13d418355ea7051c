"""What people wrote is shown, never obeyed: a Rich hook that takes out of all text what a terminal would act on.

Titles, headers, keys and Google's own words may hold whatever somebody who may edit the sheet typed there. Rich
leaves most control characters in; its own, for colours and for drawing over lines, are no text and stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from .words import shown


class Cleaning(RenderHook):
    """Cleans everything that a console prints."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Cleaned(one) for one in renderables]


class _Cleaned:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._segments(console, options)

    def _segments(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self._renderable, options):
            text, style, control = segment
            yield segment if control else Segment(shown(text), style)
