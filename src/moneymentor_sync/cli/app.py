"""The Typer application: the commands, in which order they are shown, and their common options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

ORDER = (
    "demo",
    "init",
    "check",
    "plan",
    "sync",
    "run",
    "status",
    "force",
    "enable",
    "disable",
    "history",
    "reload",
    "triggers",
    "alerts",
    "backup",
    "restore",
    "service",
    "sandbox",
)
"""The commands as a new user meets them."""


class _InOrder(TyperGroup):
    """Commands and groups of commands in one list; Typer would put the groups last."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=ORDER.index)


app = typer.Typer(
    name="mmsync",
    cls=_InOrder,
    help="Keeps Google Sheets equal to a database: writes just the cells that differ, whatever fails.\n\n"
    "Try it first with `mmsync demo`: no account and no file needed. Then `mmsync init`, `mmsync check`, "
    "`mmsync plan`, `mmsync sync`.",
    no_args_is_help=True,
    add_completion=False,  # Typer's asks which shell it is; ours is told, and knows the datasets
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
ClientVerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say on stderr which daemon is asked; tracebacks of errors.")
]


def named_datasets(ctx: typer.Context, incomplete: str) -> list[str]:
    """What a shell offers in the place of a dataset."""
    from .completion import datasets

    return datasets(ctx, incomplete)


DatasetsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATASET",
        help="Only these datasets; else all that are enabled.",
        show_default=False,
        autocompletion=named_datasets,
    ),
]
RemoveUnmatchedOption = Annotated[
    bool,
    typer.Option(
        "--remove-unmatched",
        help="Also remove rows without a key that match no row of the database, or one that another row is.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]


Command = TypeVar("Command", bound=Callable[..., None])


def group(name: str, text: str) -> typer.Typer:
    """Registers a command that has commands of its own."""
    made = typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


class _Command(TyperCommand):
    """A command whose help says in words what Typer says in Python: `<list[str]>`, `[1<=x<=1000]`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        write = formatter.write_dl

        def write_in_words(rows: Iterable[tuple[str, str]], *given: Any, **named: Any) -> None:
            write([_in_words(*row) for row in rows], *given, **named)

        formatter.write_dl = write_in_words
        super().format_options(ctx, formatter)


def _in_words(name: str, text: str) -> tuple[str, str]:
    """A line of the help: what an option takes has the name that its author gave it, else N for a number."""
    kind = re.search(r" <([^>]*)>$", name)
    if kind is not None:
        number = "int" in kind[1] or "float" in kind[1]
        name = name[: kind.start()] + (" N" if name.startswith("-") and number else "")
    return name, re.sub(
        r"(\d+(?:\.\d+)?)<=x<=(\d+(?:\.\d+)?)",
        lambda found: f"{float(found[1]):,g} to {float(found[2]):,.15g}",
        text,
    )


def command(name: str, of: typer.Typer | None = None) -> Callable[[Command], Command]:
    """Registers a command; its docstring is its help, each paragraph wrapped to the terminal's width.

    Typer would keep the docstring's own line ends.
    """

    def register(function: Command) -> Command:
        paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        short = paragraphs[0].replace("\n", " ").rstrip(".")
        (of or app).command(name, cls=_Command, help=text, short_help=short)(function)
        return function

    return register


def _completion(shell: str | None) -> None:
    from .completion import SHELLS, script

    if shell is None:
        return
    if shell not in SHELLS:
        raise typer.BadParameter(f"{shell!r} is none of {', '.join(SHELLS)}")
    typer.echo(script(shell), nl=False)
    raise typer.Exit


def _shells() -> list[str]:
    from .completion import SHELLS

    return list(SHELLS)


def _version(wanted: bool) -> None:
    if wanted:
        from .version import version_lines

        typer.echo("\n".join(version_lines()))
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version, and which installation this is, and exit.",
            callback=_version,
            is_eager=True,
        ),
    ] = False,
    show_completion: Annotated[
        str | None,
        typer.Option(
            "--show-completion",
            metavar="SHELL",
            help="Print what has bash, zsh or fish complete commands, options and datasets; the first line says "
            "where it goes.",
            callback=_completion,
            is_eager=True,
            show_default=False,
            autocompletion=_shells,
        ),
    ] = None,
) -> None:
    """Only holds the options of `mmsync` itself; `app` has the help."""


def registered() -> typer.Typer:
    """The application with all its commands in their order."""
    from . import commands  # noqa: F401 - registers the commands; each imports what it needs when it runs

    return app


def run() -> None:
    """Parses the command line and runs its command; ends in SystemExit, or the command's error."""
    registered()(prog_name="mmsync")
