"""How long what was written takes to be noted in a cluster's database, on a real PostgreSQL that syncs to its disk.

    python -m benchmarks.shared_state [--rows 1000000]

Prints seconds as JSON: `first` notes all rows, `again` replaces each of them, `little` changes ten, `look_up` asks
for all, `fence` is the note before each write (median of 200), `state_file` is `first` in SQLite.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from tests.databases import started_postgresql
from tests.fleets import Fleet

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.ports import DatasetState, FenceState

STATE = DatasetState("sheet", "Tab", None)


def took(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(count: int, directory: Path) -> dict[str, float]:
    rows = {blake2b(b"%d" % n, digest_size=16).digest(): bytes(16) for n in range(count)}
    others = dict.fromkeys(rows, b"\1" * 16)
    with started_postgresql(sync_to_disk=True) as server:
        fleet = Fleet(server.new_database(), directory)
        store = fleet.member("sheet").store
        found = {
            "rows": count,
            "first": took(lambda: store.finish("d", STATE, rows, None)),
            "again": took(lambda: store.finish("d", STATE, others, None)),
            "little": took(lambda: store.finish("d", STATE, dict(list(rows.items())[:10]), ())),
            "look_up": took(lambda: store.written("d", rows)),
            "fence": statistics.median(
                took(lambda: store.save_fence("sheet", FenceState("one", "two"))) for _ in range(200)
            ),
        }
        fleet.close()
    alone = StateFile(directory / "alone.db")
    found["state_file"] = took(lambda: alone.finish("d", STATE, rows, None))
    alone.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as directory:
        found = measure(parser.parse_args().rows, Path(directory))
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))


if __name__ == "__main__":
    main()
