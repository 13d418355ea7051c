"""SQLite's errors as ours: what is wrong with the state file, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moneymentor_sync.core.errors import StateError


@contextmanager
def state_errors(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the file inside is raised as StateError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StateError(f"the state file {path} cannot be used: {error}", hint=_hint(str(error))) from error
    except UnicodeDecodeError as error:  # in SQLite's own words about a schema that is no text
        raise damaged(path, "malformed") from error
    except OSError as error:
        raise StateError(
            f"the state file {path} cannot be made: {error.strerror}",
            hint="Set `[state] path` (or MMSYNC_STATE) to a place that the user of mmsync may write to.",
        ) from error


def damaged(path: Path, what: str) -> StateError:
    """The error for a file that SQLite can open and that is not as we wrote it."""
    return StateError(f"the state file {path} is damaged: {what}; nothing was written", hint=_hint("malformed"))


def _hint(words: str) -> str:
    if "full" in words:
        return "Free some space on its disk; nothing was lost, the sync is made up for."
    if "locked" in words:
        return "Another program holds the file open for long; find it with `fuser`."
    if "malformed" in words or "not a database" in words:
        return "Move the file away: the next sync then compares every row and makes a new one."
    return "Check the file's permissions and its disk."
