"""What can go wrong at Google's side, each as a value: how it is done, and what a sync may say of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from moneymentor_sync.sandbox.faults import Fault, FaultKind

UNAVAILABLE = frozenset({"unavailable"})
QUOTA = frozenset({"quota"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault that befalls one request, or `count` from it on (None: all that follow).

    `codes` are those with which a sync without retries may fail; `passes` says that one with retries must
    succeed, `always` that one without must, too; neither holds for a request for a token where the fault says
    that the `key` is refused.
    """

    name: str
    kind: FaultKind
    codes: frozenset[str] = UNAVAILABLE
    passes: bool = True
    always: bool = False
    key: bool = False
    count: int | None = 1
    given: dict[str, Any] = field(default_factory=dict)

    def at(self, position: int) -> Fault:
        return Fault(self.kind, on="any", nth=position, count=self.count, **self.given)

    def must_pass(self, position: str, retries: int) -> bool:
        if self.key and position == "token":
            return False
        return self.always or (self.passes and retries > 0)

    def must_fail(self, retries: int) -> bool:
        """Whether the one who asked got an answer, and it was none: without a retry there is nothing to go on."""
        return not retries and not self.always and self.kind in ("status", "truncate", "not_json", "html")

    def lasting(self) -> Kind:
        return replace(self, count=None, passes=False, always=False)


def _status(status: int, **given: Any) -> dict[str, Any]:
    return {"status": status, **given}


def _servers() -> list[Kind]:
    return [
        Kind(
            f"{status}_{'after' if after else 'before'}",
            "status",
            given=_status(status, after_applying=after),
        )
        for status in (500, 502, 503, 504)
        for after in (False, True)
    ]


PASSING: tuple[Kind, ...] = (
    Kind("429", "status", QUOTA, always=True, given=_status(429)),
    Kind("429_retry_after", "status", QUOTA, always=True, given=_status(429, retry_after=31)),
    Kind("503_retry_after", "status", given=_status(503, retry_after=40)),
    *_servers(),
    Kind("reset_before", "reset_before"),
    Kind("reset_after", "reset_after"),
    Kind("close_before", "close_before"),
    Kind("close_after", "close_after"),
    Kind("resets_before", "reset_before", count=2),  # the transport sends again what met a dead connection
    Kind("resets_after", "reset_after", count=2),
    Kind("refused", "refuse"),
    Kind("truncated", "truncate"),
    Kind("not_json", "not_json"),
    Kind("html", "html"),
)
"""What goes by itself."""
STAYING: tuple[Kind, ...] = (
    Kind("401_once", "status", frozenset({"credentials"}), always=True, key=True, given=_status(401)),
    Kind("401_stays", "status", frozenset({"credentials"}), passes=False, count=4, given=_status(401)),
    Kind("403", "status", frozenset({"permission_denied", "credentials"}), passes=False, given=_status(403)),
    Kind("404", "status", frozenset({"spreadsheet_not_found", "credentials"}), passes=False, given=_status(404)),
)
"""What somebody has to mend; but a token that has expired is had anew."""
