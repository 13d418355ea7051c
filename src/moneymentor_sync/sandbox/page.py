"""The page that shows a spreadsheet in a browser: its files, and the addresses of the JSON that it asks for.

What that JSON holds is said in `view`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import view
from .document import Document
from .errors import not_found
from .library import Library
from .messages import Request, Response

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_REMEMBERED = 8  # versions; they share the rows that did not change
_POLICY = (
    # The texts of cells are strangers' texts: nothing but our own files may run, and Chromium refuses even
    # our own script wherever it would parse a text as HTML.
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def page(path: str) -> Response | None:
    """A file of the page; None where the path is none of its. `/` and `/spreadsheets/{id}` are `index.html`."""
    if path == "/" or path.startswith("/spreadsheets/"):
        return _file("index.html")
    if path.startswith("/static/"):
        return _file(path[len("/static/") :])
    return None


def _file(name: str) -> Response | None:
    """Only names that are listed are opened, so that no path leads out of the directory."""
    found = {item.name: item for item in STATIC.iterdir()}.get(name)
    if found is None or found.suffix not in _TYPES:
        return None
    return Response(200, found.read_bytes(), _TYPES[found.suffix], dict(_HEADERS))


class Data:
    """The JSON of one library's spreadsheets; remembers the versions last looked at, to tell what changed."""

    def __init__(self, library: Library, clock: Callable[[], float]) -> None:
        self._library, self._clock = library, clock
        self._seen: dict[str, deque[Document]] = {}

    def answer(self, path: str, request: Request) -> Any:
        """The answer to `GET /_sandbox/spreadsheets` and what lies below it. Raises 404.

        - `spreadsheets`: a summary of each;
        - `spreadsheets/{id}/version`: `{"version"}`, another number after every change;
        - `spreadsheets/{id}/layout?sheetId=&since=`: the summary, the measures of one tab, and which of its
          rows changed since a version that was looked at;
        - `spreadsheets/{id}/grid?sheetId=&row=&rows=&column=&columns=`: a window of a tab's cells.
        """
        if not path:
            return [view.summary(item) for item in self._library.documents.values()]
        document_id, _, what = path.partition("/")
        document = self._library.documents.get(document_id)
        if document is None:
            raise not_found()
        if what == "version":
            return {"version": document.version}
        if what == "layout":
            return view.layout(document, request, self._look(document, request.parameter("since")))
        if what == "grid":
            return view.grid(document, request, self._clock())
        raise not_found()

    def _look(self, document: Document, since: str | None) -> Document | None:
        """The version `since`, if it was looked at lately; remembers this one."""
        seen = self._seen.setdefault(document.document_id, deque(maxlen=_REMEMBERED))
        found = next((item for item in seen if str(item.version) == since), None)
        if all(item is not document for item in seen):
            seen.append(document)
        return found
