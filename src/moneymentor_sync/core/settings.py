"""The configuration as frozen values: what the rest of the program reads. Parsing is in `config`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["mirror", "upsert", "append"]
CellType = Literal["date", "datetime", "boolean", "number", "text"]
LongText = Literal["cut", "refuse"]
VerifyRule = Literal["always", "auto"]
Mask = Literal["email", "initial", "last4", "all"]

MODES: tuple[Mode, ...] = ("mirror", "upsert", "append")
MASKS: tuple[Mask, ...] = ("email", "initial", "last4", "all")
ALWAYS_DENIED = ("password_hash",)
"""Columns that are never synced, whatever the settings say."""
CELL_TYPES: tuple[CellType, ...] = ("date", "datetime", "boolean", "number", "text")


@dataclass(frozen=True, slots=True)
class Column:
    """One managed column of a tab.

    `name` is the query's column, `header` the text in row 1 (default: the name), `hidden` hides the column
    when it is made, `format` is a Google Sheets number format pattern, `type` says what a value is where the
    database does not. `mask` shows only a part of each value, `hash` a pseudonym. `varies` matches the parts that
    change in a text which the query composes; no configuration sets it.
    """

    name: str
    header: str
    hidden: bool = False
    format: str | None = None
    type: CellType | None = None
    mask: Mask | None = None
    hash: bool = False
    varies: str | None = field(default=None, repr=False)

    @property
    def is_veiled(self) -> bool:
        """Whether its values are not shown as they are."""
        return self.hash or self.mask is not None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One query that fills one tab.

    Exactly one of `query`, `table` and `builtin` is set. `columns` is empty where all of the query's columns
    are wanted under their own names. `verify` is a rule or a time in seconds. `interval_seconds`, `stale_after`
    (seconds) and `spreadsheet_id` are already resolved to the common ones where the entry names none. `tables` are
    those whose changes concern it, as `table` or `schema.table`; None where the database is to be asked which it
    reads. `deny` are the columns, by name or pattern, that no query may give.
    """

    name: str
    tab: str
    key: tuple[str, ...]
    spreadsheet_id: str
    query: str | None = None
    table: str | None = None
    builtin: Literal["user_profiles", "course_statistics"] | None = None
    mode: Mode = "mirror"
    columns: tuple[Column, ...] = ()
    match_on: tuple[str, ...] = ()
    cursor: str | None = None
    enabled: bool = True
    max_delete_fraction: float = 0.5
    interval_seconds: float = 300.0
    verify: VerifyRule | float = "auto"
    stale_after: float = 3_600.0
    tables: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ALWAYS_DENIED


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """`url` is a SQLAlchemy URL (`postgres://` and `postgresql://` already rewritten to psycopg 3)."""

    url: str = field(repr=False)  # may carry a password
    statement_timeout_seconds: float = 300.0
    listen: bool = True


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Where the service account's key comes from: a file, or e-mail and PEM from the environment."""

    file: Path | None = None
    client_email: str | None = None
    private_key: str | None = field(default=None, repr=False)


WHOLE_CALL = 3
"""A call to Google is ended after so many times the silence (`timeout_seconds`) that it may have."""


@dataclass(frozen=True, slots=True)
class GoogleSettings:
    """`spreadsheet_id` is None only where every dataset names its own. `api_endpoint` is None for Google's.

    `further_accounts` make a pool with `account`. The requests a minute are what Google allows, of each kind.
    """

    spreadsheet_id: str | None
    account: ServiceAccount
    api_endpoint: str | None = None
    timeout_seconds: float = 60.0
    max_cells: int = 10_000_000
    further_accounts: tuple[ServiceAccount, ...] = ()
    project_requests_per_minute: int = 300
    account_requests_per_minute: int = 60

    @property
    def accounts(self) -> tuple[ServiceAccount, ...]:
        """All that make calls, in their order; most have one."""
        return (self.account, *self.further_accounts)


@dataclass(frozen=True, slots=True)
class SyncSettings:
    interval_seconds: float = 300.0
    max_retries: int = 3
    retry_delay_seconds: float = 5.0
    max_consecutive_failures: int = 5
    health_check_interval: float = 60.0
    enable_course_stats: bool = True
    enable_user_profiles: bool = True
    timezone: str = "UTC"
    long_text: LongText = "cut"
    max_pause_seconds: float = 300.0
    stop_timeout_seconds: float = 30.0
    debounce_seconds: float = 2.0
    max_delay_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """`deny` are columns that are not to be synced, beside those that never are; `hash_key` is for pseudonyms."""

    deny: tuple[str, ...] = ()
    hash_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Who may ask the daemon, of those whom the socket's mode lets in: users by name or number, groups as `@name`.

    Empty means everybody; the daemon's own user and root always may. Whoever may change may read, and where only
    readers are named, nobody else may change either.
    """

    readers: tuple[str, ...] = ()
    changers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    """How much history the state file keeps: runs of so many days, and so many runs at most."""

    days: float = 90.0
    runs: int = 100_000


@dataclass(frozen=True, slots=True)
class LogSettings:
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Several daemons that share their spreadsheets; `url` is None where this machine is alone.

    `url` is a SQLAlchemy URL, `fleet` tells installations in one database apart, and a member that has not been
    heard of for `lease_seconds` has lost what it had. `member` is its name, for people; None is the host's.
    """

    url: str | None = field(default=None, repr=False)  # may carry a password
    lease_seconds: float = 15.0
    fleet: str = "default"
    member: str | None = None


@dataclass(frozen=True, slots=True)
class SheetSettings:
    """What readers of a spreadsheet see of its sync: a tab `status_tab` with how fresh each dataset is, written
    anew at most every `status_every_seconds` where nothing else is written, and notes on headers that say where a
    column is from."""

    status: bool = False
    status_tab: str = "sync_status"
    status_every_seconds: float = 300.0
    header_notes: bool = False


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Whom to tell of trouble. `urls` are Apprise's, `webhook` gets JSON, `ping` is a dead man's switch. Times are
    seconds: what lasts is told again after `remind_after`, what is over for less than `settle` is not over."""

    urls: tuple[str, ...] = field(default=(), repr=False)  # each may carry a token
    webhook: str | None = field(default=None, repr=False)
    ping: str | None = field(default=None, repr=False)
    remind_after: float = 86_400.0
    settle: float = 120.0
    stale_after: float = 3_600.0

    @property
    def any(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self.urls or self.webhook or self.ping)


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where metrics are, beside the control socket: `listen` is a loopback host and port, `textfile` is for
    node_exporter."""

    listen: tuple[str, int] | None = None
    textfile: Path | None = None


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """`enabled` is for those that nobody asks for: one a day at `daily_at` (HH:MM in the time zone of `[sync]`),
    and one before a sync that would delete more than the share `before_deleting` of a tab's rows. Of these so many
    daily and weekly ones are kept. `directory` is None only where no configuration was read."""

    enabled: bool = False
    directory: Path | None = None
    daily_at: str = "03:30"
    keep_daily: int = 7
    keep_weekly: int = 4
    before_deleting: float = 0.2


@dataclass(frozen=True, slots=True)
class Config:
    """Everything, resolved: what `load_config` returns. `file` is None where none was used."""

    database: DatabaseSettings
    google: GoogleSettings
    sync: SyncSettings
    state_path: Path
    socket_path: Path
    log: LogSettings
    datasets: tuple[Dataset, ...]
    file: Path | None = None
    control: ControlSettings = ControlSettings()
    retention: Retention = Retention()
    privacy: PrivacySettings = PrivacySettings()
    cluster: ClusterSettings = ClusterSettings()
    sheet: SheetSettings = SheetSettings()
    alerts: AlertSettings = AlertSettings()
    metrics: MetricsSettings = MetricsSettings()
    backup: BackupSettings = BackupSettings()
