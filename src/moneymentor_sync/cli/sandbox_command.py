"""`mmsync sandbox`: only the local stand-in of the Google Sheets API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .app import ConfigOption, VerboseOption, command


@command("sandbox")
def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port on 127.0.0.1; 0 picks one.")] = 0,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Where its spreadsheets and key live; else ./mmsync-sandbox."),
    ] = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Run the local stand-in of the Google Sheets API.

    The first line on stdout is JSON: {"url", "credentials_file", "spreadsheet_id"}. Put the url into
    `[google] api_endpoint`; open it in a browser to see the spreadsheets. Ctrl-C stops it; nothing is lost.
    """
    del config, verbose  # every command takes them; it needs no configuration and has nothing more to say
    from moneymentor_sync.sandbox import serve

    place = directory or Path("mmsync-sandbox")
    with explained(place, port):
        serve(place, port)


@contextmanager
def explained(directory: Path, port: int) -> Iterator[None]:
    """What keeps a sandbox from starting, in words. Raises SandboxError."""
    from moneymentor_sync.core.errors import SandboxError
    from moneymentor_sync.sandbox import DirectoryInUseError

    try:
        yield
    except DirectoryInUseError as error:
        raise SandboxError(
            f"another sandbox has its spreadsheets in {directory}",
            hint="Stop it, or name another directory with --dir.",
        ) from error
    except OSError as error:
        what = f"port {port}" if error.filename is None else str(error.filename)
        raise SandboxError(
            f"the sandbox cannot start: {what}: {error.strerror}",
            hint="Name another port with --port (0 picks a free one), or another directory with --dir.",
        ) from error
