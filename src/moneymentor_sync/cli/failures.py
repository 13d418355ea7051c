"""What becomes of an error: words on stderr, and an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .words import shown

if TYPE_CHECKING:
    from moneymentor_sync.core.errors import MmsyncError

INTERRUPTED = 130


class InterruptedCommand(Exception):  # noqa: N818 - no error: somebody pressed Ctrl-C
    """The message says what becomes of what was under way."""


def explain(error: Exception) -> int:
    """Says on stderr what went wrong and what to do about it; gives the exit code."""
    from moneymentor_sync.core.errors import MmsyncError

    if isinstance(error, InterruptedCommand):
        say(str(error))
        return INTERRUPTED
    if {"-v", "--verbose"} & set(sys.argv):
        import traceback

        print(shown("".join(traceback.format_exception(error))), end="", file=sys.stderr)  # noqa: T201
    if isinstance(error, MmsyncError):
        say_error(error)
        return error.exit_code
    say(f"error: this is a bug in mmsync: {type(error).__name__}")
    say("  → Run the command again with -v for the traceback, and report it.")
    return 1


def say_error(error: MmsyncError) -> None:
    """An error of ours in words, on stderr."""
    from moneymentor_sync.core.errors import ConfigError, KeyNotUniqueError

    if isinstance(error, ConfigError) and len(error.problems) > 1:
        say(f"error: the configuration has {len(error.problems)} problems:")
        for problem in error.problems:
            say(f"  - {problem}")
    else:
        say(f"error: {error}")
    if isinstance(error, KeyNotUniqueError):
        for offender in error.offenders:
            say(f"  - {offender}")
    if error.hint:
        say(f"  → {error.hint}")


def say(text: str) -> None:
    """A line on stderr, which is where a person reads it; a long one is broken between words on a terminal."""
    text = shown(text)
    if sys.stderr.isatty():
        text = _wrapped(text)
    print(text, file=sys.stderr)  # noqa: T201


def _wrapped(text: str) -> str:
    import shutil
    import textwrap

    body = text.lstrip()
    indent = " " * (len(text) - len(body)) + ("  " if body.startswith(("- ", "→ ")) else "")
    return textwrap.fill(
        text,
        shutil.get_terminal_size().columns,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
