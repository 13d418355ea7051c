"""A cluster's database: how it is opened, so that nothing waits for long, and its tables, made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from moneymentor_sync.core.errors import ClusterError

from .cluster_dialect import alone, check_mysql, is_mysql, mysql_arguments, upsert
from .cluster_errors import cluster_errors
from .cluster_schema import VERSION, meta, tables
from .cluster_transaction import transaction, watch

OLDEST_SERVER = 14  # the first with `idle_session_timeout`
STATEMENT_SECONDS = 10
SILENCE_SECONDS = 5
"""How long either side waits for the other: for a connection, a lock, an acknowledgement, the next statement."""
# libpq's names (PostgreSQL manual, "Database Connection Control Functions"); what the URL says wins.
_CONNECT: dict[str, Any] = {
    "application_name": "mmsync",
    "connect_timeout": SILENCE_SECONDS,
    "client_encoding": "utf8",
    "keepalives": 1,
    "keepalives_idle": SILENCE_SECONDS,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": SILENCE_SECONDS * 1000,
}


def open_cluster_database(url: str, *, lease_seconds: float = SILENCE_SECONDS) -> Engine:
    """The database by its SQLAlchemy URL; nothing is connected to yet. Connections are few, and tested before use.

    A transaction whose client does not go on is ended by the server, within the lease: whoever takes over
    what a stopped process was just writing waits no longer. Raises ClusterError.
    """
    parsed = _parsed(url)
    engine = create_engine(
        parsed,
        connect_args=_connect_args(parsed, min(lease_seconds, SILENCE_SECONDS)),
        isolation_level="READ COMMITTED",  # whatever the role's default is: who waited sees what came meanwhile
        pool_size=2,
        max_overflow=6,
        pool_timeout=STATEMENT_SECONDS,
        hide_parameters=True,
    )
    return watch(engine)


def open_quota_database(url: str) -> Engine:
    """The same for the quota, which all members wait in line for: nobody may hold it up for more than a moment.

    Its times have no zone, and are compared with times that have one. Raises ClusterError.
    """
    settings: dict[str, int | str] = {
        "statement_timeout": 4000,
        "idle_in_transaction_session_timeout": 2000,
        "tcp_user_timeout": 4000,
        "TimeZone": "UTC",
    }
    parsed = _parsed(url)
    given = _given(parsed, settings) | {
        "connect_timeout": 2, "tcp_user_timeout": 4000, "keepalives_idle": 2, "keepalives_interval": 1,
    }  # fmt: skip
    engine = create_engine(
        parsed, connect_args=given, isolation_level="READ COMMITTED", pool_size=1, hide_parameters=True
    )
    return watch(engine)


def open_lock_database(url: str, *, silence: float, answer: float) -> Engine:
    """The same for the session that holds locks: a connection of its own, which the server ends after `silence`
    seconds without a word, and on which no answer may take longer than `answer`. Raises ClusterError."""
    parsed = _parsed(url)
    if is_mysql(parsed):
        theirs = mysql_arguments(parsed, silence=silence, answer=answer, connect=answer, lock=answer)
        return create_engine(
            parsed,
            connect_args=theirs,
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            pool_reset_on_return=None,
            hide_parameters=True,
        )
    settings = {
        "idle_session_timeout": round(silence * 1000),
        "statement_timeout": round(answer * 1000),
        "lock_timeout": round(answer * 1000),
        "idle_in_transaction_session_timeout": round(silence * 1000),
        "tcp_user_timeout": round(answer * 1000),
    }
    given = _given(parsed, settings) | {"tcp_user_timeout": round(answer * 1000), "keepalives_idle": 2}
    return watch(
        create_engine(
            parsed, connect_args=given, isolation_level="AUTOCOMMIT", poolclass=NullPool, hide_parameters=True
        )
    )


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        dialect = parsed.get_dialect()
    except (SQLAlchemyError, ImportError, TypeError, ValueError) as error:  # whose words may quote the URL
        raise ClusterError("`[cluster] url` cannot be used: it is no URL of a database for it") from error
    try:
        dialect.import_dbapi()
    except ImportError as error:
        raise ClusterError(
            "the driver for `[cluster] url` is not installed", hint="pip install 'moneymentor-sync[cluster]'"
        ) from error
    return parsed


def _connect_args(url: URL, silence: float) -> dict[str, Any]:
    if is_mysql(url):
        return mysql_arguments(
            url, silence=silence, answer=STATEMENT_SECONDS, connect=SILENCE_SECONDS, lock=SILENCE_SECONDS
        )
    settings = {
        "statement_timeout": STATEMENT_SECONDS * 1000,
        "lock_timeout": SILENCE_SECONDS * 1000,
        "idle_in_transaction_session_timeout": round(silence * 1000),
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
    }
    return _given(url, settings)


def _given(url: URL, settings: Mapping[str, int | str]) -> dict[str, Any]:
    """What a connection is begun with: libpq's own settings, and the server's for the session."""
    theirs = url.normalized_query.get("options", ())
    options = " ".join([*(f"-c {name}={value}" for name, value in settings.items()), *theirs])
    given = {name: value for name, value in _CONNECT.items() if name not in url.query}
    return {**given, "options": options, "prepare_threshold": None}


def prepare(engine: Engine, fleet: str) -> None:
    """Makes the tables where they are not there yet; members that start at once do it one after the other.

    Raises ClusterError, also for a server or for tables of a version that this mmsync does not know.
    """
    with cluster_errors(engine), transaction(engine) as db:
        _check_server(db)
        with alone(db):
            _check_version(db)
            tables.create_all(db)
        db.execute(upsert(db, meta), {"fleet": fleet, "name": "version", "value": str(VERSION).encode()})


def is_begun(engine: Engine, fleet: str) -> bool:
    """Whether a member of the fleet has been there, so that there is something to go by. Raises ClusterError."""
    with cluster_errors(engine), transaction(engine) as db:
        _check_server(db)
        _check_version(db)
        if not inspect(db).has_table(meta.name):
            return False
        return db.scalar(select(meta.c.name).where(meta.c.fleet == fleet, meta.c.name == "secret")) is not None


def _check_server(db: Connection) -> None:
    if is_mysql(db.engine.url):
        check_mysql(db)
        return
    version = db.dialect.server_version_info or (0,)
    if version < (OLDEST_SERVER,):
        raise ClusterError(
            f"the cluster's server is PostgreSQL {'.'.join(map(str, version))}",
            hint=f"mmsync needs PostgreSQL {OLDEST_SERVER} or newer for `[cluster] url`.",
        )


def _check_version(db: Connection) -> None:
    """The tables are one for all fleets: the newest mark counts."""
    if not inspect(db).has_table(meta.name):
        return
    marks = db.scalars(select(meta.c.value).where(meta.c.name == "version")).all()
    newest = max((int(mark) for mark in marks), default=VERSION)
    if newest > VERSION:
        raise ClusterError(
            f"the cluster's tables are of version {newest}; this mmsync knows up to {VERSION}",
            hint="Upgrade mmsync on this machine.",
        )
