"""`mmsync sandbox`: only the local stand-in of the Google Sheets API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .app import ConfigOption, VerboseOption, app


@app.command("sandbox")
def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port on 127.0.0.1; 0 picks one.")] = 0,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Where its spreadsheets and key live; else ./mmsync-sandbox."),
    ] = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Run the local stand-in of the Google Sheets API, for trying things out and for tests.

    The first line on stdout is JSON: {"url", "credentials_file", "spreadsheet_id"}. Put the url into
    `[google] api_endpoint`; open it in a browser to see the spreadsheets. Ctrl-C stops it; nothing is lost.
    """
    del config, verbose  # every command takes them; it needs no configuration and has nothing more to say
    from moneymentor_sync.sandbox import serve

    serve(directory or Path("mmsync-sandbox"), port)
