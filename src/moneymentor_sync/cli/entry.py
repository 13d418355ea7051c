"""Where the `mmsync` process starts and ends."""

from __future__ import annotations

import sys

from .failures import INTERRUPTED, explain, say


def main() -> None:
    """The `mmsync` command: runs, and turns what goes wrong into words and an exit code."""
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
    from .status_quick import status_at_once

    status_at_once(arguments)
    from .app import run

    run()
