"""`python -m tests.watched REPORT COMMAND…`: runs `mmsync` commands and reports all that they do to the machine.

Each COMMAND is a JSON list of arguments; they run one after the other in this process. REPORT gets one JSON
object: the exit code of each, and Python's audit events (https://docs.python.org/3/library/audit_events.html) by
which something outside the process is changed, started or spoken to.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TOUCHING = (
    "os.", "subprocess.", "shutil.", "socket.connect", "socket.bind", "socket.sendto", "sqlite3.", "ctypes.dlopen",
    "pty.", "webbrowser.", "urllib.", "ftplib.", "smtplib.", "telnetlib.", "tempfile.", "import.exec",
)  # fmt: skip
HARMLESS = (
    "os.listdir", "os.scandir", "os.getxattr", "os.listxattr", "os.walk", "os.fwalk",  # they look
    "os.putenv", "os.unsetenv", "sqlite3.connect/handle",  # they stay in this process
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

events: list[list[str]] = []
watching = False


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if not watching:
        return
    if event == "open":
        path, mode, flags = given
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITES):
            events.append(["open", str(path)])
    elif event == "ctypes.dlopen" and given == (None,):
        return  # the process itself
    elif event.startswith(TOUCHING) and event not in HARMLESS and not _is_open_already(given):
        events.append([event, *(one if isinstance(one, str) else repr(one) for one in given)])


def _is_open_already(given: tuple[Any, ...]) -> bool:
    """A descriptor: what it is of was told when it was opened."""
    return bool(given) and type(given[0]) is int


def main(report: Path, commands: list[list[str]]) -> None:
    global watching
    sys.addaudithook(_hook)
    codes: list[int] = []
    for command in commands:
        sys.argv = ["mmsync", *command]
        from moneymentor_sync.cli.entry import main as run

        sys.stdout.write(f"$ {' '.join(command)}\n")
        watching = True
        try:
            run()
            codes.append(0)
        except SystemExit as stop:
            codes.append(stop.code if isinstance(stop.code, int) else 1)
        finally:
            watching = False
    report.write_text(json.dumps({"codes": codes, "events": events}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [json.loads(one) for one in sys.argv[2:]])
