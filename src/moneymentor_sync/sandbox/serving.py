"""The sandbox as a command: says where it is in one line of JSON, and serves until it is told to stop."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TextIO

from .quota import Quota
from .sandbox import GOOGLES, Sandbox


def serve(
    directory: Path,
    port: int = 0,
    *,
    quota: Quota | None = GOOGLES,
    out: TextIO | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM; the first line on `out` (stdout) is JSON with `url`,
    `credentials_file` and `spreadsheet_id`. Raises DirectoryInUseError, OSError (port taken).

    Must be called in the main thread, whose handlers of the two signals are put back afterwards.
    """
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox(directory.resolve(), port, quota=quota) as box:
            line = {
                "url": box.url,
                "credentials_file": str(box.credentials_file),
                "spreadsheet_id": box.spreadsheet_id,
            }
            print(json.dumps(line), file=out or sys.stdout, flush=True)
            done.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
