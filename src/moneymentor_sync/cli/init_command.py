"""`mmsync init`: asks for what is needed, writes a commented sync.toml that works, and says what comes next.

What is in the environment already, or in a `.env` beside the file, stays there: it goes before the file anyway,
and a secret is not copied. The file may hold a database password all the same: its mode is 0600.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import ConfigOption, VerboseOption, command
from .init_service import is_for_the_service, open_to_operators, refuse_what_is_not_ready, write_secrets

if TYPE_CHECKING:
    from moneymentor_sync.core.settings import Config

_YEAR = 366 * 86_400

Form = Callable[[str], str]
"""Gives the answer as it goes into the file. Raises InvalidValueError."""
Trial = Callable[[str], None]
"""Tries an answer of the right form. Raises MmsyncError."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Something to know: by flag, from the environment, or by asking."""

    flag: str
    prompt: str
    variables: tuple[tuple[str, ...], ...]
    """Sets of variables, each of which answers it."""
    form: Form
    trial: Trial | None = None
    default: str | None = None

    def in_environment(self, environment: Mapping[str, str]) -> str | None:
        """The variables that answer it, in words; None where none do."""
        for names in self.variables:
            if all(environment.get(name, "").strip() for name in names):
                return " and ".join(names)
        return None

    def value_in(self, environment: Mapping[str, str]) -> str | None:
        """What one variable says, where one alone answers it."""
        return next(
            (environment[one[0]] for one in self.variables if len(one) == 1 and environment.get(one[0])), None
        )


@command("init")
def init(
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="Any SQLAlchemy URL; with a password rather in DATABASE_URL: others can see command lines.",
            show_default=False,
        ),
    ] = None,
    spreadsheet: Annotated[
        str | None,
        typer.Option(
            "--spreadsheet", metavar="ID|URL", help="The spreadsheet's id, or its address.", show_default=False
        ),
    ] = None,
    credentials_file: Annotated[
        str | None,
        typer.Option(
            "--credentials-file", metavar="FILE", help="The service account's JSON key.", show_default=False
        ),
    ] = None,
    interval: Annotated[
        float, typer.Option("--interval", min=1, max=_YEAR, metavar="SECONDS", help="From one sync to the next.")
    ] = 300,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write; else --config, else ./sync.toml."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: flags and environment have it all.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Write nothing: print a sync.toml with every setting at its default.")
    ] = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Write a commented sync.toml that works, and say what to do next.

    Asks for the database, the spreadsheet and the service account's key, and tries each answer at once. What
    DATABASE_URL, GOOGLE_SHEET_ID and GOOGLE_APPLICATION_CREDENTIALS (or GOOGLE_CLIENT_EMAIL and
    GOOGLE_PRIVATE_KEY) say already is left to them and not copied into the file.

    With --output /etc/mmsync/sync.toml it is for the system service: the URL and a copy of the key go into files
    beside it that are for root alone, and the group mmsync may read the rest.

    Exit code 1 if there is a file already (see --force), 2 if something is missing and nobody can be asked.
    """
    del verbose  # nothing is hidden without it
    from moneymentor_sync.core.config_template import Answers, render_config

    if example:
        sys.stdout.write((resources.files("moneymentor_sync") / "systemd" / "sync.toml.example").read_text("utf-8"))
        return
    target = Path.cwd() / (output or config or "sync.toml")
    _refuse_to_overwrite(target, force=force)
    system = is_for_the_service(target)
    if system:
        refuse_what_is_not_ready(target, force=force)
    questions = _questions(Path.cwd())
    flags = dict(zip((q.flag for q in questions), (database_url, spreadsheet, credentials_file), strict=True))
    if system:  # which does not see this environment
        flags = {q.flag: flags[q.flag] or q.value_in(os.environ) for q in questions}
    found = _answers(questions, flags, {} if system else _environment(target), ask=not yes)
    url, spreadsheet_id, key = (found[q.flag] for q in questions)
    if system:
        write_secrets(target.parent, url, key)
        url = key = None
    answers = Answers(url, spreadsheet_id, key, interval, system_service=system)
    written = _write(target, render_config(answers), force=force)
    _say_what_is_next(target, written, system=system)


# --- what is asked ----------------------------------------------------------------------------------------


def _questions(directory: Path) -> tuple[_Question, _Question, _Question]:
    """In the order of the template's answers. `directory` is what relative paths start from."""
    from moneymentor_sync.core import config_addresses
    from moneymentor_sync.core.config_values import Raw

    home = Path(os.environ["HOME"]) if os.environ.get("HOME") else None

    def raw(value: str) -> Raw:
        return Raw(value, directory, home, is_text=True)

    def url(value: str) -> str:
        read = config_addresses.database_url(raw(value))
        return read if read.startswith("sqlite") else value.strip()  # a relative file has become an absolute one

    key = directory / "service-account.json"
    return (
        _Question(
            "--database-url",
            "Database URL (postgresql://user:password@host/database or sqlite:///file.db)",
            (("DATABASE_URL",),),
            url,
            _try_database,
        ),
        _Question(
            "--spreadsheet",
            "Spreadsheet (its address as the browser shows it, or its id)",
            (("GOOGLE_SHEET_ID",), ("GOOGLE_SHEETS_SPREADSHEET_ID",)),
            lambda value: config_addresses.spreadsheet_id(raw(value)),
        ),
        _Question(
            "--credentials-file",
            "Service account's key file (JSON)",
            (("GOOGLE_APPLICATION_CREDENTIALS",), ("GOOGLE_CLIENT_EMAIL", "GOOGLE_PRIVATE_KEY")),
            lambda value: str(config_addresses.credentials_file(raw(value))),
            _try_key,
            default=key.name if key.is_file() else None,
        ),
    )


def _try_database(url: str) -> None:
    from moneymentor_sync.adapters.database import DatabaseSource
    from moneymentor_sync.core.config_addresses import database_url
    from moneymentor_sync.core.config_values import Raw
    from moneymentor_sync.core.settings import DatabaseSettings

    DatabaseSource(DatabaseSettings(database_url(Raw(url, Path.cwd(), None, is_text=True)))).check()


def _try_key(path: str) -> None:
    from moneymentor_sync.adapters.google_client import load_credentials
    from moneymentor_sync.core.settings import ServiceAccount

    load_credentials(ServiceAccount(file=Path(path)))


# --- answers ----------------------------------------------------------------------------------------------


def _environment(target: Path) -> dict[str, str]:
    """The environment as it will be read beside the file: `.env`, and real variables over it."""
    from dotenv import dotenv_values

    beside = target.parent / ".env"
    values = dotenv_values(beside) if beside.is_file() else {}
    return {name: value for name, value in values.items() if value} | dict(os.environ)


def _answers(
    questions: tuple[_Question, ...], flags: Mapping[str, str | None], environment: Mapping[str, str], *, ask: bool
) -> dict[str, str | None]:
    """By flag: the answer for the file, None where it is left to the environment. Raises UsageError."""
    answers = _from_flags(questions, flags)
    for question in questions:
        variables = question.in_environment(environment)
        if variables is None:
            continue
        if question.flag in answers:
            _say(f"{variables} is set, and goes before what {question.flag} puts into the file.")
        else:
            _say(f"{variables}: set in the environment, so the file leaves it to that.")
    missing = [q for q in questions if q.flag not in answers and q.in_environment(environment) is None]
    if missing and (not ask or not _somebody_is_there()):
        raise _missing(missing, asked=ask)
    asked = {question.flag: _ask(question) for question in missing}
    return {question.flag: (answers | asked).get(question.flag) for question in questions}


def _from_flags(questions: tuple[_Question, ...], flags: Mapping[str, str | None]) -> dict[str, str]:
    from moneymentor_sync.core.config_values import InvalidValueError
    from moneymentor_sync.core.errors import UsageError

    answers, problems = {}, []
    for question in questions:
        value = flags[question.flag]
        if value is not None:
            try:
                answers[question.flag] = question.form(value)
            except InvalidValueError as error:
                problems.append(f"{question.flag}: {error}")
    if problems:
        raise UsageError("; ".join(problems), hint="See `mmsync init --help`.")
    return answers


def _somebody_is_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _missing(questions: list[_Question], *, asked: bool) -> Exception:
    from moneymentor_sync.core.errors import UsageError

    wanted = ", ".join(f"{q.flag} (or {' and '.join(q.variables[0])})" for q in questions)
    if asked:
        return UsageError(
            "there is no terminal to ask on",
            hint=f"Run it on a terminal, or with --yes and all that is needed; missing: {wanted}.",
        )
    return UsageError(f"missing: {wanted}", hint="Give them as flags or in the environment, or leave out --yes.")


def _ask(question: _Question) -> str:
    """Asks until the answer will do. One of the right form that does not work now may be kept all the same."""
    from moneymentor_sync.core.config_values import InvalidValueError
    from moneymentor_sync.core.errors import MmsyncError

    while True:
        given: str = typer.prompt(question.prompt, default=question.default, err=True, prompt_suffix="\n> ")
        try:
            answer = question.form(given)
            if question.trial is not None:
                question.trial(answer)
        except InvalidValueError as error:
            _say(f"  ✗ {error}")
        except MmsyncError as error:
            _say(f"  ✗ {error}" + (f"\n  → {error.hint}" if error.hint else ""))
            if typer.confirm("  Keep this answer all the same?", default=False, err=True):
                return answer
        else:
            return answer


# --- the file ---------------------------------------------------------------------------------------------


def _refuse_to_overwrite(target: Path, *, force: bool) -> None:
    from moneymentor_sync.core.errors import MmsyncError

    if not force and os.path.lexists(target):
        raise MmsyncError(
            f"{target} exists already; nothing was changed",
            hint="Overwrite it with --force, or write another file with --output FILE.",
        )


def _write(target: Path, text: str, *, force: bool) -> Config:
    """Puts the file there in one step, once it has been read back as a configuration.

    Raises ConfigError for what the environment has wrong, MmsyncError where the file cannot be written.
    """
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.core.errors import MmsyncError

    temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        system = is_for_the_service(target)
        config = load_config(temporary, system_file=temporary) if system else load_config(temporary)
        if system:
            open_to_operators(temporary)
        _put(temporary, target, force=force)
    except OSError as error:
        raise MmsyncError(
            f"{target} cannot be written: {error.strerror}", hint="Name another file with --output FILE."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return config


def _put(temporary: Path, target: Path, *, force: bool) -> None:
    """Without `force` by a hard link, which fails where a file has appeared in the meantime."""
    if force:
        temporary.replace(target)
        return
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        _refuse_to_overwrite(target, force=False)
    except OSError:  # a file system without hard links
        _refuse_to_overwrite(target, force=False)
        temporary.replace(target)


# --- what is next -----------------------------------------------------------------------------------------


def _say_what_is_next(target: Path, config: Config, *, system: bool) -> None:
    from .own_command import as_typed

    command = as_typed()
    option = "" if _is_found(target) else f" -c {shlex.quote(str(target))}"
    spreadsheet = f"spreadsheet {config.google.spreadsheet_id}"
    if config.google.api_endpoint is None:
        spreadsheet = f"https://docs.google.com/spreadsheets/d/{config.google.spreadsheet_id}/edit"
    readers = "root and the group mmsync" if system else "only you"
    typer.echo(f"Wrote {target} ({readers} may read it).\n\nNext:")
    typer.echo(f"  1. Share {spreadsheet}\n     as an editor with {_account(config)}")
    for number, (name, what) in enumerate(
        (
            ("check", "tries everything and says how to mend what fails"),
            ("plan", "shows what a sync would change, and changes nothing"),
            ("sync", "does it"),
        )[: 2 if system else 3],
        start=2,
    ):
        typer.echo(f"  {number}. {command} {name}{option}\n     {what}")
    if system:
        typer.echo("  4. systemctl daemon-reload && systemctl enable --now mmsync\n     does it, from now on")


def _is_found(target: Path) -> bool:
    """Whether the commands find the file without being told."""
    named = os.environ.get("MMSYNC_CONFIG", "").strip()
    if is_for_the_service(target):
        return not named and not (Path.cwd() / "sync.toml").exists()
    return target == Path.cwd() / (named or "sync.toml")


def _account(config: Config) -> str:
    """The service account's address, or where it is to be found."""
    from moneymentor_sync.adapters.google_client import load_credentials
    from moneymentor_sync.core.errors import CredentialsError

    try:
        return str(load_credentials(config.google.account).service_account_email)
    except CredentialsError as error:
        return f"the service account's address: “client_email” in its key\n     (not known yet: {error})"


def _say(text: str) -> None:
    typer.echo(text, err=True)
