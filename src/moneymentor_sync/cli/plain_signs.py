"""Signs in place of ours where the output cannot take them: another encoding, or a locale that says so.

A sign stands for one sign, so that columns stay columns; what somebody wrote and cannot be shown is a `?`, but in
JSON, which has a way to write every letter.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Mapping
from typing import TextIO

_HANDLER = "mmsync.signs"
_IN_JSON = "mmsync.json"
_OURS = "→↑↓✓✗■×–…·│┤└─█░▁▂▃▄▅▆▇▏▎▍▌▋▊▉━╸╺"
_THEIRS = ">^v+x#x-~.|++-#.__.--==..::==#---"
_SIGNS = dict(zip(_OURS, _THEIRS, strict=True))
_PLAIN_LOCALES = {"C", "POSIX"}


def fit_streams(environ: Mapping[str, str], *, as_json: bool = False) -> None:
    """Has stdout and stderr never fail for what they cannot show; plain signs on a terminal of the C locale.

    With `as_json` what stdout gets stays the same document."""
    codecs.register_error(_HANDLER, _in_place)
    codecs.register_error(_IN_JSON, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if as_json and stream is sys.stdout:
            stream.reconfigure(errors=_IN_JSON)
        elif stream.isatty() and says_plain(environ):
            stream.reconfigure(encoding="ascii", errors=_HANDLER)
        elif not shows_all(stream):
            stream.reconfigure(errors=_HANDLER)


def says_plain(environ: Mapping[str, str]) -> bool:
    """Whether somebody asked for the C locale. Python itself takes that for C.UTF-8, and says so in LC_CTYPE."""
    named = environ.get("LC_ALL") or environ.get("LANG")
    return named in _PLAIN_LOCALES


def shows_all(stream: TextIO) -> bool:
    """Whether any text can be written there."""
    return codecs.lookup(stream.encoding or "utf-8").name.startswith("utf")


def _in_place(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unseen = error.object[error.start : error.end]
    return "".join(_SIGNS.get(letter, "?") for letter in unseen), error.end


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """As JSON has it within a string."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
