"""Asks a backend so many times a second, as its users would, and measures what each of them waits.

    python backend_load.py PORT RATE SECONDS USERS SEED

Requests start when they are due, however long those before them take, and time counts from when one was due: a
backend that stands still is not asked less for it. Prints JSON: `{"seconds": [latency, …], "failed": [what, …]}`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
from collections.abc import Iterator

Request = tuple[str, str, str | None]
_TOPICS = ("budgeting-saving", "money-goals-mindset", "college-planning-saving", "earning-income-basics")


def requests(rng: random.Random, users: int, tag: str) -> Iterator[Request]:
    """Seven of ten read a profile; the others answer a quiz, chat and sign up."""
    for number in range(1_000_000_000):
        email = f"user{rng.randint(1, users)}@example.org"
        chance = rng.random()
        if chance < 0.7:
            yield "GET", f"/users/{email}", None
        elif chance < 0.9:
            answer = {"email": email, "topic": rng.choice(_TOPICS), "correct": rng.random() < 0.7}
            yield "POST", "/answers", json.dumps(answer)
        elif chance < 0.97:
            yield "GET", f"/chat/{email}", None
        else:
            person = {"email": f"new.{tag}.{number}@example.org", "first_name": "New", "last_name": "User"}
            yield "POST", "/users", json.dumps(person)


class Connections:
    """Connections that are kept and given to whoever needs one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: Request) -> int:
        """The status of the answer, once all of it is here."""
        method, path, body = request
        free = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = free
        data = (body or "").encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in answer:
            await reader.readuntil(b"0\r\n\r\n")
        else:
            await reader.readexactly(int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        self._free.append(free)
        return int(answer.split(b" ", 2)[1])


async def load(port: int, rate: float, seconds: float, users: int, seed: str) -> dict[str, object]:
    connections, wanted = Connections(port), requests(random.Random(seed), users, seed)
    waited: list[float] = []
    failed: list[str] = []

    async def one(due: float, request: Request) -> None:
        try:
            status = str(await connections.ask(request))
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            status = type(error).__name__
        waited.append(time.perf_counter() - due)
        if status != "200":
            failed.append(f"{request[0]} {request[1]}: {status}")

    begin, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0.0))
        tasks.append(asyncio.create_task(one(due, next(wanted))))
    await asyncio.gather(*tasks)
    return {"seconds": waited, "failed": failed}


def main() -> None:
    port, rate, seconds, users, seed = sys.argv[1:]
    gc.disable()  # a minute's garbage fits, and no collection is to be taken for the backend's
    print(json.dumps(asyncio.run(load(int(port), float(rate), float(seconds), int(users), seed))))


if __name__ == "__main__":
    main()
