"""The daemon as a process, and who starts it again when it is gone, as systemd would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from moneymentor_sync.control.client import ControlClient, Document
from moneymentor_sync.core.errors import MmsyncError

from .figures import Figures

_LOOK = 0.1
_GONE = 30.0


class Keeper:
    """One daemon at a time. `as_is` is held while it must not be touched."""

    def __init__(self, folder: Path, figures: Figures) -> None:
        self.folder, self._figures = folder, figures
        self.config, self.log = folder / "sync.toml", folder / "daemon.log"
        self.client = ControlClient(folder / "control.sock", timeout=10.0)
        self.as_is = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._meant = False
        self._end = False

    def work(self, stop: threading.Event) -> None:
        """Looks after it until `stop`; an end that nobody wanted is a difference."""
        while not stop.wait(_LOOK):
            with self.as_is:
                self._look()

    def _look(self) -> None:
        if self._end:
            return
        if self._process is None:
            self._start()
            return
        code = self._process.poll()
        if code is None:
            self._figures.largest("largest memory of the daemon", "bytes", memory(self._process.pid))
            return
        if not self._meant:
            self._figures.differs(f"the daemon ended by itself, with {code}")
        self._process = None

    def _start(self) -> None:
        command = [sys.executable, "-m", "moneymentor_sync", "run", "-c", str(self.config)]
        environment = {"HOME": str(self.folder), "PATH": os.defpath, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, cwd=self.folder, stderr=log)
        self._meant = False
        self._figures.count("daemons started", "processes")

    def triggers(self) -> str:
        """What `mmsync triggers` prints for the database's owner to run."""
        command = [sys.executable, "-m", "moneymentor_sync", "triggers", "-c", str(self.config)]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def signal(self, number: int, *, ends: bool) -> bool:
        """Sends a signal; False where there is nobody."""
        with self.as_is:
            process = self._process
            if process is None or process.poll() is not None:
                return False
            self._meant = self._meant or ends
            process.send_signal(number)
            return True

    def status(self) -> Document | None:
        try:
            return self.client.status()
        except MmsyncError:
            return None

    def stop(self) -> None:
        """Ends it for good, in order."""
        with self.as_is:
            self._end = True
            process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            code = process.wait(_GONE)
            if code != 0:
                self._figures.differs(f"told to end, the daemon ended with {code}")
        except subprocess.TimeoutExpired:
            self._figures.differs(f"told to end, the daemon was still there after {_GONE:g} s")
            process.kill()
            process.wait(_GONE)


def memory(pid: int) -> int:
    """Bytes that a process has had at most; 0 where it has gone. See proc(5), VmHWM."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
