"""Asks a daemon for its status, again and again, from several threads; a process of its own.

    python askers.py SOCKET REQUESTS THREADS

Prints JSON: how many failed, how many were answered in the middle of a sync, and seconds per request.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError


def ask(socket: Path, requests: int) -> list[tuple[float, bool | None]]:
    """Seconds and whether a sync was under way, None where the request failed, for each request."""
    client = ControlClient(socket, timeout=10.0)
    found: list[tuple[float, bool | None]] = []
    for _ in range(requests):
        begin = time.perf_counter()
        try:
            busy: bool | None = client.status()["sync_in_progress"]
        except MmsyncError:
            busy = None
        found.append((time.perf_counter() - begin, busy))
    return found


def main() -> None:
    socket, requests, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda _: ask(socket, requests // threads), range(threads)))
    answers = [answer for part in parts for answer in part]
    taken = sorted(seconds for seconds, _ in answers)
    print(
        json.dumps(
            {
                "failed": sum(busy is None for _, busy in answers),
                "during_sync": sum(busy is True for _, busy in answers),
                "p50": taken[len(taken) // 2],
                "p99": taken[int(len(taken) * 0.99)],
                "most": taken[-1],
            }
        )
    )


if __name__ == "__main__":
    main()
