"""The command as it can be typed again: where it is not on the PATH, by the way to it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "mmsync"


def as_typed(*, elsewhere: bool = False) -> str:
    """What was typed just now, in words for a shell; if `elsewhere`, so that it works in another directory, too."""
    typed = Path(sys.argv[0])
    if typed.name == NAME:
        return NAME if _leads_to(typed) else shlex.quote(str(typed.absolute() if elsewhere else typed))
    beside = Path(sys.executable).with_name(NAME)  # python -m
    return NAME if _leads_to(beside) else f"{shlex.quote(sys.executable)} -m moneymentor_sync"


def named(program: Path) -> str:
    """A program in words for a shell: `mmsync` where the PATH leads to it."""
    return NAME if _leads_to(program) else shlex.quote(str(program))


def _leads_to(program: Path) -> bool:
    found = shutil.which(NAME)
    return found is not None and Path(found).resolve() == program.resolve()
