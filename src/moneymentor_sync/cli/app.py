"""The Typer application: the commands, their common options, and what becomes of an error."""

from __future__ import annotations

import atexit
import gc
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from moneymentor_sync import __version__

if TYPE_CHECKING:
    from moneymentor_sync.core.errors import MmsyncError

INTERRUPTED = 130
GARBAGE_FROM = 100_000
"""New objects after which Python looks for cycles; at its default, 700, it goes through a table again and again."""
ORDER = ("demo", "init", "check", "plan", "sync", "run", "sandbox")
"""The commands as a new user meets them."""

app = typer.Typer(
    name="mmsync",
    help="Keeps Google Sheets equal to a database: writes just the cells that differ, whatever fails.\n\n"
    "Try it first with `mmsync demo`: no account and no file needed. Then `mmsync init`, `mmsync check`, "
    "`mmsync plan`, `mmsync sync`.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: half the time of Rich's panels, and read by people and pagers alike
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Configuration; else $MMSYNC_CONFIG, ./sync.toml, /etc/mmsync/sync.toml.",
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log every step to stderr; tracebacks of errors.")
]
DatasetsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="DATASET", help="Only these datasets; else all that are enabled.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]


Command = TypeVar("Command", bound=Callable[..., None])


def command(name: str) -> Callable[[Command], Command]:
    """Registers a command; its docstring is its help, each paragraph wrapped to the terminal's width.

    Typer would keep the docstring's own line ends.
    """

    def register(function: Command) -> Command:
        paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        app.command(name, help=text)(function)
        return function

    return register


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mmsync {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Only holds the options of `mmsync` itself; `app` has the help."""


def main() -> None:
    """The `mmsync` command: runs, and turns what goes wrong into words and an exit code."""
    gc.set_threshold(GARBAGE_FROM)
    atexit.register(gc.freeze)  # else Python looks through all that is left, though it goes with the process
    from . import commands  # noqa: F401 - registers the commands; each imports what it needs when it runs

    app.registered_commands.sort(key=lambda one: ORDER.index(one.name or ""))
    try:
        app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            _say("interrupted: no row is half-written, and the next sync makes up for the rest")
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last place where it can be explained
        sys.exit(explain(error))


def explain(error: Exception) -> int:
    """Says on stderr what went wrong and what to do about it; gives the exit code."""
    from moneymentor_sync.core.errors import MmsyncError

    verbose = bool({"-v", "--verbose"} & set(sys.argv))
    if verbose:
        traceback.print_exception(error)
    if isinstance(error, MmsyncError):
        say_error(error)
        return error.exit_code
    _say(f"error: this is a bug in mmsync: {type(error).__name__}")
    _say("  → Run the command again with -v for the traceback, and report it.")
    return 1


def say_error(error: MmsyncError) -> None:
    """An error of ours in words, on stderr."""
    from moneymentor_sync.core.errors import ConfigError, KeyNotUniqueError

    if isinstance(error, ConfigError) and len(error.problems) > 1:
        _say(f"error: the configuration has {len(error.problems)} problems:")
        for problem in error.problems:
            _say(f"  - {problem}")
    else:
        _say(f"error: {error}")
    if isinstance(error, KeyNotUniqueError):
        for offender in error.offenders:
            _say(f"  - {offender}")
    if error.hint:
        _say(f"  → {error.hint}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - stderr is where a person reads it
