"""Compares an answer with a recorded one, letting off only what differs by nature.

Ids and addresses are bound one to one at first sight and must fit from then on.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

_NUMBER_IDS = frozenset(
    ("sheetId", "protectedRangeId", "filterViewId", "bandedRangeId", "metadataId", "chartId", "sourceSheetId")
) | {"newSheetId", "filterId"}
_TEXT_IDS = frozenset(("spreadsheetId", "id", "namedRangeId", "destinationSpreadsheetId", "fileId"))
_MOMENTS = frozenset(("createdTime", "modifiedTime"))
_THEME = re.compile(r"spreadsheetTheme\.themeColors\[\d+\]\.color$")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONG_ID = 20


class Mapping:
    """Recorded ids to ours and back."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._recorded: dict[str, str] = {}
        self._unbound: list[str] = []

    def bind_address(self, ours: str) -> None:
        """The caller's own address: bound to the first recorded address that stands in its place."""
        self._unbound.append(ours)

    def knows(self, recorded: str) -> bool:
        return recorded in self._ours

    def bind(self, recorded: str, ours: str) -> bool:
        """Binds two ids; False where one of them is bound to another already."""
        if self._ours.setdefault(recorded, ours) != ours:
            return False
        return self._recorded.setdefault(ours, recorded) == recorded

    def to_ours_in_target(self, target: str) -> str:
        """The request line with our ids; texts that are no ids stay as they are."""
        for recorded, ours in self._ours.items():
            if len(recorded) >= _LONG_ID:
                target = target.replace(recorded, ours)
        match = re.fullmatch(r"(.*/(?:sheets|permissions|developerMetadata)/)([^/?:]+)(.*)", target)
        if match and unquote(match[2]) in self._ours:
            target = match[1] + quote(self._ours[unquote(match[2])], safe="") + match[3]
        return target

    def to_ours_in_body(self, body: Any) -> bytes:
        """The request body with our ids."""
        if body is None:
            return b""
        text = body if isinstance(body, str) else json.dumps(body)
        try:
            return json.dumps(self._walk(json.loads(text), "")).encode()
        except ValueError:
            return text.encode()

    def _walk(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: self._walk(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item, key) for item in value]
        ours = self._ours.get(str(value))
        if ours is None or isinstance(value, bool):
            return value
        if key in _NUMBER_IDS:
            return int(ours)
        return ours if isinstance(value, str) and (key in _TEXT_IDS or len(value) >= _LONG_ID) else value


def difference(recorded: Any, ours: Any, mapping: Mapping, path: str = "") -> str:
    """The first difference in words; '' where the two agree."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        return _objects(recorded, ours, mapping, path)
    if isinstance(recorded, list) and isinstance(ours, list):
        if len(recorded) != len(ours):
            return f"{path}: {len(recorded)} items recorded, {len(ours)} given"
        for index, (one, other) in enumerate(zip(recorded, ours, strict=True)):
            found = difference(one, other, mapping, f"{path}[{index}]")
            if found:
                return found
        return ""
    if _leaf_agrees(recorded, ours, mapping, path):
        return ""
    return f"{path}: {_shown(recorded)} recorded, {_shown(ours)} given"


def _objects(recorded: dict[str, Any], ours: dict[str, Any], mapping: Mapping, path: str) -> str:
    missing, extra = sorted(recorded.keys() - ours.keys()), sorted(ours.keys() - recorded.keys())
    if missing:
        return f"{path}: {', '.join(missing)} missing ({_shown(recorded[missing[0]])})"
    if extra:
        return f"{path}: {', '.join(extra)} not recorded ({_shown(ours[extra[0]])})"
    if _THEME.search(path):
        return ""  # a colour stands where a colour was recorded; which one is the theme's business
    for name, value in recorded.items():
        found = difference(value, ours[name], mapping, f"{path}.{name}" if path else name)
        if found:
            return found
    return ""


def _leaf_agrees(recorded: Any, ours: Any, mapping: Mapping, path: str) -> bool:
    key = re.sub(r"\[\d+\]$", "", path.rpartition(".")[2])
    if type(recorded) is bool or type(ours) is bool or recorded is None or ours is None:
        return recorded is ours
    if isinstance(recorded, str) != isinstance(ours, str):
        return False
    if key in _NUMBER_IDS or key in _TEXT_IDS:
        return (recorded == ours == 0) or mapping.bind(str(recorded), str(ours))
    if key in _MOMENTS:
        return _is_moment(recorded) and _is_moment(ours)
    if isinstance(recorded, str) and isinstance(ours, str):
        if _ADDRESS.fullmatch(recorded) and _ADDRESS.fullmatch(ours):
            return mapping.bind(recorded, ours)
        if key == "spreadsheetUrl":
            recorded = recorded.partition("?")[0]
        return mapping.to_ours_in_target(recorded) == ours if "/" in recorded else recorded == ours
    return bool(recorded == ours)


def _is_moment(text: Any) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007 - its form is what counts
    except (TypeError, ValueError):
        return False
    return True


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 160 else f"{text[:157]}..."
