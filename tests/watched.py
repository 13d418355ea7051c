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
    "os.listdir",
    "os.scandir",
    "os.getxattr",
    "os.listxattr",
    "os.walk",
    "os.fwalk",
    "sqlite3.connect/handle",
)
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
    elif event.startswith(TOUCHING) and event not in HARMLESS:
        # A socket is told by where it leads.
        events.append([event, *(repr(one) if not isinstance(one, str) else one for one in given[-3:])])


def main(report: Path, commands: list[list[str]]) -> None:
    global watching
    sys.addaudithook(_hook)
    codes: list[int] = []
    for command in commands:
        sys.argv = ["mmsync", *command]
        from moneymentor_sync.cli.entry import main as run

        print(f"$ {' '.join(command)}", flush=True)
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
