"""Looks at this machine: the state file, the socket's directory, the key file's mode. Makes and changes nothing."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import msgspec

from moneymentor_sync.adapters.state_schema import APPLICATION_ID, COMING_SINCE
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.settings import Dataset, ServiceAccount

from .facts import KeySeen, Place, PortSeen, SocketSeen, StateSeen


def see_place(path: Path) -> Place:
    """Where a file is to be; directories that are missing would be made."""
    nearest = path.parent
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        free: int | None = shutil.disk_usage(nearest).free
        owned = nearest.stat().st_uid == os.geteuid()
    except OSError:
        free, owned = None, False
    return Place(
        path, nearest, nearest.is_dir(), os.access(nearest, os.W_OK | os.X_OK), free_bytes=free, owned=owned
    )


def see_socket(path: Path) -> SocketSeen:
    place = see_place(path)
    try:
        mode = path.lstat().st_mode
    except OSError:  # nothing there, or the path is too long to ask for
        return SocketSeen(place)
    return SocketSeen(place, "socket" if stat.S_ISSOCK(mode) else "file")


def see_port(address: tuple[str, int]) -> PortSeen:
    """Takes the port for a moment; where somebody has it, asks whether that is mmsync."""
    host, port = address
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    numeric = "127.0.0.1" if host == "localhost" else host
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((numeric, port))
    except OSError as error:
        return PortSeen(shown, error.strerror or str(error), _is_ours(numeric, port))
    return PortSeen(shown)


_ASK_SECONDS = 2.0
_HEAD_BYTES = 4096


def _is_ours(host: str, port: int) -> bool:
    asking = http.client.HTTPConnection(host, port, timeout=_ASK_SECONDS)
    try:
        asking.request("GET", "/metrics")
        return b"\nmmsync_build_info" in asking.getresponse().read(_HEAD_BYTES)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def see_key(account: ServiceAccount, email: str) -> KeySeen:
    """Of a key that has been read already."""
    if account.file is None:
        return KeySeen(email, "GOOGLE_CLIENT_EMAIL and GOOGLE_PRIVATE_KEY")
    return KeySeen(email, str(account.file), stat.S_IMODE(account.file.stat().st_mode))


# --- the state file ---------------------------------------------------------------------------------------


def see_state(path: Path, datasets: Iterable[Dataset]) -> StateSeen:
    """The state file, opened for reading only, and the tabs that the datasets were last written to."""
    place = see_place(path)
    if not os.path.lexists(path):
        return StateSeen(place, exists=False)
    if not path.is_file():
        return StateSeen(place, exists=True, problem="is not a file")
    if not path.stat().st_size:
        return StateSeen(place, exists=True, writable=os.access(path, os.W_OK), version=0)
    try:
        return _read(place, tuple(datasets))
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        return StateSeen(place, exists=True, problem=f"cannot be read: {error}")


def _read(place: Place, datasets: tuple[Dataset, ...]) -> StateSeen:
    with closing(_open(place.path)) as db:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        known = _known(db, datasets) if ours else {}
        coming = _coming(db, datasets) if ours and version >= COMING_SINCE else {}
    writable = os.access(place.path, os.W_OK)
    return StateSeen(place, True, writable, ours=ours, version=version, known=known, coming=coming)


def _open(path: Path) -> sqlite3.Connection:
    """Read-only. Where nobody has the file open (no -wal beside it), opened as immutable: else SQLite would make
    the -wal and -shm files to read it, and, being read-only, leave them behind (sqlite.org/wal.html)."""
    alone = not path.with_name(path.name + "-wal").exists()
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro{'&immutable=1' if alone else ''}", uri=True)


def _known(db: sqlite3.Connection, datasets: tuple[Dataset, ...]) -> dict[str, KnownTab]:
    if not db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'dataset'").fetchone()[0]:
        return {}
    rows = db.execute("SELECT name, spreadsheet_id, tab, known FROM dataset WHERE known IS NOT NULL")
    return {name: msgspec.json.decode(text, type=KnownTab) for name, text in _configured(rows, datasets)}


def _coming(db: sqlite3.Connection, datasets: tuple[Dataset, ...]) -> dict[str, tuple[int, ...]]:
    rows = db.execute("SELECT name, spreadsheet_id, tab, coming FROM dataset WHERE coming <> '[]'")
    return {name: msgspec.json.decode(text, type=tuple[int, ...]) for name, text in _configured(rows, datasets)}


def _configured(
    rows: Iterable[tuple[str, str, str, str]], datasets: tuple[Dataset, ...]
) -> Iterator[tuple[str, str]]:
    """Only of datasets that still fill the same tab of the same spreadsheet."""
    configured = {(one.name, one.spreadsheet_id, one.tab) for one in datasets}
    for name, spreadsheet_id, tab, text in rows:
        if (name, spreadsheet_id, tab) in configured:
            yield name, text
