"""A sync that finds nothing and does not look, against a bare pass over the same query, in one process.

    python in_process.py CONFIG ROUNDS

Prints JSON: the seconds of each round of `Engine.run` and of the bare pass, which take turns. What a process
does once (imports, the configuration, opening files) is in neither.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import create_engine

from bare import bare_pass  # type: ignore[import-not-found]  # beside this script, which is run as one
from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.wiring import choose, open_engine


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    config = load_config(Path(sys.argv[1]))
    rounds = int(sys.argv[2])
    datasets = choose(config, ())
    query = datasets[0].query
    database = create_engine(config.database.url)
    ours: list[float] = []
    bare: list[float] = []
    with open_engine(config, holder="benchmark") as engine:

        def sync() -> None:
            (result,) = engine.run(datasets).datasets
            if result.result != "unchanged" or result.reads or result.writes:
                raise RuntimeError(f"this was to find nothing and to call nobody: {result}")

        for _ in range(rounds):
            bare.append(timed(lambda: bare_pass(database, query)))
            ours.append(timed(sync))
    database.dispose()
    print(json.dumps({"ours": ours, "bare": bare}))


if __name__ == "__main__":
    main()
