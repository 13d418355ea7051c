"""Google on a bad day: every fault that the sandbox knows, each as likely as the others."""

from __future__ import annotations

import random

from moneymentor_sync.sandbox.faults import Fault, Faults

from .figures import Figures

_STATUSES = (429, 500, 502, 503, 504, 401, 403)


def all_kinds(timeout: float) -> dict[str, Fault]:
    """By name. A delay is longer than the client waits (`timeout` seconds)."""
    found: dict[str, Fault] = {}
    for status in _STATUSES:
        found[f"{status}"] = Fault("status", status=status)
    found["429 with Retry-After"] = Fault("status", status=429, retry_after=1)
    found["503 with Retry-After"] = Fault("status", status=503, retry_after=2)
    for status in (500, 502, 503, 504):
        found[f"{status} after applying"] = Fault("status", status=status, after_applying=True)
    found["reset before"] = Fault("reset_before")
    found["reset after"] = Fault("reset_after")
    found["close before"] = Fault("close_before")
    found["close after"] = Fault("close_after")
    found["truncated"] = Fault("truncate")
    found["not JSON"] = Fault("not_json")
    found["HTML"] = Fault("html")
    found["late, before applying"] = Fault("delay", seconds=timeout * 1.15, when="before")
    found["late, after applying"] = Fault("delay", seconds=timeout * 1.15, when="after")
    return found


class Weather:
    """The faults in force, and how often each came."""

    def __init__(self, faults: Faults, rate: float, timeout: float, rng: random.Random) -> None:
        self._faults, self._rate, self._rng = faults, rate, rng
        self._kinds = all_kinds(timeout)

    def begin(self) -> None:
        self._faults.by_chance(self._rate, list(self._kinds.values()), self._rng)

    def end(self, figures: Figures) -> None:
        """Nothing fails any more."""
        self._faults.clear()
        for name, fault in self._kinds.items():
            figures.count("faults", name, fault.fired)
