"""`python -m moneymentor_sync.sandbox --dir D --port P`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .quota import Quota
from .serving import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="moneymentor_sync.sandbox", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where its spreadsheets and keys live")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--no-quota", action="store_true", help="answer without Google's limits a minute")
    given = parser.parse_args()
    serve(given.dir.resolve(), given.port, quota=None if given.no_quota else Quota())


if __name__ == "__main__":
    main()
