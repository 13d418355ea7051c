"""The help reads as words: of the program, and of each command."""

from __future__ import annotations

from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from moneymentor_sync.cli.app import registered

GROUP: Any = get_command(registered())


def shown(*words: str) -> str:
    done = CliRunner().invoke(registered(), [*words, "--help"], prog_name="mmsync", terminal_width=80)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("command", GROUP.commands)
def test_a_commands_help_is_in_words_and_fits(command: str) -> None:
    help_text = shown(command)
    assert f"mmsync {command} " in help_text.splitlines()[0]
    assert not [sign for sign in ("<", "=x", "list[", "None") if sign in help_text]
    assert max(map(len, help_text.splitlines())) <= 80
    options = GROUP.commands[command].params
    assert all(one.help for one in options)


def test_what_a_number_may_be_is_said() -> None:
    assert "--users N" in shown("demo")
    assert "1 to 1,000,000]" in " ".join(shown("demo").split())


def test_the_programs_help_has_every_command_in_a_sentence_that_is_whole() -> None:
    text = shown()
    assert all(f"\n  {command} " in text for command in GROUP.commands)
    assert "..." not in text.partition("Commands:")[2]
