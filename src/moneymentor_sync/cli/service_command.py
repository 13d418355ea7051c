"""`mmsync service`: systemd's files for this installation."""

from __future__ import annotations

import os
import sys
import sysconfig
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import VerboseOption, command

if TYPE_CHECKING:
    from moneymentor_sync.core.errors import MmsyncError

_NEXT = """
Next, as root:
  1. systemd-sysusers mmsync.conf && systemd-tmpfiles --create mmsync.conf
     makes the operators' group, mmsync, and /etc/mmsync
  2. {program} init --output /etc/mmsync/sync.toml
     asks for the database, the spreadsheet and the key; then `{program} check` tries everything
  3. systemctl daemon-reload && systemctl enable --now mmsync
     starts it, now and at every boot
After an upgrade only: systemctl daemon-reload && systemctl restart mmsync"""


@command("service")
def service(
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Write the files below this root directory, as a rule /; what is there already is replaced.",
            show_default=False,
        ),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(
            "--program",
            metavar="FILE",
            help="The `mmsync` that the unit is to start; else this one.",
            show_default=False,
        ),
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Print or write systemd's files for this installation.

    They are the unit, which starts the `mmsync` that is asked (or --program), the operators' group and the
    configuration's directory. `sudo mmsync service --to /` puts them where systemd looks, and says what comes next;
    without --to they are only shown.
    Nothing is started. Lines of your own go into `systemctl edit mmsync`, which no upgrade touches.

    Exit code 1 if the service could not run this program, for instance below a home directory, or if a file cannot
    be written.
    """
    del verbose  # nothing is hidden without it
    from moneymentor_sync.core.errors import MmsyncError

    from .failures import say, say_error
    from .own_command import named

    runs = (Path.cwd() / program) if program else _this_program()
    files = _files(runs)
    doubt = None if program else _doubt(runs)
    if to is None:
        typer.echo("\n".join(f"# /{place}\n{text}" for place, text in files.items()), nl=False)
        if doubt is not None:
            say_error(doubt)
        return
    if doubt is not None:
        raise doubt
    _refuse_beside_a_package(to)
    for place, text in files.items():
        try:
            say(f"{_put(to / place, text)} {to / place}")
        except OSError as error:
            raise MmsyncError(
                f"{to / place} cannot be written: {error.strerror}",
                hint="Run it with sudo, or name another --to DIR.",
            ) from error
    say(_NEXT.format(program=named(runs)))


def _files(program: Path) -> dict[str, str]:
    """By the place below the root: what goes there."""
    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.core.service_unit import PLACES, unit_for

    own = resources.files("moneymentor_sync") / "systemd"
    texts = {name: (own / name).read_text(encoding="utf-8") for name in PLACES}
    try:
        texts["mmsync.service"] = unit_for(texts["mmsync.service"], program)
    except ValueError as error:
        raise MmsyncError(f"{program}: {error}", hint="Install mmsync in another directory.") from error
    return {str(PLACES[name]): text for name, text in texts.items()}


def _this_program() -> Path:
    """What was typed; for `python -m`, the command of its environment."""
    from moneymentor_sync.core.errors import MmsyncError

    for found in (Path(sys.argv[0]).resolve(), Path(sysconfig.get_path("scripts")) / "mmsync"):
        if found.name == "mmsync" and os.access(found, os.X_OK):
            return found
    raise MmsyncError(
        f"there is no command mmsync beside {sys.executable}, which the unit could start",
        hint="Name one with --program FILE, or install mmsync and ask that.",
    )


def _doubt(program: Path) -> MmsyncError | None:
    """Why the service could not run this installation: its user is a stranger, and sees no home directories."""
    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.core.service_unit import closed, hidden

    package = Path(str(resources.files("moneymentor_sync")))
    needed = (program.resolve(), Path(sys.executable).resolve(), package.resolve())
    for path in needed:
        setting = hidden(path)
        if setting is not None:
            return MmsyncError(
                f"the service could not see {path}: its unit has {setting}=yes",
                hint="Install mmsync for the whole machine: `sudo python3 -m venv /opt/mmsync`, then "
                "`sudo /opt/mmsync/bin/pip install` what you installed; then ask that /opt/mmsync/bin/mmsync.",
            )
    for path in needed:
        ways = [*reversed(path.parents), path]
        shut = closed((way, way.stat().st_mode) for way in ways if way != Path("/"))
        if shut is not None:
            return MmsyncError(
                f"the service's user could not run {path}: others than its owner may not enter {shut}",
                hint=f"`sudo chmod -R go+rX {_top(Path(str(shut)))}`; after that install with `umask 022`.",
            )
    return None


def _top(shut: Path) -> Path:
    """What to open: all of the environment where the closed path is in it."""
    environment = Path(sys.prefix)
    return environment if shut.is_relative_to(environment) else shut


def _refuse_beside_a_package(root: Path) -> None:
    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.core.service_unit import PACKAGED

    unit = next((root / place for place in PACKAGED if (root / place).exists()), None)
    if unit is not None:
        raise MmsyncError(
            f"there is the unit of a package already: {unit}; nothing was written",
            hint="`systemctl enable --now mmsync` starts it, `systemctl edit mmsync` takes lines of your own. "
            "To use this installation instead, remove the package first.",
        )


def _put(path: Path, text: str) -> str:
    """Writes a file that all may read; what became of it, in a word."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return "as it was:"
    there = path.exists()
    for directory in reversed(path.parents):
        if not directory.exists():
            directory.mkdir()
            directory.chmod(0o755)  # whatever the umask is
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return "replaced:" if there else "wrote:"
