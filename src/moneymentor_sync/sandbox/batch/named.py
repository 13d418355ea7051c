"""Named and protected ranges."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from .. import a1, describe, masks
from ..a1 import Area
from ..document import NamedRange
from ..errors import PROTECTED, invalid
from ..grid import Json, Ranged, Sheet
from . import inputs
from .context import Context, handles

_NAME = re.compile(r"[^\W\d]\w*")
_NAMED_FIELDS = frozenset(("name", "range", "namedRangeId"))


@handles("addNamedRange")
def add_named_range(context: Context, body: Json) -> Json:
    given = inputs.part(body, "namedRange")
    document = context.document
    range_id = given.get("namedRangeId")
    if range_id and range_id in document.named:
        raise invalid(f"NamedRange with id: {range_id} already exists.")
    name = _name(context, given.get("name"), None, "add")
    sheet, area = inputs.area(document, inputs.part(given, "range"))
    if not range_id:
        range_id = str(document.new_id())
    item = document.named[str(range_id)] = NamedRange(str(range_id), name, sheet.sheet_id, area)
    return {"addNamedRange": {"namedRange": describe.named_range(item)}}


def _name(context: Context, given: Any, own: NamedRange | None, verb: str) -> str:
    name = str(given or "")
    if not _NAME.fullmatch(name) or len(name) > 250 or a1.parse_area(name) or name.lower() in ("true", "false"):
        raise invalid(f"The name of the named range is invalid: {name}")
    for item in context.document.named.values():
        if item is not own and item.name.casefold() == name.casefold():
            raise invalid(
                f"Cannot {verb} named range with name {name}, a named range with that name already exists."
            )
    return name


def _found(context: Context, range_id: Any) -> NamedRange:
    item = context.document.named.get(str(range_id))
    if item is None:
        raise invalid(f"No NamedRange with id: {range_id or ''}")
    return item


@handles("updateNamedRange")
def update_named_range(context: Context, body: Json) -> None:
    given = inputs.part(body, "namedRange")
    mask = inputs.mask(body, root="namedRange")
    item = _found(context, given.get("namedRangeId"))
    for name in mask:
        if name not in _NAMED_FIELDS:
            raise masks.bad_mask(name)
    if masks.wants(mask, "name"):
        item = replace(item, name=_name(context, given.get("name"), _found(context, item.range_id), "update"))
    if masks.wants(mask, "range"):
        sheet, area = inputs.area(context.document, inputs.part(given, "range"))
        item = replace(item, sheet_id=sheet.sheet_id, area=area)
    context.document.named[item.range_id] = item


@handles("deleteNamedRange")
def delete_named_range(context: Context, body: Json) -> None:
    item = _found(context, body.get("namedRangeId"))
    del context.document.named[item.range_id]


# --- protected ranges -------------------------------------------------------------------------------------

_PROTECTED_FIELDS = frozenset(
    ("range", "namedRangeId", "description", "warningOnly", "unprotectedRanges", "editors")
) | {"protectedRangeId", "requestingUserCanEdit"}


@handles("addProtectedRange")
def add_protected_range(context: Context, body: Json) -> Json:
    given = inputs.part(body, "protectedRange")
    document = context.document
    sheet, area = _protected_area(context, given)
    taken = {key for tab in document.sheets for key in tab.extras.protected}
    key = inputs.integer(given, "protectedRangeId")
    if key is None:
        key = document.new_id(taken)
    elif key in taken:
        raise invalid(f"ProtectedRange with id: {key} already exists.")
    if area == Area() and any(item.area == Area() for item in sheet.extras.protected.values()):
        raise invalid(f'Sheet "{sheet.title}" already has sheet protection.')
    stated = _stated(given)
    item = Ranged(area, stated | {"editors": _editors(context, given.get("editors"))})
    sheet.extras.protected[key] = item
    reply: Json = {"protectedRangeId": key, "range": describe.area_json(sheet.sheet_id, area), **stated}
    reply |= {"requestingUserCanEdit": True, "editors": _clean_editors(given.get("editors"))}
    return {"addProtectedRange": {"protectedRange": reply}}


def _protected_area(context: Context, given: Json) -> tuple[Sheet, Area]:
    if given.get("namedRangeId"):
        named = _found(context, given["namedRangeId"])
        if named.area is None:
            raise invalid(f"No NamedRange with id: {named.range_id}")
        return context.document.sheet(named.sheet_id), named.area
    return inputs.area(context.document, inputs.part(given, "range"))


def _stated(given: Json) -> Json:
    """What a protection says beside its range and editors."""
    kept = {name: given.get(name) for name in ("namedRangeId", "description", "unprotectedRanges")}
    found = {name: value for name, value in kept.items() if value}
    return found | ({"warningOnly": True} if given.get("warningOnly") else {})


def _clean_editors(given: Json | None) -> Json:
    return {name: value for name, value in (given or {}).items() if value}


def _editors(context: Context, given: Json | None) -> Json:
    """Who may edit: who was named, and who protects. Nobody named at all means all present editors."""
    named = _clean_editors(given)
    users = list(named.get("users", []))
    if given is None:
        users = context.document.editors
    for email in (context.document.owner, context.caller):
        if email not in users:
            users.append(email)
    return named | {"users": users}


def _protection(context: Context, key: int | None) -> tuple[Sheet, Ranged]:
    for sheet in context.document.sheets:
        item = sheet.extras.protected.get(key or 0)
        if item is not None:
            if not describe.may_edit(context.document, item, context.caller):
                raise invalid(PROTECTED)
            return sheet, item
    raise invalid(f"No ProtectedRange with id: {key}")


@handles("updateProtectedRange")
def update_protected_range(context: Context, body: Json) -> None:
    given = inputs.part(body, "protectedRange")
    mask = inputs.mask(body, root="protectedRange")
    key = inputs.integer(given, "protectedRangeId") or 0
    sheet, item = _protection(context, key)
    for name in mask:
        if name not in _PROTECTED_FIELDS:
            raise masks.bad_mask(name)
    wanted: Json = {name: value for name, value in _stated(given).items() if masks.wants(mask, name)}
    kept = {name: value for name, value in item.body.items() if mask and not masks.wants(mask, name)}
    stated = kept | wanted
    if masks.wants(mask, "editors"):
        stated["editors"] = _editors(context, given.get("editors"))
    target, area = sheet, item.area
    if masks.wants(mask, "range") and given.get("range") is not None:
        target, area = inputs.area(context.document, given["range"])
    del sheet.extras.protected[key]
    target.extras.protected[key] = Ranged(area, stated)


@handles("deleteProtectedRange")
def delete_protected_range(context: Context, body: Json) -> None:
    key = inputs.integer(body, "protectedRangeId") or 0
    sheet, _ = _protection(context, key)
    del sheet.extras.protected[key]
