"""One sync at a time for each spreadsheet, held by the kernel."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from moneymentor_sync.adapters.lock_file import LockFiles, only_daemon
from moneymentor_sync.core.errors import LockHeldError, StateError

HOLD = """
import sys
from pathlib import Path
from moneymentor_sync.adapters.lock_file import LockFiles
with LockFiles(Path(sys.argv[1]), "mmsync sync").hold("sheet"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        taken = LockFiles(state, "another").hold("sheet")
        with pytest.raises(LockHeldError, match=rf"mmsync sync \(process {other.pid}\)"), taken:
            pass
        with LockFiles(state, "another").hold("another sheet"):
            pass
        other.kill()
        other.wait()
    with LockFiles(state, "after a crash").hold("sheet"):
        pass


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StateError, match="lock file"), LockFiles(blocker / "state.db", "x").hold("sheet"):
        pass


def test_what_it_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "made" / "state.db"
    with LockFiles(state, "mmsync sync").hold("sheet"), only_daemon(state, 1):
        modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in state.parent.iterdir()}
    assert modes == {".lock": 0o600, ".holder": 0o600}
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
