"""Files and permissions as Drive describes them, and spreadsheets as CSV and back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from .a1 import Area
from .cells import Formula
from .document import GOOGLE_SHEET, Document, Permission
from .grid import Json, Sheet
from .render import Renderer
from .styles import make_style, set_style
from .typed import understand


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
        "createdTime": shown_time(document.created),
        "modifiedTime": shown_time(document.modified),
        "owners": [person | {"me": owner == caller}],
        "ownedByMe": owner == caller,
        "shared": len(document.permissions) > 1,
        "capabilities": {"canEdit": can_edit, "canShare": can_edit, "canDelete": owner == caller},
        "permissions": [permission_json(item) for item in document.permissions],
        "permissionIds": [item.permission_id for item in document.permissions],
    }
    return found | ({"description": document.description} if document.description else {})


def shown_time(seconds: float) -> str:
    """RFC 3339 with milliseconds, as Drive writes it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


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


def version_two(document: Document, caller: str) -> Json:
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
