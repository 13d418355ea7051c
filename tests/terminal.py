"""A process on a terminal of its own, of a given size: what a person sees and types, without a screen."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PATIENCE = 60.0


class Terminal:
    """`seen` is all that the process has written so far, as text."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int] = (80, 24),
        stderr: IO[bytes] | None = None,
    ) -> None:
        self.master, slave = pty.openpty()
        self._size(size)
        self.process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=stderr or slave,
            preexec_fn=_own_terminal,  # else Ctrl-C goes nowhere
        )  # fmt: skip
        os.close(slave)
        self.seen = ""
        self._text = codecs.getincrementaldecoder("utf-8")(errors="replace")  # a read may end within a letter

    def _size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def resize(self, columns: int, lines: int) -> None:
        """As a person who drags the window's corner."""
        self._size((columns, lines))
        self.process.send_signal(signal.SIGWINCH)

    def until(self, words: str) -> str:
        """Waits for words that come after all that was seen when it began; gives what came."""
        start = len(self.seen)
        while words not in self.seen[start:]:
            self._read()
        return self.seen[start:]

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def _read(self) -> None:
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        assert ready, f"nothing more came after: {self.seen!r}"
        self.seen += self._text.decode(os.read(self.master, 65536))

    def end(self) -> int:
        """Reads to the end; the exit code."""
        try:
            while True:
                self._read()
        except OSError:  # EIO: the other side has gone
            return self.process.wait(PATIENCE)
        finally:
            os.close(self.master)


def _own_terminal() -> None:
    for number in (signal.SIGINT, signal.SIGQUIT):  # who runs the tests in the background has them ignored
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
