"""The sandbox as a process, without Google's quota (a minute's wait would be all that is measured).

    python stand_in.py DIRECTORY [--max-cells N]

As `mmsync sandbox`, but for the quota and the limit of cells, which a million rows of eleven columns exceed.
"""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from moneymentor_sync.sandbox import Sandbox

GOOGLES_LIMIT = 10_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--max-cells", type=int, default=GOOGLES_LIMIT)
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    box = Sandbox(given.directory, quota=None, max_cells=given.max_cells).start()
    line = {"url": box.url, "credentials_file": str(box.credentials_file), "spreadsheet_id": box.spreadsheet_id}
    print(json.dumps(line), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
