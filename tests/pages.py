"""The documentation as tests see it: its pages, the commands in them, and the links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "systemd/README.md", ROOT / "benchmarks/README.md"]
    )
}
_FENCED = re.compile(r"(?ms)^( *)```(\w*)[^\n]*\n(.*?)^\1```")


def blocks(text: str, language: str = "sh") -> list[str]:
    """The fenced blocks of a language, without what they are indented by."""
    found = [(indent, body) for indent, name, body in _FENCED.findall(text) if name == language]
    return [re.sub(rf"(?m)^{indent}", "", body) for indent, body in found]


def commands(text: str) -> Iterator[list[str]]:
    """Every use of `mmsync` in a block of shell or in the text, as words, the command's name left out."""
    prose = _FENCED.sub("", text)
    lines = [line for block in blocks(text) for line in block.splitlines()]
    for line in [*lines, *(" ".join(code.split()) for code in re.findall(r"(?s)`([^`]+)`", prose))]:
        for part in re.split(r"[|&;]+|[<>]\(", line):
            yield from _use(_words(part))


def _use(words: list[str]) -> Iterator[list[str]]:
    """What follows the command's name, where it stands where a command does: first, or after `sudo`."""
    line = " ".join(words)
    before = re.match(r"(?:sudo(?: -[ug] \S+| -\S+)* )?(?:env )?(?:\w+=\S* )*", line)
    words = words[len(before[0].split()) :] if before else words
    if words and re.fullmatch(r"(\S*/)?mmsync", words[0]):
        yield words[1:]


def _words(use: str) -> list[str]:
    try:
        return shlex.split(use, comments=True)
    except ValueError:  # an apostrophe in prose
        return use.split()


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead, without those to other machines."""
    found = re.findall(r"\]\(([^)\s]+)\)", _FENCED.sub("", text))
    return [one for one in found if not re.match(r"\w+:", one)]


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as forges make them."""
    headings = re.findall(r"(?m)^#{1,6} (.+)$", _FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
