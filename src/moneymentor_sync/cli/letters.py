"""Output where the terminal or the file does not take every letter: LC_ALL=C, ISO-8859-1, PYTHONIOENCODING.

What cannot be written is written in other letters; no command fails for a tick or for somebody's name.
"""

from __future__ import annotations

import codecs
import json
import sys
from io import TextIOWrapper

_PLAIN = str.maketrans(
    {"…": "...", "→": "->", "“": '"', "”": '"', "’": "'", "–": "-", "−": "-", "×": "x", "·": "."}
    | {"✓": "v", "✗": "x", "■": "#", "�": "?", "─": "-", "│": "|", "┤": "|", "└": "`", "░": "."}
    | dict.fromkeys("█▉▊▋▌▇▆▅▄", "#")
    | dict.fromkeys("▍▎▏▃▂▁", "_")
)


def write_any_letter(*, json_only: bool) -> None:
    """Lets stdout and stderr take whatever is written. With `json_only` what stdout gets stays the same JSON."""
    codecs.register_error("mmsync.plain", _plain)
    codecs.register_error("mmsync.json", _json)
    for stream, handler in (
        (sys.stdout, "mmsync.json" if json_only else "mmsync.plain"),
        (sys.stderr, "mmsync.plain"),
    ):
        if isinstance(stream, TextIOWrapper):  # a test's is not, nor is one that is closed
            stream.reconfigure(errors=handler)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Signs of ours as what looks like them, other letters as `\\u1234`."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - nothing is read from these streams
    found = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(one if one.isascii() else _escaped(one) for one in found), error.end


def _json(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - as above
    return "".join(map(_escaped, error.object[error.start : error.end])), error.end


def _escaped(letter: str) -> str:
    """As JSON has it within a string."""
    return json.dumps(letter)[1:-1]
