"""Faults on request: what shall go wrong, when, and how often it did."""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from .errors import ApiError
from .grid import Json
from .messages import Response
from .quota import exceeded

FaultKind = Literal[
    "status",
    "reset_before",
    "reset_after",
    "close_before",
    "close_after",
    "refuse",
    "truncate",
    "not_json",
    "html",
    "delay",
]
_KINDS: tuple[str, ...] = get_args(FaultKind)

_HTML_502 = (
    b"<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 502 (Server Error)!!1</title>\n"
    b"  <p><b>502.</b> <ins>That\xe2\x80\x99s an error.</ins>\n  <p>The server encountered a temporary error and "
    b"could not complete your request.<p>Please try again in 30 seconds.\n</html>\n"
)
_MESSAGES = {
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
    504: "Deadline expired before operation could complete.",
}


@dataclass(slots=True)
class Fault:
    """One fault.

    `on` is a kind of request (`read`, `write`, `drive`, `token`, `any`) or a regular expression over
    `METHOD /path`. It fires from the `nth` matching request on, `count` times (None: for ever).
    kinds: `status` answers with `status` without applying; `reset_*` cuts the connection with RST,
    `close_*` closes it without an answer, both before or after the request was applied; `refuse` is a server
    that dies before applying: nobody listens from then on, until `Sandbox.plug_in`; `truncate` sends half of
    the answer after applying; `not_json` and `html` spoil a 200 after applying; `delay` waits
    `seconds` before or after applying (`when`) and then answers as usual. `after_applying` makes a `status`
    fault answer so although the request was applied.
    """

    kind: FaultKind
    on: str = "any"
    nth: int = 1
    count: int | None = 1
    status: int = 503
    retry_after: int | None = None
    seconds: float = 0.0
    when: Literal["before", "after"] = "before"
    after_applying: bool = False
    fault_id: int = 0
    fired: int = 0
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: one of {', '.join(_KINDS)}")
        re.compile(self.on)

    @property
    def applies(self) -> bool:
        """Whether the request is carried out all the same."""
        if self.kind == "status":
            return self.after_applying
        return self.kind not in ("reset_before", "close_before", "refuse")

    def matches(self, kind: str, line: str) -> bool:
        if self.on == "any":
            return True
        return self.on == kind if self.on.isalpha() else re.search(self.on, line) is not None

    def response(self, kind: str) -> Response:
        """The answer of a `status` fault, in Google's words."""
        if self.status == 502:
            response = Response(502, _HTML_502, "text/html; charset=UTF-8")
        elif self.status == 429:
            response = Response.refusal(exceeded("read" if kind == "read" else "write"))
        else:
            response = Response.refusal(ApiError(self.status, _MESSAGES.get(self.status, "Error.")))
        if self.retry_after is not None:
            response.headers["Retry-After"] = str(self.retry_after)
        return response

    def json(self) -> Json:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Chance:
    """Faults that come by chance."""

    rate: float
    among: tuple[Fault, ...]
    rng: random.Random

    def drawn(self, kind: str, line: str) -> Fault | None:
        if self.rng.random() >= self.rate:
            return None
        fitting = [fault for fault in self.among if fault.matches(kind, line)]
        if not fitting:
            return None
        fault = self.rng.choice(fitting)
        fault.fired += 1
        return fault


@dataclass(slots=True)
class Faults:
    """The faults in force."""

    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _chance: _Chance | None = None

    def by_chance(self, rate: float, among: Sequence[Fault], rng: random.Random) -> None:
        """From now on each request that no other fault befalls suffers, with a probability of `rate`, one of
        those `among` these that are meant for its kind; their `fired` counts. `nth` and `count` say nothing here.
        """
        with self._lock:
            self._chance = _Chance(rate, tuple(among), rng)

    def add(self, fault: Fault) -> Fault:
        """Puts a fault in force; what comes back counts how often it `fired`."""
        with self._lock:
            fault.fault_id = next(self._ids)
            self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        with self._lock:
            before = len(self._faults)
            self._faults = [fault for fault in self._faults if fault.fault_id != fault_id]
            return len(self._faults) < before

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self._chance = None

    @property
    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def next(self, kind: str, line: str) -> Fault | None:
        """The fault that befalls this request; every matching one counts it."""
        chosen: Fault | None = None
        with self._lock:
            for fault in self._faults:
                if not fault.matches(kind, line):
                    continue
                fault.seen += 1
                spent = fault.count is not None and fault.fired >= fault.count
                if chosen is None and not spent and fault.seen >= fault.nth:
                    fault.fired += 1
                    chosen = fault
            if chosen is None and self._chance is not None:
                chosen = self._chance.drawn(kind, line)
        return chosen
