"""The spreadsheets of one sandbox: what is committed, how a change becomes so, and its journal."""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import dataclass, field

from .document import Document, Permission
from .errors import file_not_found, forbidden, not_found
from .grid import Sheet

EDITORS = ("owner", "writer")


@dataclass(slots=True)
class Library:
    """All documents by id. Reading needs no lock: what is committed never changes."""

    documents: dict[str, Document] = field(default_factory=dict)
    created: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def readable(self, document_id: str, caller: str) -> Document:
        """The document, for a caller who may read it. Raises 404, 403."""
        document = self.documents.get(document_id)
        if document is None:
            raise not_found()
        if document.role(caller) is None:
            raise forbidden()
        return document

    def writable(self, document_id: str, caller: str) -> Document:
        """The document, for a caller who may change it. Raises 404, 403."""
        document = self.readable(document_id, caller)
        if document.role(caller) not in EDITORS:
            raise forbidden()
        return document

    def listed(self, document_id: str, caller: str) -> Document:
        """The document as Drive sees it: not shared is the same as not there."""
        document = self.documents.get(document_id)
        if document is None or document.role(caller) is None:
            raise file_not_found(document_id)
        return document

    def new_document(self, title: str, owner: str, now: float, sheets: list[Sheet] | None = None) -> Document:
        """Makes a document; its id follows from how many were made before, so that a replay gives it again."""
        self.created += 1
        seed = hashlib.blake2b(f"{self.created}:{owner}".encode(), digest_size=33).digest()
        document_id = "1" + _letters(seed)[:43]
        permission = Permission(permission_id(owner), "user", "owner", owner)
        document = Document(document_id, title, now, now, (permission,), sheets or [Sheet.blank(0, "Sheet1")])
        self.documents[document_id] = document
        return document


def _letters(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def permission_id(email: str) -> str:
    """Drive's id of a person's permission: 20 digits that depend on the address."""
    return str(int.from_bytes(hashlib.blake2b(email.encode(), digest_size=8).digest(), "big")).zfill(20)[:20]
