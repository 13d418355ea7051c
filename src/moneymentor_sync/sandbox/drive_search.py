"""Drive's search language, as far as clients of spreadsheets use it."""

from __future__ import annotations

import re
from typing import Any

from .document import GOOGLE_SHEET, Document
from .drive_files import shown_time
from .errors import ApiError

ROLES = ("owner", "organizer", "fileOrganizer", "writer", "commenter", "reader")

_CLAUSE = re.compile(
    r"""\s*(?P<not>not\s+)?(?:(?P<field>name|mimeType|trashed|modifiedTime)\s*(?P<operator>=|!=|contains|<=|>=|<|>)\s*"""
    r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|true|false)"""
    r"""|(?P<member>'[^']*'|"[^"]*")\s+in\s+(?P<in>parents|owners|writers|readers)"""
    r"""|(?P<parents>parents)\s+in\s+(?P<folder>'[^']*'|"[^"]*"))\s*""",
    re.IGNORECASE,
)


def query(text: str) -> Any:
    """A search as a test of documents. Only clauses joined by `and` are known."""
    tests: list[Any] = []
    position = 0
    while position < len(text):
        match = _CLAUSE.match(text, position)
        if match is None:
            raise ApiError(400, "Invalid Value", drive_reason="invalid")
        tests.append(_clause(match))
        position = match.end()
        if position < len(text):
            joined = re.compile(r"and\b", re.IGNORECASE).match(text, position)
            if joined is None:
                raise ApiError(400, "Invalid Value", drive_reason="invalid")
            position = joined.end()
    return lambda document: all(test(document) for test in tests)


def _clause(match: re.Match[str]) -> Any:
    negated = bool(match["not"])
    if match["parents"]:  # gspread writes it the other way round, and Drive takes it
        folder = match["folder"][1:-1]
        return lambda document: (document.folder == folder) != negated
    if match["in"]:
        member = match["member"][1:-1]
        return lambda document: _member(document, match["in"].lower(), member) != negated
    field, operator = match["field"].lower(), match["operator"].lower()
    raw = match["value"]
    value = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[0] in "'\"" else raw.lower()

    def test(document: Document) -> bool:
        actual = {
            "name": document.title,
            "mimetype": GOOGLE_SHEET,
            "trashed": "false",
            "modifiedtime": shown_time(document.modified),
        }[field]
        if operator == "contains":
            return value.lower() in actual.lower()
        if operator in ("=", "!="):
            return (actual == value) == (operator == "=")
        return {"<": actual < value, ">": actual > value, "<=": actual <= value, ">=": actual >= value}[operator]

    return lambda document: test(document) != negated


def _member(document: Document, where: str, member: str) -> bool:
    if where == "parents":
        return document.folder == member
    roles = {"owners": ("owner",), "writers": ("owner", "writer"), "readers": ROLES}[where]
    return document.role(member) in roles
