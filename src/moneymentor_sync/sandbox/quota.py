"""Google's quotas: fixed windows of a minute, reads and writes apart, a user's and the project's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import ApiError
from .grid import Json

WINDOW_SECONDS = 60.0
_PROJECT_NUMBER = "100000000001"
_SERVICE = "sheets.googleapis.com"


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests a minute. The defaults are Google's."""

    reads_per_user: int = 60
    writes_per_user: int = 60
    reads_per_project: int = 300
    writes_per_project: int = 300


class Meter:
    """Counts requests against a quota. A window starts with its first request and is never moved."""

    def __init__(self, quota: Quota | None, clock: Callable[[], float]) -> None:
        self.quota = quota
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, kind: str, user: str) -> None:
        """Counts one request of kind `read` or `write`. Raises 429; refused ones count towards nothing."""
        quota = self.quota
        if quota is None:
            return
        reading = kind == "read"
        limits = (
            (user, quota.reads_per_user if reading else quota.writes_per_user),
            ("", quota.reads_per_project if reading else quota.writes_per_project),
        )
        with self._lock:
            now = self._clock()
            for who, limit in limits:
                if self._used(kind, who, now) >= limit:
                    raise exceeded(kind, per_user=bool(who), limit=limit)
            for who, _ in limits:
                start, used = self._windows.get((kind, who), (now, 0))
                if not 0 <= now - start < WINDOW_SECONDS:
                    start, used = now, 0
                self._windows[kind, who] = (start, used + 1)

    def _used(self, kind: str, who: str, now: float) -> int:
        start, used = self._windows.get((kind, who), (now, 0))
        return used if 0 <= now - start < WINDOW_SECONDS else 0


def exceeded(kind: str, *, per_user: bool = True, limit: int = 60) -> ApiError:
    """429 as Google words it."""
    word = "Read" if kind == "read" else "Write"
    scope, suffix = ("per user", "PerUser") if per_user else ("", "")
    consumer = f"project_number:{_PROJECT_NUMBER}"
    metric = f"{word} requests"
    limit_name = f"{word} requests per minute{' ' + scope if scope else ''}"
    message = (
        f"Quota exceeded for quota metric '{metric}' and limit '{limit_name}' of service '{_SERVICE}' "
        f"for consumer '{consumer}'."
    )
    metadata: Json = {
        "consumer": f"projects/{_PROJECT_NUMBER}",
        "quota_limit": f"{word}RequestsPerMinutePer{'User' if per_user else 'Project'}",
        "quota_limit_value": str(limit),
        "quota_location": "global",
        "quota_metric": f"{_SERVICE}/{word.lower()}_requests",
        "quota_unit": "1/min/{project}" + ("/{user}" if suffix else ""),
        "service": _SERVICE,
    }
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": metadata,
        },
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [
                {
                    "description": "Request a higher quota limit.",
                    "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                }
            ],
        },
    ]
    return ApiError(429, message, details=details)
