"""A real MariaDB for tests, in a temporary directory and by its socket alone; there where the machine has one."""

from __future__ import annotations

import getpass
import itertools
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from .databases import WritableDatabase

WITHOUT = "no mariadbd on this machine (Debian: apt-get install mariadb-server)"
_PLACES = "/usr/sbin:/usr/bin:/usr/local/bin:/usr/libexec"
PATIENCE = 60.0


def is_there() -> bool:
    return None not in (_found("mariadbd"), _found("mariadb-install-db"))


def _found(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=_PLACES)


class MariadbServer:
    """Gives each test a database of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._common = ["--no-defaults", f"--user={getpass.getuser()}", f"--datadir={directory / 'data'}"]
        self._run("mariadb-install-db", "--auth-root-authentication-method=normal", "--skip-test-db")

    def url(self, database: str, *, user: str = "root") -> str:
        return f"mysql+pymysql://{user}@/{database}?unix_socket={self.directory / 'sock'}"

    def new_database(self) -> WritableDatabase:
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        url = self.url(name)
        return WritableDatabase("mysql", url, create_engine(url, poolclass=NullPool))

    def run(self, *statements: str) -> None:
        """Runs statements as the superuser."""
        engine = create_engine(self.url(""), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def start(self) -> None:
        command = [
            _found("mariadbd") or "mariadbd", *self._common, "--skip-networking", "--skip-log-bin",
            f"--socket={self.directory / 'sock'}", f"--pid-file={self.directory / 'pid'}",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
        ]  # fmt: skip
        with (self.directory / "log").open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.05)):
            if b"ready for connections" in (self.directory / "log").read_bytes()[before:]:
                return
            assert self._process.poll() is None, (self.directory / "log").read_text()[-2000:]
            pause.wait(0.05)
        raise AssertionError("MariaDB does not start")

    def stop(self, number: int = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(PATIENCE)

    def _run(self, program: str, *arguments: str) -> None:
        command = [_found(program) or program, *self._common, *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


@contextmanager
def started_mariadb() -> Iterator[MariadbServer]:
    """A server of its own, gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="mmsync-mariadb-"))
    try:
        server = MariadbServer(directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
