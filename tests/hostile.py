"""Values that break other people's exports: texts, names and numbers, for the tests that put them everywhere."""

from __future__ import annotations

import unicodedata

FORMULAS = ("=1+1", '=HYPERLINK("http://x.example","y")', '=IMPORTDATA("http://x.example")', "+1", "-1", "@SUM(A1)")
LOOK_ALIKES = (
    "007",
    "'007",
    "''",
    "'",
    "TRUE",
    "true",
    "1",
    "1.0",
    "1e3",
    "1/2",
    "12%",
    "$5",
    "2026-01-01",
    "NULL",
)
BLANKS = (
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "\u00a0",
    "\u2028",
    "\u2029",
    "\u200b",
    " a",
    "a ",
)
TWINS = ("a", "A", "é", unicodedata.normalize("NFD", "é"), "ﬁ", "fi", "İ", "i̇", "ß", "ss", "SS", "\uff21")
RIGHT_TO_LEFT = ("\u202eabc", "\u200fabc", "\u2067abc\u2069", "שלום", "مرحبا")
UNICODE = (
    "😀", "👩\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "\U0001d518", "\U0010ffff", "\ufffe", "\uffff",
    "\U0001fffe", "\ufeff", "\ufeffa", "\ufffd", "e\u0301\u0301\u0301", "\u0301", "中文", "\ue000", "\U000e0041",
)  # fmt: skip
CONTROLS = tuple(map(chr, (*range(1, 32), *range(127, 160))))
ESCAPES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://x.example\x07link",
    "\x9b31m",
    "\x1b[2J",
    "[red]x[/red]",
    "[/]",
    "[link=x]",
)
LONG = ("x" * 50_000, "é" * 50_000, "😀" * 25_000)

TEXTS = tuple(
    dict.fromkeys((*FORMULAS, *LOOK_ALIKES, *BLANKS, *TWINS, *RIGHT_TO_LEFT, *UNICODE, *CONTROLS, *ESCAPES, *LONG))
)
"""Each is a text that a cell holds to the letter."""

NAMES = (
    "=1+1", "+x", "-x", "@x", "'x", 'a"b', "a'b", "50% :of %s", "%(since)s", ":name", "?", "a\nb", "a\tb",
    "\u202eabc", "שלום", "[red]x[/red]", "\x1b[31mx", "é", unicodedata.normalize("NFD", "é"), "😀\u200d😀",
    "x" * 60, "y" * 60 + "1", "y" * 60 + "2", "TRUE", "1", "1.0", "2026-01-01", "select", "a b", "_mmsync",
    "A1", "R1C1", "$A$1", "…", "\\", "{}", ";--",
)  # fmt: skip
"""Each is a name that a column may have in any database, and that a header cell holds to the letter."""
