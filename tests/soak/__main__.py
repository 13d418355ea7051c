"""`python -m tests.soak --minutes 60 --seed 1 [--fault-rate 0.1] [--json FILE] [--directory DIR]`"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.network import stay_on_this_machine

from .scene import Options, run


def main() -> int:
    """Prints figures; 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long everything goes on at once")
    parser.add_argument("--seed", type=int, default=1, help="of all chance: each actor does the same again")
    parser.add_argument("--fault-rate", type=float, default=0.1, help="share of the requests to Google that fail")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--directory", type=Path, help="where logs, state and sheets are left; else a new one")
    given = parser.parse_args()
    folder = given.directory or Path(tempfile.mkdtemp(prefix="mmsync-soak-"))
    print(
        f"soak: {given.minutes:g} minutes, seed {given.seed}, fault rate {given.fault_rate:g}; log in {folder}",
        flush=True,
    )
    print(f"network: {stay_on_this_machine()}", flush=True)
    figures = run(Options(given.minutes, given.seed, given.fault_rate, folder.resolve()))
    figures.count("seconds", "of everything at once", round(given.minutes * 60))
    print("\n".join(figures.lines()))
    if given.json:
        given.json.write_text(
            json.dumps({"seed": given.seed, "fault_rate": given.fault_rate, **figures.json()}, indent=1)
        )
    return 1 if figures.differences else 0


if __name__ == "__main__":
    sys.exit(main())
