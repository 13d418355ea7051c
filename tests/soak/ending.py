"""The end: nothing disturbs any more, mmsync comes to rest, and everything is compared."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.sandbox import Sandbox

from .checks import compare
from .database import PASSWORD, Database
from .figures import Figures
from .keeper import Keeper
from .ledger import Ledger
from .tables import CANARY, TABLES
from .view import key_in, tab_of
from .watch import Watch

_DEADLINE = 240.0
_BUGS = ("sync.crashed", "control.failed", "control.died")


def come_to_rest(keeper: Keeper, figures: Figures, read: Callable[[], None]) -> None:
    """Has the daemon sync until a forced run finds nothing to do; says what kept it from that. `read` has a person
    do what a refusal asks of them."""
    waiting = threading.Event()
    end = time.monotonic() + _DEADLINE
    last = "the daemon did not answer"
    allow = False
    while time.monotonic() < end:
        try:
            keeper.client.enable()
            for table in TABLES:
                keeper.client.enable([table.dataset])
            done = keeper.client.force(
                [table.dataset for table in TABLES], wait=True, allow_deletes=allow, timeout=120
            )
        except MmsyncError as error:
            last = str(error)
            waiting.wait(1.0)
            continue
        results = {one["name"]: (one["result"], one["error"]) for one in done["datasets"]}
        if all(result == "unchanged" for result, _ in results.values()):
            figures.say("end", f"unchanged: {results}")
            return
        last = str(results)
        figures.say("end", last)
        if "have no key" in last:
            read()
        allow = "max_delete_fraction" in last  # an operator who has read it
        if allow:
            figures.count("acts of the operator", "force --allow-deletes")
        waiting.wait(0.5)
    figures.differs(f"mmsync did not come to rest: {last}")


def compare_all(box: Sandbox, watch: Watch, database: Database, ledger: Ledger, figures: Figures) -> None:
    """Cell by cell, note by note."""
    for table in TABLES:
        wanted = database.wanted(table)
        beside = [
            text
            for text in ledger.expected(table.dataset)
            if not key_in(text) or not database.ever_away(table.dataset, key_in(text))
        ]
        sheet = tab_of(box.document(), table, watch.tabs.get(table.dataset))
        found = compare(sheet, table, wanted, beside)
        figures.count("cells compared", table.dataset, found.cells)
        figures.count("notes compared", table.dataset, found.notes)
        figures.count("notes that had to be there", table.dataset, len(beside))
        for one in found.differences:
            figures.differs(one)
    for sheet in box.document().sheets:
        if sheet.title.startswith("_mmsync_staging"):
            figures.count("staging tabs left by a crash", "removed by the next large write")


def count_requests(box: Sandbox, figures: Figures) -> None:
    """What mmsync asked of Google."""
    for kind in ("read", "write", "drive", "token"):
        figures.count("requests", kind, box.log.count(kind))


def scan_log(path: Path, credentials: Path, figures: Figures) -> None:
    """No bug, no value of a cell, no secret is in the daemon's log."""
    key = json.loads(credentials.read_text())["private_key"]
    secrets = [line for line in key.splitlines() if len(line) > 20 and not line.startswith("---")]
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    figures.count("log lines scanned", "lines", len(lines))
    for number, line in enumerate(lines, start=1):
        found = [
            name
            for name, hit in (
                ("a traceback", "Traceback" in line),
                ("a value of a cell", CANARY in line),
                ("the database's password", PASSWORD in line),
                ("the private key", any(secret in line for secret in secrets)),
                ("a token", "ya29." in line or "Bearer " in line),
                ("a bug", any(f'"{event}"' in line for event in _BUGS)),
            )
            if hit
        ]
        if found:
            figures.differs(f"line {number} of the daemon's log has {', '.join(found)}")


def read_syncs(keeper: Keeper, figures: Figures) -> None:
    """What the daemon itself has counted, over all its lives."""
    status = keeper.status()
    if status is None:
        figures.differs("the daemon does not answer at the end")
        return
    numbers = status["statistics"]
    figures.count("syncs", "successful", numbers["successful_syncs"])
    figures.count("syncs", "failed", numbers["failed_syncs"])
