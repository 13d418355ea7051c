"""Every path of the channel, as a table: what it takes, what it answers, and with which errors it may refuse.

The application serves what stands here and nothing else, and the description is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from msgspec import Struct

from moneymentor_sync.core.errors import (
    AloneError,
    ClusterError,
    MmsyncError,
    NothingToSyncError,
    ShuttingDownError,
    StateError,
    UnknownDatasetError,
)

from . import answers
from .asks import Force, History
from .changes import CHANGES
from .refusals import BadRequestError, NotAllowedError, TooManyWaitingError

JSON = "application/json"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus text exposition format


@dataclass(frozen=True, slots=True)
class Path:
    """One method of one path. `gives` has the shape of each answer by its status; None is text of METRICS_TYPE.

    `asked` is the body it takes, `query` the parameters. `raises` are the errors of its own; what may become of
    any request (`refusals.ANY_REQUEST`) is not among them.
    """

    method: str
    path: str
    says: str
    gives: Mapping[HTTPStatus, type[Struct] | None]
    asked: type[Struct] | None = None
    query: type[Struct] | None = None
    raises: tuple[type[MmsyncError], ...] = ()


def _read(
    path: str,
    says: str,
    gives: type[Struct] | None,
    *raises: type[MmsyncError],
    query: type[Struct] | None = None,
    otherwise: Mapping[HTTPStatus, type[Struct]] | None = None,
) -> Path:
    given: dict[HTTPStatus, type[Struct] | None] = {HTTPStatus.OK: gives, **(otherwise or {})}
    return Path("GET", path, says, given, query=query, raises=(NotAllowedError, *raises))


STATUS = _read("/sync/status", "What the daemon does, and how it is.", answers.Status)
HISTORY = _read(
    "/sync/history",
    "Past runs, of one dataset or all.",
    answers.Runs,
    BadRequestError,
    UnknownDatasetError,
    StateError,
    ShuttingDownError,
    query=History,
)
CLUSTER = _read(
    "/sync/cluster",
    "The fleet: every member, with its health and its last runs.",
    answers.Cluster,
    AloneError,
    ClusterError,
    ShuttingDownError,
)
HEALTHZ = _read(
    "/healthz",
    "Whether syncing works, said with the status code.",
    answers.Healthz,
    otherwise={HTTPStatus.SERVICE_UNAVAILABLE: answers.Healthz},
)
METRICS = _read("/metrics", "The same for Prometheus.", None, ShuttingDownError)
DESCRIPTION = _read("/openapi.json", "This description.", answers.Described)

FORCE = Path(
    "POST",
    "/sync/force",
    "Syncs now, also where the breaker is open, somebody holds the sync up, or syncing is disabled.",
    {HTTPStatus.OK: answers.RunEnded, HTTPStatus.ACCEPTED: answers.RunAccepted},
    asked=Force,
    raises=(
        BadRequestError,
        NotAllowedError,
        ClusterError,
        NothingToSyncError,
        UnknownDatasetError,
        StateError,
        ShuttingDownError,
        TooManyWaitingError,
    ),
)


def path_of(change: str) -> str:
    """The path of one of CHANGES."""
    return f"/sync/{change}"


PATHS: tuple[Path, ...] = (
    *(STATUS, HISTORY, CLUSTER, HEALTHZ, METRICS, DESCRIPTION, FORCE),
    *(
        Path(
            "POST",
            path_of(name),
            change.says,
            {change.status: change.gives},
            asked=change.asked,
            raises=(BadRequestError, NotAllowedError, ShuttingDownError, *change.raises),
        )
        for name, change in CHANGES.items()
    ),
)
