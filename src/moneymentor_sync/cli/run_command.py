"""`mmsync run`: the daemon."""

from __future__ import annotations

import faulthandler
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from .app import ConfigOption, VerboseOption, command

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from moneymentor_sync.core.events import Emit


@command("run")
def run(config: ConfigOption = None, verbose: VerboseOption = False) -> None:
    """Keep the spreadsheet in step with the database: the daemon.

    Syncs at once and then every `interval_seconds`, in the foreground, until it is told to end; systemd/README.md
    says how to have systemd run it. Ask it with `mmsync status`, `mmsync force`, `mmsync disable`, or
    `curl --unix-socket`. Its log goes to stderr.

    SIGTERM and Ctrl-C let the batch under way end and then stop it; a second one stops it at once, and nothing is
    half-written in either case. SIGHUP, or `mmsync reload`, reads the configuration again.

    Exit code 0 when it was stopped, 1 when it cannot run (another daemon does, the state file cannot be used), 78
    when the configuration is wrong.
    """
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.adapters.log_events import event_log
    from moneymentor_sync.adapters.log_libraries import library_events
    from moneymentor_sync.adapters.memory import keep_little
    from moneymentor_sync.wiring.daemon import open_life

    keep_little()
    faulthandler.enable()  # a hang ends with systemd's SIGABRT, and the stacks are then in the journal
    settings = load_config(config)
    log = event_log(settings.log, verbose=verbose)
    again = partial(load_config, config)
    with (
        library_events(log),
        open_life(settings, load_config=again, emit=leveled(log), environ=os.environ) as life,
    ):
        done = life.live()
    try:
        sys.stderr.flush()
    except OSError:  # nobody reads it any more, or its disk is full: Python would end with 120 for that
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if not done:
        os._exit(0)  # a call to Google or the database hangs; what it would still do is refused or made up for


def leveled(log: FilteringBoundLogger) -> Emit:
    """Events to the log, each as loud as `core.events` says."""
    from moneymentor_sync.core.events import level_of

    def emit(event: str, **fields: object) -> None:
        getattr(log, level_of(event))(event, **fields)

    return emit
