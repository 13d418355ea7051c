"""The command as it can be typed again: where it is not on the PATH, by the way to it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "mmsync"


def as_typed(program: Path | None = None) -> str:
    """A program in words for a shell, `mmsync` where the PATH leads to it; without one, what was typed just now."""
    found = shutil.which(NAME)
    if program is not None:
        return NAME if _same(found, program) else shlex.quote(str(program))
    typed = Path(sys.argv[0])
    if typed.name != NAME:  # python -m
        beside = Path(sys.executable).with_name(NAME)
        return NAME if _same(found, beside) else f"{shlex.quote(sys.executable)} -m moneymentor_sync"
    return NAME if _same(found, typed) else shlex.quote(sys.argv[0])


def _same(found: str | None, program: Path) -> bool:
    return found is not None and Path(found).resolve() == program.resolve()
