"""`mmsync triggers`: the SQL that has PostgreSQL tell the daemon of changes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .app import ConfigOption, DatasetsArgument, VerboseOption, command


@command("triggers")
def triggers(
    datasets: DatasetsArgument = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Print what takes the triggers away again; else what installs them.")
    ] = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Print the SQL that makes PostgreSQL tell the daemon of changes. Runs nothing.

    Which tables the datasets read is asked of the database. Look at the SQL, and run it as the tables' owner:
    `mmsync triggers | psql -v ON_ERROR_STOP=1 URL`. It may be run again, and after a change of a dataset it should.
    Without DATASET, --remove takes away every trigger there is.

    With SQLite no trigger is needed, and nothing is printed. Exit code 1 when a dataset's tables cannot be found
    out, 2 when there is no such dataset.
    """
    del verbose  # what it would show is the traceback, and that is for whoever explains the error
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.wiring import choose
    from moneymentor_sync.wiring.triggers import install_script, remove_script

    from .failures import say

    settings = load_config(config)
    chosen = choose(settings, datasets or [])
    script = remove_script(settings, chosen if datasets else []) if remove else install_script(settings, chosen)
    for note in script.notes:
        say(note)
    sys.stdout.write(script.sql)
    sys.stdout.flush()
