"""What runs inside a backend: the middleware’s cost a request, and the service’s stalls of the event loop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from .daemon import daemon
from .figures import Figure, ratio, seconds
from .scene import HERE, scene, without_settings
from .setting import Setting

ALLOWED_SECONDS = 50e-6
ALLOWED_STALL_SECONDS = 0.05


def middleware(setting: Setting) -> Iterator[Figure]:
    """An application that answers at once, with and without it, in turns; the daemon beside it is held off."""
    requests = 1_000 if setting.quick else 5_000
    with scene(setting.database(1_000)) as place, daemon(place) as running:
        running.synced()
        found = _script("overhead.py", str(running.socket), str(requests))
    for name, what in (("steady", "among others"), ("burst", "that is a burst of its own")):
        one = found[name]
        for place_ in ("p50", "p99"):
            cost = one[f"ours_{place_}"] - one[f"bare_{place_}"]
            yield seconds(f"middleware.{name}.{place_}", f"what it adds to a request {what}, {place_}", cost)
    share = (found["steady"]["ours_p99"] - found["steady"]["bare_p99"]) / ALLOWED_SECONDS
    yield ratio("middleware.share", "at the 99th percentile, against 50 µs", share, 1.0)


def stalls(setting: Setting) -> Iterator[Figure]:
    """The service in a process with an event loop: how late a timer of a millisecond comes while it syncs."""
    with scene(setting.own_database("stalls")) as place:
        found = _script("loop_stall.py", str(place.config), str(place.database))
    words = {
        "nothing": "with nothing going on",
        "first": f"at the first sync of {setting.rows:,} rows",
        "unchanged": "where nothing changed",
        "changed": "where a tenth of the rows changed",
    }
    for name, what in words.items():
        yield seconds(f"stalls.{name}.most", f"the event loop's longest stall {what}", found[name]["most"])
        yield seconds(f"stalls.{name}.p999", "99.9th percentile", found[name]["p999"])
    most = max(one["most"] for one in found.values())
    yield ratio("stalls.share", "the longest of all, against 50 ms", most / ALLOWED_STALL_SECONDS, 1.0)


def _script(name: str, *arguments: str) -> Any:
    command = [sys.executable, str(HERE / name), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=without_settings())
    return json.loads(done.stdout)
