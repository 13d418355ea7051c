"""Drive API v3, as far as clients of spreadsheets use it: files and their permissions."""

from __future__ import annotations

import csv
import io
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from . import masks
from .a1 import Area
from .cells import Formula
from .document import GOOGLE_SHEET, Document, Permission
from .errors import ApiError, file_not_found
from .grid import Json, Sheet
from .library import Library, permission_id
from .messages import Request, Response, decoded
from .render import Renderer
from .styles import make_style, set_style
from .typed import understand

PREFIX = "/drive/v3"
UPLOADS = "/upload/drive/v2/files/"
_DEFAULT_FILE = ("kind", "id", "name", "mimeType")
_DEFAULT_PERMISSION = ("id", "type", "kind", "role")
_ROLES = ("owner", "organizer", "fileOrganizer", "writer", "commenter", "reader")
_PAGE = 100
_MAX_EXPORTABLE = {
    "text/csv": ",",
    "text/tab-separated-values": "\t",
}


class DriveApi:
    """The methods over one library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def answer(self, request: Request, caller: str, now: float) -> Response:
        """The whole answer: some have no JSON. Raises ApiError."""
        path = request.path
        if path.startswith(UPLOADS) and request.method == "PUT":
            return self.upload(decoded(path[len(UPLOADS) :]), request, caller, now)
        if not path.startswith(f"{PREFIX}/"):
            raise ApiError(404, f"The requested URL {path} was not found on this server.")
        if path == f"{PREFIX}/about":
            return _json({"user": {"emailAddress": caller, "kind": "drive#user"}}, request, ())
        parts = path[len(PREFIX) + 1 :].split("/")
        if parts[0] != "files" or len(parts) > 4:
            raise file_not_found(path)
        if len(parts) == 1:
            return self._files(request, caller, now)
        file_id = decoded(parts[1])
        if len(parts) == 2:
            return self._file(file_id, request, caller, now)
        if parts[2] == "permissions":
            permission = decoded(parts[3]) if len(parts) == 4 else None
            return self._permissions(file_id, permission, request, caller)
        if parts[2] == "comments":
            return self._comments(file_id, request, caller)
        if parts[2] == "copy" and request.method == "POST":
            return self._copy(file_id, request, caller, now)
        if parts[2] == "export" and request.method == "GET":
            return self._export(file_id, request, caller)
        raise file_not_found(file_id)

    # --- files -------------------------------------------------------------------------------------------

    def _files(self, request: Request, caller: str, now: float) -> Response:
        if request.method == "POST":
            body = request.json()
            document = self._library.new_document(str(body.get("name") or "Untitled"), caller, now)
            parents = body.get("parents") or []
            document.folder = str(parents[0]) if parents else None
            return _json(file_json(document, caller), request, _DEFAULT_FILE)
        return self._list(request, caller)

    def _list(self, request: Request, caller: str) -> Response:
        wanted = _query(request.parameter("q") or "")
        found = [
            document
            for document in self._library.documents.values()
            if document.role(caller) is not None and wanted(document)
        ]
        found.sort(key=lambda document: document.modified, reverse=True)
        size = min(int(request.parameter("pageSize") or _PAGE), 1000)
        start = int(request.parameter("pageToken") or 0)
        page: Json = {"kind": "drive#fileList"}
        if start + size < len(found):
            page["nextPageToken"] = str(start + size)
        page |= {
            "incompleteSearch": False,
            "files": [file_json(document, caller) for document in found[start : start + size]],
        }
        mask = masks.parse(request.parameter("fields"))
        if not mask and request.parameter("fields") is None:
            page["files"] = [{name: item[name] for name in _DEFAULT_FILE} for item in page["files"]]
        return Response.of(masks.select(page, mask), pretty=request.flag("prettyPrint", True))

    def _file(self, file_id: str, request: Request, caller: str, now: float) -> Response:
        document = self._library.listed(file_id, caller)
        if request.method == "GET":
            return _json(file_json(document, caller), request, _DEFAULT_FILE)
        if request.method == "DELETE":
            if document.role(caller) != "owner":
                raise _insufficient()
            del self._library.documents[file_id]
            return Response(204, b"", "text/html")
        if request.method == "PATCH":
            self._may_edit(document, caller)
            draft = document.draft()
            draft.modified = now
            body = request.json()
            draft.title = str(body.get("name") or draft.title)
            draft.description = body.get("description", draft.description)
            folder = request.parameter("addParents")
            draft.folder = folder or draft.folder
            self._library.documents[file_id] = draft
            return _json(file_json(draft, caller), request, _DEFAULT_FILE)
        raise file_not_found(file_id)

    def _copy(self, file_id: str, request: Request, caller: str, now: float) -> Response:
        source = self._library.listed(file_id, caller)
        body = request.json()
        title = str(body.get("name") or f"Copy of {source.title}")
        twin = self._library.new_document(title, caller, now, source.draft().sheets)
        twin.locale, twin.time_zone, twin.auto_recalc = source.locale, source.time_zone, source.auto_recalc
        twin.settings, twin.named, twin.metadata = source.settings, dict(source.named), dict(source.metadata)
        parents = body.get("parents") or []
        twin.folder = str(parents[0]) if parents else None
        return _json(file_json(twin, caller), request, _DEFAULT_FILE)

    def _export(self, file_id: str, request: Request, caller: str) -> Response:
        document = self._library.listed(file_id, caller)
        kind = request.parameter("mimeType") or ""
        delimiter = _MAX_EXPORTABLE.get(kind)
        if delimiter is None:
            raise ApiError(400, "The requested conversion is not supported.", drive_reason="badRequest")
        return Response(200, as_csv(document, delimiter), kind)

    def _comments(self, file_id: str, request: Request, caller: str) -> Response:
        """There are no comments here: none to list, and none can be made."""
        self._library.listed(file_id, caller)
        if request.method != "GET":
            raise ApiError(501, "this sandbox does not implement comments", drive_reason="notImplemented")
        page = {"kind": "drive#commentList", "comments": []}
        return Response.of(masks.select(page, masks.parse(request.parameter("fields"))))

    def upload(self, file_id: str, request: Request, caller: str, now: float) -> Response:
        """`PUT /upload/drive/v2/files/{id}` of a CSV: it replaces the whole spreadsheet."""
        document = self._library.listed(file_id, caller)
        self._may_edit(document, caller)
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind not in ("text/csv", "text/tab-separated-values"):
            raise ApiError(501, f"this sandbox does not import {kind or 'that'}", drive_reason="notImplemented")
        draft = document.draft()
        draft.modified = now
        draft.named, draft.metadata = {}, {}
        rows = list(csv.reader(io.StringIO(request.body.decode()), delimiter="\t" if "tab" in kind else ","))
        draft.sheets = [imported(rows, draft.title, time.gmtime(now).tm_year)]
        self._library.documents[file_id] = draft
        return Response.of(_version_two(draft, caller))

    @staticmethod
    def _may_edit(document: Document, caller: str) -> None:
        if document.role(caller) not in ("owner", "writer"):
            raise _insufficient()

    # --- permissions -------------------------------------------------------------------------------------

    def _permissions(self, file_id: str, key: str | None, request: Request, caller: str) -> Response:
        document = self._library.listed(file_id, caller)
        if key is None and request.method == "GET":
            items = [permission_json(item) for item in document.permissions]
            if request.parameter("fields") is None:
                items = [{name: item[name] for name in _DEFAULT_PERMISSION} for item in items]
            page = {"kind": "drive#permissionList", "permissions": items}
            return Response.of(masks.select(page, masks.parse(request.parameter("fields"))))
        self._may_edit(document, caller)
        if key is None and request.method == "POST":
            item = _new_permission(request.json())
            kept = [old for old in document.permissions if old.permission_id != item.permission_id]
            if item.role == "owner":
                kept = [replace(old, role="writer") if old.role == "owner" else old for old in kept]
            self._share(document, (*kept, item))
            return _json(permission_json(item), request, _DEFAULT_PERMISSION)
        item = self._permission(document, key or "")
        if request.method == "GET":
            return _json(permission_json(item), request, _DEFAULT_PERMISSION)
        others = tuple(old for old in document.permissions if old is not item)
        if request.method == "DELETE":
            if item.role == "owner":
                raise _insufficient()
            self._share(document, others)
            return Response(204, b"", "text/html")
        if request.method == "PATCH":
            item = replace(item, role=_role(request.json()))
            self._share(document, (*others, item))
            return _json(permission_json(item), request, _DEFAULT_PERMISSION)
        raise file_not_found(file_id)

    def _share(self, document: Document, permissions: tuple[Permission, ...]) -> None:
        draft = document.draft()
        draft.permissions = permissions
        self._library.documents[document.document_id] = draft

    @staticmethod
    def _permission(document: Document, key: str) -> Permission:
        for item in document.permissions:
            if item.permission_id == key:
                return item
        raise ApiError(404, f"Permission not found: {key}.", drive_reason="notFound")


def _insufficient() -> ApiError:
    return ApiError(
        403,
        "The user does not have sufficient permissions for this file.",
        drive_reason="insufficientFilePermissions",
    )


def _role(body: Json) -> str:
    role = body.get("role")
    if role not in _ROLES:
        raise ApiError(400, "The specified role is invalid or not supported.", drive_reason="invalid")
    return str(role)


def _new_permission(body: Json) -> Permission:
    role, kind = _role(body), body.get("type")
    if kind == "anyone":
        return Permission("anyoneWithLink", "anyone", role)
    if kind == "domain":
        domain = str(body.get("domain") or "")
        return Permission(permission_id(domain) + "k", "domain", role, domain=domain)
    if kind not in ("user", "group"):
        raise ApiError(400, "The permission type field is required.", drive_reason="required")
    email = str(body.get("emailAddress") or "")
    if "@" not in email:
        raise ApiError(
            400,
            "The specified emailAddress is invalid or not applicable for the given permission type.",
            drive_reason="invalid",
        )
    return Permission(permission_id(email), str(kind), role, email)


def permission_json(item: Permission) -> Json:
    found: Json = {"kind": "drive#permission", "id": item.permission_id, "type": item.type}
    if item.email:
        found |= {"emailAddress": item.email}
    if item.domain:
        found |= {"domain": item.domain, "displayName": item.domain}
    found["role"] = item.role
    if item.type == "anyone":
        found["allowFileDiscovery"] = False
    elif item.email:
        found |= {"displayName": display_name(item.email), "deleted": False, "pendingOwner": False}
    return found


def display_name(email: str) -> str:
    """A person by the first part of the address; a service account goes by the whole of it."""
    return email if email.endswith(".gserviceaccount.com") else email.partition("@")[0]


def file_json(document: Document, caller: str) -> Json:
    """A file's resource, all the fields that are known."""
    owner = document.owner
    can_edit = document.role(caller) in ("owner", "writer")
    person = {"kind": "drive#user", "displayName": display_name(owner), "emailAddress": owner}
    found: Json = {
        "kind": "drive#file",
        "id": document.document_id,
        "name": document.title,
        "mimeType": GOOGLE_SHEET,
        "starred": False,
        "trashed": False,
        "parents": [document.folder or "0APnXvYt5xX2wUk9PVA"],
        "version": str(document.version),
        "webViewLink": f"https://docs.google.com/spreadsheets/d/{document.document_id}/edit?usp=drivesdk",
        "createdTime": _time(document.created),
        "modifiedTime": _time(document.modified),
        "owners": [person | {"me": owner == caller}],
        "ownedByMe": owner == caller,
        "shared": len(document.permissions) > 1,
        "capabilities": {"canEdit": can_edit, "canShare": can_edit, "canDelete": owner == caller},
        "permissions": [permission_json(item) for item in document.permissions],
        "permissionIds": [item.permission_id for item in document.permissions],
    }
    return found | ({"description": document.description} if document.description else {})


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _json(value: Json, request: Request, defaults: tuple[str, ...]) -> Response:
    """With `fields` what they name, else Drive's few default fields."""
    text = request.parameter("fields")
    if text is None and defaults:
        value = {name: value[name] for name in defaults if name in value}
    return Response.of(masks.select(value, masks.parse(text)), pretty=request.flag("prettyPrint", True))


# --- searching --------------------------------------------------------------------------------------------

_CLAUSE = re.compile(
    r"""\s*(?P<not>not\s+)?(?:(?P<field>name|mimeType|trashed|modifiedTime)\s*(?P<operator>=|!=|contains|<=|>=|<|>)\s*"""
    r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|true|false)"""
    r"""|(?P<member>'[^']*'|"[^"]*")\s+in\s+(?P<in>parents|owners|writers|readers))\s*""",
    re.IGNORECASE,
)


def _query(text: str) -> Any:
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
            "modifiedtime": _time(document.modified),
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
    roles = {"owners": ("owner",), "writers": ("owner", "writer"), "readers": _ROLES}[where]
    return document.role(member) in roles


def imported(rows: list[list[str]], title: str, year: int) -> Sheet:
    """A tab made of a CSV's texts, understood as if typed."""
    width = max((len(row) for row in rows), default=0)
    sheet = Sheet.blank(0, title[:100], max(1000, len(rows)), max(26, width))
    sheet.stamp = object()
    for index, texts in enumerate(rows):
        for column, text in enumerate(texts):
            typed = understand(text, this_year=year)
            sheet.has_formulas |= isinstance(typed.value, Formula)
            sheet.set_value(index, column, typed.value)
            if typed.format is not None:
                set_style(sheet, index, column, make_style({"numberFormat": typed.format}, None))
    return sheet


def _version_two(document: Document, caller: str) -> Json:
    """The file as Drive v2 describes it, as far as is known."""
    file = file_json(document, caller)
    return {
        "kind": "drive#file",
        "id": document.document_id,
        "title": document.title,
        "mimeType": GOOGLE_SHEET,
        "createdDate": file["createdTime"],
        "modifiedDate": file["modifiedTime"],
        "alternateLink": file["webViewLink"],
        "version": file["version"],
        "editable": True,
        "shared": file["shared"],
    }


def as_csv(document: Document, delimiter: str = ",") -> bytes:
    """The first tab as a person sees it, as Drive exports it."""
    sheet = document.sheets[0]
    rows = Renderer(document).rows(sheet, Area().clipped(sheet.row_count, sheet.column_count))
    width = max((len(row) for row in rows), default=0)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow([*row, *[""] * (width - len(row))])
    return out.getvalue().removesuffix("\r\n").encode()
