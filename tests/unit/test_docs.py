"""Every page: its links lead somewhere, and its commands and options are there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from docs.build import build
from typer.main import get_command

from moneymentor_sync.cli.app import registered
from moneymentor_sync.daemon.reload import FIXED
from tests.pages import PAGES, ROOT, anchors, blocks, commands, links

GROUP: Any = get_command(registered())
PLACEHOLDERS = {"COMMAND", "…", "..."}
NOT_YET = {"alerts", "backup", "restore"} - GROUP.commands.keys()
"""Commands that settings are there for already."""


def complaint(words: list[str]) -> str | None:
    """What is wrong with words after `mmsync`; None where nothing is."""
    command = GROUP
    words = [word.strip("[],.;:") for word in words]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] in PLACEHOLDERS | NOT_YET:
            return None
        if words[0] not in command.commands:
            return f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for one in command.params for name in [*one.opts, *one.secondary_opts]} | {"-h", "--help"}
    spelled = [part for word in words if word.startswith("-") for part in word.split("/") if part.startswith("-")]
    unknown = [word for word in spelled if word.partition("=")[0] not in known and len(word) > 1]
    return f"{command.name} has no {', '.join(unknown)}" if unknown else None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_of_a_page_is_there(page: str) -> None:
    wrong = {" ".join(words): complaint(words) for words in commands(PAGES[page])}
    assert {line: why for line, why in wrong.items() if why} == {}


def test_what_is_wrong_would_be_found() -> None:
    text = "Run `mmsync plna`, `mmsync plan --jsn`.\n```sh\nsudo /opt/mmsync/bin/mmsync run --what x # y\n```\n"
    assert [complaint(words) for words in commands(text)] == [
        "run has no --what",
        "no command 'plna'",
        "plan has no --jsn",
    ]
    assert complaint(["plan", "[DATASET…]", "[--json]", "-c", "a.toml"]) is None
    assert complaint(["force", "--wait/--no-wait"]) is None


def test_the_pages_have_commands_to_look_at() -> None:
    assert sum(len(list(commands(text))) for text in PAGES.values()) > 90
    assert sum(len(blocks(text)) for text in PAGES.values()) > 15


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in links(PAGES[page]):
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="the extra `docs` is not installed")
@pytest.mark.filterwarnings("ignore")  # Sphinx's own, of the libraries beneath it
def test_the_site_is_built_without_a_complaint_and_asks_nobody_for_anything(tmp_path: Path) -> None:
    assert build(tmp_path) == 0
    pages = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("docs/*.html")}
    assert {"index", "configuration", "quick-start", "operating", "migrating"} <= pages.keys()
    for text in pages.values():
        assert not [tag for tag in ("src", "data", "poster") if f'{tag}="http' in text]
        assert '<link rel="stylesheet" href="http' not in text
    styles = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("_static/**/*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles


@pytest.mark.parametrize("page", ["docs/configuration.md", "systemd/README.md"])
def test_what_waits_for_a_start_is_named(page: str) -> None:
    tables = {name.split("_")[0].replace("socket", "control") for name in FIXED}
    (sentence,) = re.findall(r"(?s)`mmsync reload`.*?next start", PAGES[page])
    assert set(re.findall(r"`\[(\w+)\]`", sentence)) == tables
