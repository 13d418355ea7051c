"""`python -m tests.weighed CONFIG PART`: two syncs with tabs read in parts of PART cells; prints a JSON object.

It has the second one's result, error and number of reads, and the most that Python's objects took meanwhile, in
bytes: in a process of its own, since the sandbox keeps the whole sheet in memory.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path

from moneymentor_sync.adapters import google_reader
from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.wiring import open_engine


def main(config: Path, part: int) -> None:
    google_reader.ReadSizes.__init__.__defaults__ = (part, part)
    settings = load_config(config)
    with open_engine(settings, holder="test") as engine:
        due = [one for one in settings.datasets if one.enabled]
        engine.run(due)  # the first one also loads modules
        tracemalloc.start()
        result = engine.run(due).datasets[0]
        peak = tracemalloc.get_traced_memory()[1]
    found = {"result": result.result, "error": result.error, "reads": result.reads, "peak": peak}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
