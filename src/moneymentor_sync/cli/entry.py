"""Where the `mmsync` process starts and ends."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from .failures import INTERRUPTED, explain, say
from .plain_signs import fit_streams

GARBAGE_FROM = 100_000
"""New objects after which Python looks for cycles; at its default, 700, it goes through a table again and again."""


def main() -> None:
    """The `mmsync` command: runs, and turns what goes wrong into words and an exit code."""
    gc.set_threshold(GARBAGE_FROM)
    fit_streams(os.environ, as_json="--json" in sys.argv)
    atexit.register(gc.freeze)  # else Python looks through all that is left, though it goes with the process
    try:
        _run(sys.argv[1:])
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            say("interrupted: no row is half-written, and the next sync makes up for the rest")
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last place where it can be explained
        sys.exit(explain(error))


def _run(arguments: list[str]) -> None:
    """Typer alone takes as long as all that `mmsync status` does, so that is tried first."""
    if "_MMSYNC_COMPLETE" in os.environ:
        from .completion import complete

        complete(os.environ["_MMSYNC_COMPLETE"], arguments)
        return
    from .status_quick import status_at_once

    status_at_once(arguments)
    from .app import run

    run()
