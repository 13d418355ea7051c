"""The shapes of the channel's answers, for its description; the daemon's documents are held against them by tests.

Nothing is sent through these: an answer is sent as the daemon gives it, and may get more keys one day. Times are
RFC 3339 in UTC, durations seconds; what is None is not known, or not so.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from moneymentor_sync.core.agenda import Trigger
from moneymentor_sync.core.breaker import BreakerState
from moneymentor_sync.core.health import Level
from moneymentor_sync.core.realtime import Source, State

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Result = Literal["synced", "unchanged", "failed", "stopped"]


# --- GET /sync/status -------------------------------------------------------------------------------------


class Settings(Struct):
    """The settings that decide when is synced and what is a failure."""

    interval_seconds: Seconds
    max_retries: Count
    enable_course_stats: bool
    enable_user_profiles: bool
    health_check_interval: Seconds
    max_consecutive_failures: Count


class Statistics(Struct):
    """Counted over restarts, but for `uptime_seconds`."""

    total_syncs: Count
    successful_syncs: Count
    failed_syncs: Count
    success_rate_percent: Annotated[float, Meta(ge=0, le=100)] | None
    last_sync_duration_seconds: Seconds | None
    average_sync_duration_seconds: Seconds | None
    consecutive_failures: Count
    last_error: str | None
    last_error_time: Time | None
    health_status: Level
    uptime_seconds: Seconds | None
    last_health_check: Time | None


class HealthSeen(Struct):
    """The verdict, why, and what to do about it; `datasets` are those that it is about, none where that is all."""

    level: Level
    reason: str
    hint: str
    datasets: list[str]


class Circuit(Struct):
    """A circuit breaker: while it is open, nothing is tried."""

    state: BreakerState
    opens_until: Time | None


class SwitchSeen(Struct):
    """What an operator turned on or off; None where only the configuration decides."""

    enabled: bool
    reason: str | None
    since: Time
    until: Time | None


class HoldSeen(Struct):
    """Somebody who holds the sync up, until then at most."""

    holder: str
    for_seconds: Seconds
    expires_in_seconds: float


class Current(Struct):
    """The run under way."""

    run_id: str
    trigger: Trigger
    started_at: Time
    dataset: str | None
    phase: str | None
    done: Count
    total: Count | None
    waiting_for: str | None


class DatasetStatus(Struct):
    """One dataset; the counts are of its last run that changed something."""

    name: str
    tab: str
    enabled: bool
    last_sync_time: Time | None
    last_result: Result | None
    rows: Count
    inserted: Count
    updated: Count
    deleted: Count
    consecutive_failures: Count
    last_error: str | None
    last_error_time: Time | None
    hint: str | None
    interval_seconds: Seconds
    owner: str | None
    owner_since: Time | None
    circuit: Circuit
    switch: SwitchSeen | None


class ClusterMember(Struct):
    """A member of the fleet; one that ended without a word is shown for an hour."""

    id: Count
    name: str
    pid: Count
    version: str
    alive: bool
    me: bool
    started_at: Time
    seen_seconds_ago: Seconds
    spreadsheets: Count
    health: str | None


class ClusterSpreadsheet(Struct):
    """Who has a spreadsheet, and since when."""

    spreadsheet_id: str
    datasets: list[str]
    owner: str | None
    member_id: Count | None
    since: Time | None
    mine: bool


class AccountUse(Struct):
    """What a service account was asked for within the last minute."""

    account: str
    project: str
    reads: Count
    writes: Count


class QuotaLimits(Struct):
    """What may be asked in a minute, by all members together."""

    project_reads: Count
    project_writes: Count
    account_reads: Count
    account_writes: Count


class Quota(Struct):
    """What of Google's quota is used."""

    accounts: list[AccountUse]
    limits: QuotaLimits


class ClusterSeen(Struct):
    """The fleet as this member sees it; `error` is why it takes no part."""

    fleet: str
    member: str
    connected: bool
    error: str | None
    lease_seconds: Seconds
    members: list[ClusterMember]
    spreadsheets: list[ClusterSpreadsheet]
    quota: Quota | None


class Realtime(Struct):
    """How the daemon hears of changes in the database."""

    source: Source | None
    state: State
    since: Time | None
    last_change: Time | None
    error: str | None
    untold: list[str]
    unheard: list[str]


class BackupStatus(Struct):
    """How the daily backups go; `last` is of the spreadsheet of which it is the longest ago."""

    enabled: bool
    last: Time | None
    last_error: str | None
    next: Time | None


class AlertActive(Struct):
    """Something that people were told of and that lasts."""

    key: str
    title: str
    dataset: str | None
    since: Time


class AlertsSeen(Struct):
    """Alerting; `last_error` is why the last message could not be sent, None once one was."""

    configured: bool
    addresses: list[str]
    active: list[AlertActive]
    last_sent: Time | None
    last_error: str | None
    last_error_time: Time | None


class RecentError(Struct):
    """A failure of the recent past."""

    time: Time
    dataset: str
    error: str
    hint: str


class Status(Struct):
    """What the daemon does, and how it is."""

    is_running: bool
    stopping: bool
    sync_in_progress: bool
    sync_enabled: bool
    paused_for_requests: bool
    last_sync_time: Time | None
    next_sync_in_seconds: Seconds | None
    config: Settings
    statistics: Statistics
    version: str
    pid: Count | None
    started_at: Time | None
    health: HealthSeen
    circuit: Circuit
    switch: SwitchSeen | None
    holds: list[HoldSeen]
    current: Current | None
    datasets: list[DatasetStatus]
    realtime: Realtime
    cluster: ClusterSeen | None
    backup: BackupStatus
    alerts: AlertsSeen | None
    recent_errors: list[RecentError]


# --- what else is read --------------------------------------------------------------------------------------


class Healthz(Struct):
    """The verdict and why, for who only looks at the status code."""

    status: Level
    reason: str


class Counts(Struct):
    """What one run did to one dataset, but for its name."""

    tab: str
    result: Result
    rows: Count
    inserted: Count
    updated: Count
    deleted: Count
    cells: Count
    reads: Count
    writes: Count
    bytes_sent: Count
    bytes_received: Count
    retries: Count
    repaired: Count
    put_back: Count
    verified: bool
    seconds: Seconds
    error_code: str | None
    error: str | None
    hint: str | None


class PastResult(Counts):
    """What a past run did to one dataset."""

    dataset: str


class PastRun(Struct):
    """One pass over the datasets that were due or asked for."""

    run_id: str
    started_at: Time
    seconds: Seconds
    trigger: str
    outcome: Literal["ok", "failed", "stopped"]
    datasets: list[PastResult]


class Runs(Struct):
    """Past runs, the newest first."""

    runs: list[PastRun]


class MemberTold(ClusterMember):
    """A member with what it last told of itself: of its status what is its own, and its last runs."""

    status: dict[str, Any] | None


class Cluster(ClusterSeen):
    """The fleet, every member of it with its health and history."""

    members: list[MemberTold]  # type: ignore[assignment]


# --- what a change is answered with -------------------------------------------------------------------------


class RunAccepted(Struct):
    """A sync that has been asked for."""

    accepted: Literal[True]
    run_id: str


class NewResult(Counts):
    """What the run did to one dataset; `notes` are what a person should know though nothing failed.

    `quota_seconds`, of `seconds`, were waited for Google's quota.
    """

    name: str
    notes: list[str]
    quota_seconds: Seconds


class RunEnded(Struct):
    """A sync that was waited for, with the datasets that were asked for."""

    run_id: str
    ok: bool
    seconds: Seconds
    error: str | None
    datasets: list[NewResult]


class Switched(Struct):
    """Whether syncing is enabled now, and which datasets are."""

    sync_enabled: bool
    datasets: dict[str, bool]


class Paused(Struct):
    """A lease: it ends by itself."""

    paused_for_requests: Literal[True]
    expires_in_seconds: float


class Resumed(Struct):
    """Whether somebody else still holds the sync up."""

    paused_for_requests: bool


class Noticed(Struct):
    """A sync of it follows soon."""

    accepted: Literal[True]


class Reloaded(Struct):
    """The settings that changed, and those of them that need a restart."""

    reloaded: Literal[True]
    changed: list[str]
    needs_restart: list[str]


class Described(Struct):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, str]]
    paths: dict[str, Any]
    components: dict[str, Any]
