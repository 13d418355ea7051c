"""Field masks: `sheets(properties(title,sheetId)),namedRanges`, `a.b/c`, `*`, snake_case, blanks.

A mask is a tree of dicts: a name leads to what is wanted below it, an empty dict means everything below.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from .errors import ApiError

Mask: TypeAlias = "dict[str, Mask]"

ALL: Mask = {}
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[(),./*]")


def parse(text: str | None) -> Mask:
    """The tree of a mask; everything where there is none. Raises 400 for one that cannot be read."""
    if text is None or not text.strip() or text.strip() == "*":
        return {}
    tokens = _tokens(text)
    mask, end = _list(tokens, 0, text)
    if end != len(tokens):
        raise bad_mask(text)
    return {} if "*" in mask else mask


def bad_mask(path: str) -> ApiError:
    """Google's refusal of a mask that names what is not there."""
    description = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'."
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": path, "description": description}],
    }
    return ApiError(400, "Request contains an invalid argument.", details=[detail])


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            raise bad_mask(text)
        tokens.append(match[0])
        position = match.end()
    return tokens


def _list(tokens: list[str], position: int, text: str) -> tuple[Mask, int]:
    """`path, path, …` up to a closing bracket or the end."""
    mask: Mask = {}
    wholes: set[str] = set()
    while True:
        position = _path(tokens, position, mask, wholes, text)
        if position >= len(tokens) or tokens[position] != ",":
            return mask, position
        position += 1


def _path(tokens: list[str], position: int, mask: Mask, wholes: set[str], text: str) -> int:
    """One `a.b(c,d)` into the tree; a name once asked for whole stays whole."""
    node = mask
    names: list[str] = []
    while True:
        if position >= len(tokens) or tokens[position] in "(),./":
            raise bad_mask(text)
        name = camel(tokens[position])
        position += 1
        names.append(name)
        if ".".join(names) in wholes:
            node = {}  # a part of what is already wanted whole
        elif name == "*" and names[:-1]:
            _keep_whole(mask, names[:-1], wholes)
        else:
            node = node.setdefault(name, {})
        following = tokens[position] if position < len(tokens) else ","
        if following not in "./":
            break
        position += 1
    if following == "(":
        inner, position = _list(tokens, position + 1, text)
        if position >= len(tokens) or tokens[position] != ")":
            raise bad_mask(text)
        if "*" in inner:
            _keep_whole(mask, names, wholes)
        else:
            _merge(node, inner)
        return position + 1
    if names[-1] != "*":
        _keep_whole(mask, names, wholes)
    return position


def _keep_whole(mask: Mask, names: list[str], wholes: set[str]) -> None:
    if any(".".join(names[:length]) in wholes for length in range(1, len(names))):
        return
    wholes.add(".".join(names))
    node = mask
    for name in names:
        node = node.setdefault(name, {})
    node.clear()


def _merge(node: Mask, other: Mask) -> None:
    for name, below in other.items():
        if name in node and (not below or not node[name]):
            node[name] = {}
        else:
            _merge(node.setdefault(name, {}), below)


def camel(name: str) -> str:
    """`user_entered_value` -> `userEnteredValue`."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest) if rest else name


def select(value: Any, mask: Mask) -> Any:
    """The part of a JSON value that the mask wants."""
    if not mask or value is None:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(value[name], below) for name, below in mask.items() if name in value}


def wants(mask: Mask, *path: str) -> bool:
    """True where the mask asks for this field or something below it."""
    node = mask
    for name in path:
        if not node:
            return True
        if name not in node:
            return False
        node = node[name]
    return True


def below(mask: Mask, *path: str) -> Mask:
    """The mask of what lies under a wanted field."""
    node = mask
    for name in path:
        if not node:
            return node
        node = node[name]
    return node


def paths(mask: Mask, prefix: str = "") -> list[str]:
    """The leaves as dotted paths."""
    found: list[str] = []
    for name, under in mask.items():
        found.extend(paths(under, f"{prefix}{name}.") if under else [prefix + name])
    return found


def update(target: dict[str, Any], source: dict[str, Any], mask: Mask) -> dict[str, Any]:
    """What `target` becomes when the masked fields of `source` are put in; absent ones are cleared.

    An empty mask means all fields, as `*` does.
    """
    if not mask:
        return dict(source)
    result = dict(target)
    for name, under in mask.items():
        if under:
            part = update(result.get(name) or {}, source.get(name) or {}, under)
            if part:
                result[name] = part
            else:
                result.pop(name, None)
        elif source.get(name) is None:
            result.pop(name, None)
        else:
            result[name] = source[name]
    return result
