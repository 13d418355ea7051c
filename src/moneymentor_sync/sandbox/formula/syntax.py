"""Reads formulas: text to tokens to a tree. Knows nothing of values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from ..a1 import Area, parse_area, split_title
from ..cells import CellError, Formula


class FormulaSyntaxError(ValueError):
    """The text is no formula: shown as `#ERROR!`."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float | int | bool | CellError | None


@dataclass(frozen=True, slots=True)
class Reference:
    """Cells: of the formula's own tab where `title` is None."""

    title: str | None
    area: Area


@dataclass(frozen=True, slots=True)
class Name:
    """A named range, or a function's name where brackets follow."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: Node


Node: TypeAlias = Literal | Reference | Name | Call | Binary | Unary

_TITLE = r"(?:'(?:[^']|'')+'|[A-Za-z_\u0080-\uffff][\w.]*)"
_CELL = r"\$?[A-Za-z]{1,3}\$?[1-9][0-9]*"
_RANGE = (
    rf"{_CELL}:{_CELL}|{_CELL}:\$?[A-Za-z]{{1,3}}(?![\w(])|{_CELL}(?![\w(.])|"
    r"\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}(?![\w(])|\$?[1-9][0-9]*:\$?[1-9][0-9]*"
)
TOKEN = re.compile(
    rf"""(?P<blank>\s+)
    |(?P<text>"(?:[^"]|"")*")
    |(?P<reference>(?:{_TITLE}!)?(?:{_RANGE}))
    |(?P<error>\#(?:NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|ERROR!))
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_\u0080-\uffff][\w.]*)
    |(?P<operator><>|<=|>=|[-+*/^&=<>%(),;{{}}:])""",
    re.VERBOSE,
)
Token: TypeAlias = tuple[str, str]

_BINARY: tuple[tuple[str, ...], ...] = (("=", "<>", "<", ">", "<=", ">="), ("&",), ("+", "-"), ("*", "/"), ("^",))


def tokens(text: str) -> list[Token]:
    """Kind and text of each token, blanks included; together they give the text back."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise FormulaSyntaxError(text)
        found.append((str(match.lastgroup), match[0]))
        position = match.end()
    return found


def parse(formula: Formula) -> Node:
    """The tree of a formula, kept with it. Raises FormulaSyntaxError."""
    if not formula.parsed:
        formula.parsed.append(parse_text(formula.text[1:]))
    node: Node = formula.parsed[0]
    return node


def parse_text(text: str) -> Node:
    parser = _Parser([token for token in tokens(text) if token[0] != "blank"])
    node = parser.expression(0)
    if not parser.at_end:
        raise FormulaSyntaxError(text)
    return node


def parses(text: str) -> bool:
    """True where the text is a formula's right side."""
    try:
        parse_text(text)
    except (FormulaSyntaxError, RecursionError):
        return False
    return True


def reference(text: str) -> Reference:
    """`Tab!A1:B2` as a node."""
    try:
        title, rest = split_title(text.replace("$", "") if "'" not in text else text)
    except ValueError as error:
        raise FormulaSyntaxError(text) from error
    area = parse_area(rest)
    if area is None:
        raise FormulaSyntaxError(text)
    return Reference(title, area)


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._position = 0

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._tokens)

    def _peek(self) -> Token:
        return self._tokens[self._position] if not self.at_end else ("end", "")

    def _take(self) -> Token:
        token = self._peek()
        self._position += 1
        return token

    def expression(self, level: int) -> Node:
        if level == len(_BINARY):
            return self._unary()
        left = self.expression(level + 1)
        while self._peek()[0] == "operator" and self._peek()[1] in _BINARY[level]:
            operator = self._take()[1]
            left = Binary(operator, left, self.expression(level + 1))
        return left

    def _unary(self) -> Node:
        kind, text = self._peek()
        if kind == "operator" and text in "+-":
            self._take()
            return Unary(text, self._unary())
        node = self._atom()
        while self._peek() == ("operator", "%"):
            self._take()
            node = Unary("%", node)
        return node

    def _atom(self) -> Node:
        kind, text = self._take()
        if kind == "number":
            return Literal(float(text) if not text.isdigit() else int(text))
        if kind == "text":
            return Literal(text[1:-1].replace('""', '"'))
        if kind == "error":
            return Literal(CellError(text))
        if kind == "reference":
            return reference(text)
        if kind == "name":
            return self._named(text)
        if (kind, text) == ("operator", "("):
            node = self.expression(0)
            self._expect(")")
            return node
        raise FormulaSyntaxError(text)

    def _named(self, text: str) -> Node:
        if self._peek() != ("operator", "("):
            folded = text.upper()
            return Literal(folded == "TRUE") if folded in ("TRUE", "FALSE") else Name(text)
        self._take()
        arguments: list[Node] = []
        while self._peek() != ("operator", ")"):
            if self._peek() in (("operator", ","), ("operator", ";")):
                arguments.append(Literal(None))
            else:
                arguments.append(self.expression(0))
            if self._peek() in (("operator", ","), ("operator", ";")):
                self._take()
                if self._peek() == ("operator", ")"):
                    arguments.append(Literal(None))
            elif self._peek() != ("operator", ")"):
                raise FormulaSyntaxError(text)
        self._expect(")")
        return Call(text.upper(), tuple(arguments))

    def _expect(self, text: str) -> None:
        if self._take() != ("operator", text):
            raise FormulaSyntaxError(text)
