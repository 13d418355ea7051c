"""What the middleware costs a request, beside a daemon that it holds off.

    python overhead.py SOCKET REQUESTS

An application that answers at once is called with and without it, in turns, in one event loop. Prints JSON:
percentiles in seconds, of bursts (a hold is taken and ended within each) and of a steady stream.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from moneymentor_sync.asgi import RequestPriorityMiddleware

_SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def answering(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(0)  # as every application waits for something; the hold is taken meanwhile
    await send({"type": "http.response.body", "body": b"ok"})


async def received() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def sent(_message: Any) -> None:
    return None


async def timed(app: Any) -> float:
    begin = time.perf_counter()
    await app(_SCOPE, received, sent)
    return time.perf_counter() - begin


async def measure(socket: str, requests: int) -> dict[str, dict[str, float]]:
    found = {}
    for name, resume_after in (("steady", 5.0), ("burst", 0.0)):
        app = RequestPriorityMiddleware(answering, socket=socket, resume_after=resume_after)
        found[name] = percentiles(*await in_turns(app, requests))
    return found


async def in_turns(app: Any, requests: int) -> tuple[list[float], list[float]]:
    """Seconds of each request without and with it, the one after the other."""
    bare: list[float] = []
    ours: list[float] = []
    for _ in range(requests):
        bare.append(await timed(answering))
        ours.append(await timed(app))
        await asyncio.sleep(0.002)  # the hold of a burst ends here
    return bare, ours


def percentiles(bare: list[float], ours: list[float]) -> dict[str, float]:
    bare.sort()
    ours.sort()
    at = {"p50": len(bare) // 2, "p99": int(len(bare) * 0.99)}
    return {
        f"{what}_{name}": values[place]
        for name, place in at.items()
        for what, values in (("bare", bare), ("ours", ours))
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2])))))
