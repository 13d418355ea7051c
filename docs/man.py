"""Makes docs/man/mmsync.1 of the commands' own help: `python docs/man.py [--to FILE]`.

One page for all commands, in man(7)'s macros. What is not in any help, examples and files, stands here.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from moneymentor_sync.cli.app import registered
from moneymentor_sync.core.config import SETTINGS

PAGE = Path(__file__).parent / "man" / "mmsync.1"
DATE = "2026-11-26"
"""Of the last change of the words in this file."""

EVERYWHERE = {"--config", "--verbose"}
"""Options that every command takes."""
_FILES = (
    ("sync.toml", "The configuration in the working directory; sync.toml.example has every setting."),
    ("/etc/mmsync/sync.toml", "The system's configuration, where none is named and none is in the directory."),
    (".env", "Beside the configuration: variables, as of the environment. Real variables win."),
    ("$STATE_DIRECTORY/state.db, $XDG_STATE_HOME/mmsync/state.db", "State, history and switches; SQLite."),
    (
        "$RUNTIME_DIRECTORY/control.sock, $XDG_RUNTIME_DIR/mmsync/control.sock",
        "The daemon's control socket; HTTP. `GET /openapi.json` describes all that may be asked there.",
    ),
)
_EXITS = (
    ("0", "It is done; or the daemon is healthy, or has a warning."),
    ("1", "It failed; or the service is degraded or unhealthy."),
    ("2", "Wrong usage; or with `plan --exit-code` there is something to do."),
    ("3", "The daemon is not running."),
    ("78", "The configuration is wrong."),
    ("130", "Interrupted with Ctrl-C."),
)
_EXAMPLES = (
    ("See it work, without an account and without a file:", "mmsync demo"),
    ("From nothing to the first sync:", "mmsync init\nmmsync check\nmmsync plan\nmmsync sync"),
    ("What would change, every cell of one dataset:", "mmsync plan user_profiles --all"),
    (
        "Stop syncing for two hours, and sync once all the same:",
        'mmsync disable --reason "migration" --for 2h\nmmsync force',
    ),
    ("Watch the daemon, and look back:", "mmsync status --watch\nmmsync history --plot"),
    (
        "Ask the daemon without the command:",
        "curl --unix-socket /run/mmsync/control.sock http://localhost/sync/status",
    ),
    (
        "Have bash complete commands and datasets:",
        "mmsync --show-completion bash > ~/.local/share/bash-completion/completions/mmsync",
    ),
)
_OTHER_VARIABLES = (
    ("MMSYNC_CONFIG", "The configuration, where no `--config` names one."),
    ("GOOGLE_CLIENT_EMAIL, GOOGLE_PRIVATE_KEY", "The service account's key in two parts, in place of its file."),
    ("NO_COLOR", "No colour, and no progress bars."),
)


def page() -> str:
    """The whole page."""
    group: Any = get_command(registered())
    name, _, summary = str(group.help).split("\n")[0].partition(":")
    lines = [
        ".\\\" Made by docs/man.py of the commands' help; change that.",
        f".TH MMSYNC 1 {DATE} mmsync",
        ".nh",  # a command that is broken in two cannot be copied
        ".ad l",
        ".SH NAME",
        f"mmsync \\- {text(lowered(name))}",
        ".SH SYNOPSIS",
        ".B mmsync",
        ".RI [ options ]",
        ".I command",
        ".RI [ argument \\&...]",
        ".SH DESCRIPTION",
        *paragraphs(f"{name}:{summary}" + str(group.help)[len(str(group.help).split(chr(10))[0]) :]),
        ".SH OPTIONS",
        *common(group),
        ".SH COMMANDS",
        *(line for one in commands(group) for line in command(*one)),
        ".SH EXIT STATUS",
        *tagged(_EXITS),
        ".SH ENVIRONMENT",
        *tagged([*_OTHER_VARIABLES, *variables()]),
        ".SH FILES",
        *tagged(_FILES),
        ".SH EXAMPLES",
        *examples(),
        ".SH SEE ALSO",
        ".BR systemctl (1),",
        ".BR journalctl (1)",
    ]
    return "".join(f"{wrapped(line)}\n" for line in lines)


def wrapped(line: str) -> str:
    """A long line of text as several, none of which begins as a request does."""
    if len(line) <= 80 or line.startswith((".", " ")):
        return line
    broken = textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{part}" if part.startswith((".", "'")) else part for part in broken)


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be run, by its words; also those of a group within the group."""
    for name in group.list_commands(None):  # in the help's order, whichever module was imported first
        one = group.commands[name]
        if hasattr(one, "commands"):
            yield from commands(one, (*before, name))
        else:
            yield (*before, name), one


def command(words: tuple[str, ...], one: Any) -> Iterator[str]:
    arguments = [each for each in one.params if each.param_type_name == "argument"]
    yield f".SS {' '.join(words)}"
    yield f".B mmsync {text(' '.join(words))}"
    yield ".RI [ options ]"
    for each in arguments:
        many = "\\&..." if each.nargs == -1 else ""
        yield f".I {each.metavar}{many}" if each.required else f".RI [ {each.metavar}{many} ]"
    yield from (".PP", *paragraphs(one.help))
    yield from tagged([(each.metavar, each.help) for each in arguments if each.help], "I")
    yield from options(one)


def options(one: Any) -> Iterator[str]:
    """Those of a command's own; what every command takes is told once."""
    for each in one.params:
        if each.param_type_name == "option" and not set(each.opts) & EVERYWHERE:
            yield from option(each)


def option(each: Any) -> Iterator[str]:
    spelled = ", ".join(f"\\fB{text(word)}\\fR" for word in [*each.opts, *each.secondary_opts])
    value = "" if each.is_flag else f" \\fI{text(each.metavar or 'N')}\\fR"
    yield from (".TP", spelled + value, text(each.help or ""))


def common(group: Any) -> Iterator[str]:
    """Options of the program itself, and those that every command takes."""
    yield from options(group)
    plan = group.commands["plan"]
    yield from (line for each in plan.params if set(each.opts) & EVERYWHERE for line in option(each))
    yield from (".TP", "\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "Show the help of a command, and exit.")


def tagged(entries: Any, font: str = "B") -> Iterator[str]:
    for word, words in entries:
        yield from (".TP", f"\\f{font}{text(word)}\\fR", text(words))


def variables() -> Iterator[tuple[str, str]]:
    for setting in SETTINGS:
        if setting.variables:
            table, _, key = setting.path.partition(".")
            yield ", ".join(setting.variables), f"Sets `[{table}] {key}`."


def examples() -> Iterator[str]:
    for number, (words, lines) in enumerate(_EXAMPLES):
        if number:
            yield ".PP"
        yield from (text(words), ".PP", ".EX", *(f"  {text(line)}" for line in lines.split("\n")), ".EE")


def paragraphs(words: str) -> Iterator[str]:
    for number, paragraph in enumerate(words.split("\n\n")):
        if number:
            yield ".PP"
        yield text(" ".join(paragraph.split()))


def lowered(words: str) -> str:
    return words[0].lower() + words[1:]


def text(words: str) -> str:
    """Text for roff: nothing in it is a request or an escape, commands are bold, and a minus stays one."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in escaped)
    escaped = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the manual page.")
    parser.add_argument("--to", type=Path, default=PAGE, metavar="FILE", help="else docs/man/mmsync.1")
    to: Path = parser.parse_args().to
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{to}\n")


if __name__ == "__main__":
    main()
