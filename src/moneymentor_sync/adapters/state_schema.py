"""The state file's schema and how one version becomes the next. Versions only ever grow."""

from __future__ import annotations

import sqlite3

from moneymentor_sync.core.errors import StateError

APPLICATION_ID = 0x6D6D7379  # "mmsy": tells our files from other SQLite databases

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE spreadsheet (id TEXT PRIMARY KEY, token TEXT, pending TEXT);
    CREATE TABLE dataset (
        name TEXT PRIMARY KEY, spreadsheet_id TEXT NOT NULL, tab TEXT NOT NULL, known TEXT,
        shape TEXT NOT NULL, source TEXT NOT NULL, content TEXT NOT NULL, formats TEXT NOT NULL,
        rows INTEGER NOT NULL, verified_at REAL NOT NULL, cursor TEXT, dirty INTEGER NOT NULL
    );
    CREATE TABLE written (
        dataset TEXT NOT NULL, part INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (dataset, part)
    );
    CREATE TABLE run (
        id TEXT PRIMARY KEY, started_at REAL NOT NULL, seconds REAL NOT NULL, trigger TEXT NOT NULL,
        ok INTEGER NOT NULL
    );
    CREATE INDEX run_started ON run (started_at);
    CREATE TABLE run_dataset (
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE, dataset TEXT NOT NULL, tab TEXT NOT NULL,
        result TEXT NOT NULL, rows INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL,
        deleted INTEGER NOT NULL, cells INTEGER NOT NULL, reads INTEGER NOT NULL, writes INTEGER NOT NULL,
        bytes_sent INTEGER NOT NULL, bytes_received INTEGER NOT NULL, retries INTEGER NOT NULL,
        repaired INTEGER NOT NULL, put_back INTEGER NOT NULL, verified INTEGER NOT NULL, seconds REAL NOT NULL,
        error_code TEXT, error TEXT, hint TEXT,
        PRIMARY KEY (run_id, dataset)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE run ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
    UPDATE run SET outcome = CASE WHEN ok THEN 'ok' ELSE 'failed' END;
    CREATE TABLE total (
        id INTEGER PRIMARY KEY CHECK (id = 1), successful INTEGER NOT NULL, failed INTEGER NOT NULL,
        seconds REAL NOT NULL, last_seconds REAL, last_success REAL, failures INTEGER NOT NULL, last_error TEXT,
        last_hint TEXT, last_error_at REAL
    );
    INSERT INTO total SELECT 1, coalesce(sum(ok), 0), coalesce(sum(NOT ok), 0), coalesce(sum(seconds), 0),
        (SELECT seconds FROM run ORDER BY started_at DESC LIMIT 1), max(CASE WHEN ok THEN started_at + seconds END),
        0, NULL, NULL, NULL FROM run;
    CREATE TABLE dataset_total (
        name TEXT PRIMARY KEY, last_success REAL, last_result TEXT, rows INTEGER NOT NULL,
        inserted INTEGER NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL, failures INTEGER NOT NULL,
        last_error TEXT, last_hint TEXT, last_error_at REAL
    );
    CREATE TABLE switch (
        name TEXT PRIMARY KEY, enabled INTEGER NOT NULL, since REAL NOT NULL, reason TEXT, until REAL
    );
    CREATE TABLE breaker (
        name TEXT PRIMARY KEY, state TEXT NOT NULL, failures INTEGER NOT NULL, wait REAL NOT NULL,
        until REAL NOT NULL, reason TEXT NOT NULL
    );
    CREATE TABLE daemon (
        id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL, version TEXT NOT NULL,
        started_at REAL NOT NULL, stopped_at REAL, seen TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE dataset ADD COLUMN coming TEXT NOT NULL DEFAULT '[]';
    """,
    """
    CREATE TABLE alert (
        key TEXT PRIMARY KEY, condition TEXT NOT NULL, first REAL NOT NULL, told REAL NOT NULL, gone REAL
    );
    CREATE TABLE alert_message (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, message TEXT NOT NULL, waiting TEXT NOT NULL
    );
    """,
)
"""Statements that lead from version i to i + 1; a published one is never changed."""
COMING_SINCE = 3
"""The version that has the ids of tabs that are being made."""


def migrate(connection: sqlite3.Connection, path: object) -> None:
    """Brings an open state file to this version. Raises StateError for one from a newer mmsync, or not ours."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    ours = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if ours != APPLICATION_ID and tables:
        raise StateError(
            f"{path} is a database, but not a state file of mmsync",
            hint="Point `[state] path` (or MMSYNC_STATE) to a file of its own.",
        )
    if version > len(MIGRATIONS):
        raise StateError(
            f"the state file {path} is of version {version}; this mmsync knows up to {len(MIGRATIONS)}",
            hint="Upgrade mmsync again, or give this version a state file of its own.",
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;{statements};PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {number};COMMIT;"
        )
