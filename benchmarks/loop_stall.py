"""The service in a program's own process: how long its event loop stands still while a table is synced.

    python loop_stall.py CONFIG DATABASE

A timer wants to be called each millisecond; how much later it is called is what a request would wait. Prints
JSON: for nothing else going on, the first sync, one that finds nothing, and one of a tenth of the rows, the most
and the 99.9th percentile of it in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import people

from moneymentor_sync import BackgroundSyncService, SyncConfig

STEP = 0.001


async def watched(work: Callable[[], Awaitable[object]]) -> dict[str, float]:
    """How late the timer was while that was done."""
    late: list[float] = []
    done = asyncio.Event()

    async def timer() -> None:
        while not done.is_set():
            begin = time.perf_counter()
            await asyncio.sleep(STEP)
            late.append(time.perf_counter() - begin - STEP)

    ticking = asyncio.create_task(timer())
    begin = time.perf_counter()
    await work()
    took = time.perf_counter() - begin
    done.set()
    await ticking
    late.sort()
    return {"most": late[-1], "p999": late[int(len(late) * 0.999)], "p50": late[len(late) // 2], "seconds": took}


async def main() -> None:
    config, database = Path(sys.argv[1]), Path(sys.argv[2])
    service = BackgroundSyncService(SyncConfig(interval_seconds=3600), file=config)

    async def sync() -> None:
        found = await service.force_sync_now()
        if not found["ok"]:
            raise RuntimeError(found["error"])

    found = {"nothing": await watched(lambda: asyncio.sleep(2.0))}

    async def first() -> None:
        await service.start_background_sync()
        await sync()

    found["first"] = await watched(first)
    found["unchanged"] = await watched(sync)
    people.change(database, ["points", "score"], every=10)
    found["changed"] = await watched(sync)
    await service.stop_background_sync()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
