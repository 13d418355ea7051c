"""What befalls the machine: kills, stops, a frozen process, a database that restarts. And an operator at work."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import psycopg

from moneymentor_sync.core.errors import ConfigError, MmsyncError
from moneymentor_sync.sandbox.messages import Request

from .database import Database
from .figures import Figures
from .keeper import Keeper
from .tables import TABLES

_PAUSE = (2.0, 6.0)


class Hazards:
    """One thread; each act is over before the next one."""

    def __init__(self, keeper: Keeper, database: Database, figures: Figures, rng: random.Random) -> None:
        self._keeper, self._database, self._figures, self._rng = keeper, database, figures, rng
        self._stop = threading.Event()
        self._at_next_write = threading.Event()

    def work(self, stop: threading.Event) -> None:
        self._stop = stop
        while not stop.wait(self._rng.uniform(*_PAUSE)):
            acts, weights = zip(*_ACTS, strict=True)
            act = self._rng.choices(acts, weights)[0]
            self._figures.say("hazards", act.__name__)
            try:
                act(self)
            except (MmsyncError, psycopg.Error, subprocess.TimeoutExpired) as error:
                self._figures.count("acts of the operator in vain", f"{act.__name__}: {type(error).__name__}")
        self._at_next_write.clear()

    def arrived(self, request: Request) -> None:
        """In the middle of a write is the moment to die."""
        if (
            request.method != "GET"
            and request.path.endswith((":batchUpdate", "/values"))
            and self._at_next_write.is_set()
        ):
            self._at_next_write.clear()
            if self._keeper.signal(signal.SIGKILL, ends=True):
                self._figures.count("kills", "-9 while it writes")
                self._figures.say("hazards", "killed while it writes")

    # --- the process ----------------------------------------------------------------------------------------

    def kill(self) -> None:
        if self._keeper.signal(signal.SIGKILL, ends=True):
            self._figures.count("kills", "-9 at any moment")

    def kill_at_the_next_write(self) -> None:
        self._at_next_write.set()

    def terminate(self) -> None:
        if self._keeper.signal(signal.SIGTERM, ends=True):
            self._figures.count("restarts", "SIGTERM")

    def freeze(self) -> None:
        """Stopped in the middle of whatever it does, and going on seconds later."""
        if self._keeper.signal(signal.SIGSTOP, ends=False):
            self._stop.wait(self._rng.uniform(0.5, 6.0))
            self._keeper.signal(signal.SIGCONT, ends=False)
            self._figures.count("restarts", "SIGSTOP and SIGCONT")

    # --- the database ---------------------------------------------------------------------------------------

    def cut_connections(self) -> None:
        found = self._database.shake_off(all_of_them=self._rng.random() < 0.7)
        self._figures.count("connections of the daemon that were cut", "pg_terminate_backend", found)

    def restart_the_database(self) -> None:
        immediate = self._rng.random() < 0.4
        self._database.restart(immediate=immediate)
        self._figures.count("restarts of the database", "as in a crash" if immediate else "in order")

    # --- the operator ---------------------------------------------------------------------------------------

    def _one(self) -> list[str]:
        return [self._rng.choice(TABLES).dataset]

    def force(self) -> None:
        self._keeper.client.force(self._one() if self._rng.random() < 0.5 else None)
        self._figures.count("acts of the operator", "force")

    def force_by_command(self) -> None:
        command = [
            sys.executable,
            "-m",
            "moneymentor_sync",
            "force",
            "--timeout",
            "20",
            "-c",
            str(self._keeper.config),
        ]
        done = subprocess.run(command, capture_output=True, timeout=90, check=False, cwd=self._keeper.folder)
        self._figures.count("acts of the operator", f"mmsync force, exit {done.returncode}")
        if done.returncode not in (0, 1, 3) or b"Traceback" in done.stderr:
            self._figures.differs(f"mmsync force ended with {done.returncode}")

    def switch_off_for_a_while(self) -> None:
        """Disabled, restarted perhaps, enabled again."""
        named = self._one() if self._rng.random() < 0.7 else None
        self._keeper.client.disable(named, reason="soak")
        self._figures.count("acts of the operator", "disable")
        self._stop.wait(self._rng.uniform(0.5, 4.0))
        if self._rng.random() < 0.3:
            self.kill()
            self._stop.wait(2.0)
        self._enable(named)

    def _enable(self, named: list[str] | None) -> None:
        while not self._stop.wait(0.3):
            try:
                self._keeper.client.enable(named)
            except MmsyncError:
                continue
            self._figures.count("acts of the operator", "enable")
            return

    def pause(self) -> None:
        self._keeper.client.pause("soak", self._rng.uniform(0.5, 3.0))
        self._figures.count("acts of the operator", "pause")

    def reload(self) -> None:
        """Another interval; or a wrong one, which must be refused."""
        with self._keeper.as_is:
            good = self._keeper.config.read_text()
            wrong = self._rng.random() < 0.4
            line = next(line for line in good.splitlines() if line.startswith("interval_seconds"))
            new = "interval_seconds = 0" if wrong else f"interval_seconds = {self._rng.choice([1, 2])}"
            self._keeper.config.write_text(good.replace(line, new))
            try:
                self._keeper.client.reload()
                self._figures.count("acts of the operator", "reload")
                if wrong:
                    self._figures.differs("a wrong configuration was taken")
            except ConfigError:
                self._figures.count("acts of the operator", "reload refused")
            finally:
                if wrong:
                    self._keeper.config.write_text(good)


_ACTS: list[tuple[Callable[[Hazards], None], float]] = [
    (Hazards.kill, 4),
    (Hazards.kill_at_the_next_write, 5),
    (Hazards.terminate, 2),
    (Hazards.freeze, 1.5),
    (Hazards.cut_connections, 4),
    (Hazards.restart_the_database, 1.2),
    (Hazards.force, 3),
    (Hazards.force_by_command, 0.5),
    (Hazards.switch_off_for_a_while, 1.5),
    (Hazards.pause, 1),
    (Hazards.reload, 1.5),
]
"""What happens how often."""
