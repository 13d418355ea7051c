"""The settings there are, and `parse_config`: TOML and environment in, a frozen Config out.

Nothing is read, opened or asked here. Whatever is wrong is collected and raised together, as one ConfigError.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .config_addresses import (
    cluster_url,
    database_url,
    hash_key,
    is_same_database,
)
from .config_around import (
    AROUND,
    alert_settings,
    backup_settings,
    check_status_tab,
    metrics_settings,
    sheet_settings,
)
from .config_datasets import Common, parse_datasets
from .config_google import GOOGLE, SPREADSHEET_ID, google_settings
from .config_layers import Layer, Layers, Problems, Setting
from .config_places import SOCKET_PATH, STATE_PATH, Places, default_socket_path, default_state_path
from .config_values import (
    YEAR,
    boolean,
    choice,
    names,
    number,
    parse_duration,
    principals,
    short_name,
    timezone,
    whole_number,
)
from .errors import ConfigError
from .settings import (
    ClusterSettings,
    Config,
    ControlSettings,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    LongText,
    PrivacySettings,
    Retention,
    SyncSettings,
)

__all__ = ["SETTINGS", "Places", "parse_config", "parse_duration"]

_DAY = 86400.0

# The defaults are those of the frozen values, so that there is one place that has them.
_SYNC = SyncSettings()
_LOG = LogSettings()
_DATABASE = DatabaseSettings(url="")
_CONTROL = ControlSettings()
_RETENTION = Retention()
_PRIVACY = PrivacySettings()
_CLUSTER = ClusterSettings()


DATABASE_URL = Setting("database.url", database_url, _DATABASE.url, ("DATABASE_URL",))
STATEMENT_TIMEOUT = Setting(
    "database.statement_timeout_seconds", number(0.1, _DAY), _DATABASE.statement_timeout_seconds
)
LISTEN = Setting("database.listen", boolean, _DATABASE.listen)
INTERVAL = Setting("sync.interval_seconds", number(1, YEAR), _SYNC.interval_seconds, ("SYNC_INTERVAL_SECONDS",))
MAX_RETRIES = Setting("sync.max_retries", whole_number(0, 100), _SYNC.max_retries, ("SYNC_MAX_RETRIES",))
RETRY_DELAY = Setting(
    "sync.retry_delay_seconds", number(0, 3600), _SYNC.retry_delay_seconds, ("SYNC_RETRY_DELAY_SECONDS",)
)
MAX_FAILURES = Setting(
    "sync.max_consecutive_failures",
    whole_number(1, 1_000_000),
    _SYNC.max_consecutive_failures,
    ("SYNC_MAX_CONSECUTIVE_FAILURES",),
)
HEALTH_CHECK = Setting(
    "sync.health_check_interval", number(1, _DAY), _SYNC.health_check_interval, ("SYNC_HEALTH_CHECK_INTERVAL",)
)
COURSE_STATS = Setting(
    "sync.enable_course_stats", boolean, _SYNC.enable_course_stats, ("SYNC_ENABLE_COURSE_STATS",)
)
USER_PROFILES = Setting(
    "sync.enable_user_profiles", boolean, _SYNC.enable_user_profiles, ("SYNC_ENABLE_USER_PROFILES",)
)
TIMEZONE = Setting("sync.timezone", timezone, _SYNC.timezone)
LONG_TEXT: Setting[LongText] = Setting("sync.long_text", choice("cut", "refuse"), _SYNC.long_text)
MAX_PAUSE = Setting("sync.max_pause_seconds", number(0, _DAY), _SYNC.max_pause_seconds)
STOP_TIMEOUT = Setting("sync.stop_timeout_seconds", number(0, 3600), _SYNC.stop_timeout_seconds)
DEBOUNCE = Setting("sync.debounce_seconds", number(0, 3600), _SYNC.debounce_seconds)
MAX_DELAY = Setting("sync.max_delay_seconds", number(1, 3600), _SYNC.max_delay_seconds)
KEEP_DAYS = Setting("state.keep_days", number(1, 36_600), _RETENTION.days)
KEEP_RUNS = Setting("state.keep_runs", whole_number(1, 100_000_000), _RETENTION.runs)
READERS = Setting("control.readers", principals, _CONTROL.readers)
CHANGERS = Setting("control.changers", principals, _CONTROL.changers)
DENY = Setting("privacy.deny", names(may_be_empty=True), _PRIVACY.deny)
HASH_KEY: Setting[bytes | None] = Setting("privacy.hash_key", hash_key, None, ("MMSYNC_HASH_KEY",))
CLUSTER_URL: Setting[str | None] = Setting("cluster.url", cluster_url, None, ("MMSYNC_CLUSTER_URL",))
LEASE = Setting("cluster.lease_seconds", number(2, 600), _CLUSTER.lease_seconds)
FLEET = Setting("cluster.fleet", short_name, _CLUSTER.fleet)
MEMBER: Setting[str | None] = Setting("cluster.member", short_name, None, ("MMSYNC_CLUSTER_MEMBER",))
LOG_LEVEL = Setting("log.level", choice("debug", "info", "warning", "error"), _LOG.level, ("MMSYNC_LOG_LEVEL",))
LOG_FORMAT = Setting("log.format", choice("auto", "console", "json"), _LOG.format, ("MMSYNC_LOG_FORMAT",))

SETTINGS: tuple[Setting[Any], ...] = (
    DATABASE_URL,
    STATEMENT_TIMEOUT,
    LISTEN,
    *GOOGLE,
    INTERVAL,
    MAX_RETRIES,
    RETRY_DELAY,
    MAX_FAILURES,
    HEALTH_CHECK,
    COURSE_STATS,
    USER_PROFILES,
    TIMEZONE,
    LONG_TEXT,
    MAX_PAUSE,
    STOP_TIMEOUT,
    DEBOUNCE,
    MAX_DELAY,
    STATE_PATH,
    KEEP_DAYS,
    KEEP_RUNS,
    SOCKET_PATH,
    READERS,
    CHANGERS,
    DENY,
    HASH_KEY,
    CLUSTER_URL,
    LEASE,
    FLEET,
    MEMBER,
    LOG_LEVEL,
    LOG_FORMAT,
    *AROUND,
)
"""Every setting outside `[[datasets]]`: `table.key`, its environment variables and its default."""


def parse_config(
    toml: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    file: Path | None,
    places: Places,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """The configuration, or ConfigError with every problem there is, each with its path.

    `toml` is the parsed file, `file` its absolute path (None: there is none). `environment` counts a variable
    that is empty as unset. `overrides` are the command line's, by setting ("sync.interval_seconds"), as text or
    as values, None where a flag was not given. Relative paths start at the file's directory where the file has
    them, else at the working one.
    """
    problems = Problems()
    layers = _layers(toml, environment, file, places, overrides, problems)
    layers.check_names(SETTINGS, others=("datasets",))
    sync = _sync(layers)
    google = google_settings(layers, places)
    privacy = _privacy(layers, places)
    database = _database(layers, places)
    alerts = alert_settings(layers)
    state_path, sheet = _state_path(layers, places), sheet_settings(layers)
    config = Config(
        database=database,
        google=google,
        sync=sync,
        state_path=state_path,
        socket_path=layers.get(SOCKET_PATH) or default_socket_path(layers.environment, places),
        log=LogSettings(level=layers.get(LOG_LEVEL), format=layers.get(LOG_FORMAT)),
        datasets=_datasets(toml, layers, google, sync, privacy, alerts.stale_after),
        file=file,
        control=ControlSettings(layers.get(READERS), layers.get(CHANGERS)),
        retention=Retention(layers.get(KEEP_DAYS), layers.get(KEEP_RUNS)),
        privacy=privacy,
        cluster=_cluster(layers, places, database),
        sheet=sheet,
        alerts=alerts,
        metrics=metrics_settings(layers),
        backup=backup_settings(layers, state_path),
    )
    check_status_tab(sheet, config.datasets, problems)
    if problems.found:
        raise ConfigError(problems.found, hint=_hint(file))
    return config


def parse_sync_settings(
    toml: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    file: Path | None,
    places: Places,
    overrides: Mapping[str, object] | None = None,
) -> SyncSettings:
    """Only `[sync]`, as `parse_config` would have it, whatever else is missing. Raises ConfigError."""
    problems = Problems()
    layers = _layers(toml, environment, file, places, overrides, problems)
    sync = _sync(layers)
    if problems.found:
        raise ConfigError(problems.found)
    return sync


def _layers(
    toml: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Path | None,
    places: Places,
    overrides: Mapping[str, object] | None,
    problems: Problems,
) -> Layers:
    return Layers(
        toml,
        environment,
        overrides or {},
        file_base=places.working_directory if file is None else file.parent,
        working_directory=places.working_directory,
        home=places.home,
        problems=problems,
    )


def _hint(file: Path | None) -> str | None:
    if file is not None:
        return None
    return "There is no sync.toml: run `mmsync init` to write one, or set the variables in the environment."


def _database(layers: Layers, places: Places) -> DatabaseSettings:
    """The URL of command line, environment or file; else that of systemd's credential."""
    if layers.layer(DATABASE_URL) is Layer.DEFAULT and places.database_credential is not None:
        url = layers.read_credential(DATABASE_URL, "database_url", places.database_credential)
    else:
        url = layers.require(DATABASE_URL, "give a SQLAlchemy URL here or in DATABASE_URL")
    return DatabaseSettings(
        url=url, statement_timeout_seconds=layers.get(STATEMENT_TIMEOUT), listen=layers.get(LISTEN)
    )


def _sync(layers: Layers) -> SyncSettings:
    return SyncSettings(
        interval_seconds=layers.get(INTERVAL),
        max_retries=layers.get(MAX_RETRIES),
        retry_delay_seconds=layers.get(RETRY_DELAY),
        max_consecutive_failures=layers.get(MAX_FAILURES),
        health_check_interval=layers.get(HEALTH_CHECK),
        enable_course_stats=layers.get(COURSE_STATS),
        enable_user_profiles=layers.get(USER_PROFILES),
        timezone=layers.get(TIMEZONE),
        long_text=layers.get(LONG_TEXT),
        max_pause_seconds=layers.get(MAX_PAUSE),
        stop_timeout_seconds=layers.get(STOP_TIMEOUT),
        debounce_seconds=layers.get(DEBOUNCE),
        max_delay_seconds=layers.get(MAX_DELAY),
    )


def _privacy(layers: Layers, places: Places) -> PrivacySettings:
    """The key of command line, environment or file; else that of systemd's credential."""
    key = layers.get(HASH_KEY)
    if layers.layer(HASH_KEY) is Layer.DEFAULT and places.hash_key_credential is not None:
        key = layers.read_credential(HASH_KEY, "hash_key", places.hash_key_credential)
    return PrivacySettings(layers.get(DENY), key)


def _cluster(layers: Layers, places: Places, database: DatabaseSettings) -> ClusterSettings:
    """The URL of command line, environment or file; else that of systemd's credential. Not the application's
    database, which is only read."""
    url = layers.get(CLUSTER_URL)
    if layers.layer(CLUSTER_URL) is Layer.DEFAULT and places.cluster_credential is not None:
        url = layers.read_credential(CLUSTER_URL, "cluster_url", places.cluster_credential)
    if url is not None and is_same_database(url, database.url):
        layers.problems.add(
            CLUSTER_URL.path,
            "is the application's database, which mmsync only reads; make another one on the same server: "
            "CREATE DATABASE mmsync",
        )
    return ClusterSettings(url, layers.get(LEASE), layers.get(FLEET), layers.get(MEMBER))


def _state_path(layers: Layers, places: Places) -> Path:
    found = layers.get(STATE_PATH) or default_state_path(layers.environment, places)
    if found is None and layers.layer(STATE_PATH) is Layer.DEFAULT:
        layers.problems.add(
            STATE_PATH.path, "missing; no home directory is known: give a path here or in MMSYNC_STATE"
        )
    return found or places.working_directory


def _datasets(
    toml: Mapping[str, Any],
    layers: Layers,
    google: GoogleSettings,
    sync: SyncSettings,
    privacy: PrivacySettings,
    stale_after: float,
) -> tuple[Dataset, ...]:
    common = Common(
        spreadsheet_id=google.spreadsheet_id,
        spreadsheet_missing=layers.layer(SPREADSHEET_ID) is Layer.DEFAULT,
        interval_seconds=sync.interval_seconds,
        switches={
            "user_profiles": sync.enable_user_profiles,
            "course_statistics": sync.enable_course_stats,
        },
        deny=privacy.deny,
        hash_key_missing=privacy.hash_key is None,
        stale_after=stale_after,
    )
    raw = layers.raw(toml["datasets"]) if "datasets" in toml else None
    return parse_datasets(raw, common, layers.problems)
