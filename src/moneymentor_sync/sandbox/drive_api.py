"""Drive API v3, as far as clients of spreadsheets use it: files and their permissions."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace

from . import masks
from .document import Document, Permission
from .drive_files import as_csv, file_json, imported, permission_json, version_two
from .drive_search import ROLES, query
from .errors import ApiError, file_not_found
from .grid import Json
from .library import Library, permission_id
from .messages import Request, Response, decoded

PREFIX = "/drive/v3"
UPLOADS = "/upload/drive/v2/files/"
_DEFAULT_FILE = ("kind", "id", "name", "mimeType")
_DEFAULT_PERMISSION = ("id", "type", "kind", "role")
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
            document.folder = _folder(body)
            return _json(file_json(document, caller), request, _DEFAULT_FILE)
        return self._list(request, caller)

    def _list(self, request: Request, caller: str) -> Response:
        wanted = query(request.parameter("q") or "")
        found = [
            document
            for document in self._library.documents.values()
            if document.role(caller) is not None and wanted(document)
        ]
        found.sort(key=lambda document: document.modified, reverse=True)
        size = min(_number(request, "pageSize", _PAGE), 1000)
        start = _number(request, "pageToken", 0)
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
        twin.folder = _folder(body)
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
        return Response.of(version_two(draft, caller))

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


def _folder(body: Json) -> str | None:
    parents = body.get("parents")
    return str(parents[0]) if isinstance(parents, list) and parents else None


def _number(request: Request, name: str, default: int) -> int:
    text = request.parameter(name)
    if not text:
        return default
    if not text.isdigit():
        raise ApiError(400, f"Invalid value '{text}'.", drive_reason="invalid")
    return int(text)


def _insufficient() -> ApiError:
    return ApiError(
        403,
        "The user does not have sufficient permissions for this file.",
        drive_reason="insufficientFilePermissions",
    )


def _role(body: Json) -> str:
    role = body.get("role")
    if role not in ROLES:
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


def _json(value: Json, request: Request, defaults: tuple[str, ...]) -> Response:
    """With `fields` what they name, else Drive's few default fields."""
    text = request.parameter("fields")
    if text is None and defaults:
        value = {name: value[name] for name in defaults if name in value}
    return Response.of(masks.select(value, masks.parse(text)), pretty=request.flag("prettyPrint", True))
