"""Database URLs that were written for other drivers: the same database, as ours understands it.

A backend's `DATABASE_URL` is often one for asyncpg, or one with options that a pooler's or another library's
client reads. libpq refuses a connection for an option that it does not know.
"""

from __future__ import annotations

ASYNC_POSTGRESQL = frozenset(("asyncpg", "psycopg_async"))
NOT_OURS = {"aiomysql": "mysql+pymysql", "asyncmy": "mysql+pymysql"}
"""Asynchronous drivers for which there is no other one of ours, and what to write instead."""

_FOREIGN_OPTIONS = frozenset(
    (
        # of asyncpg, and of SQLAlchemy's dialect for it
        "prepared_statement_cache_size", "prepared_statement_name_func", "statement_cache_size", "async_fallback",
        "command_timeout", "direct_tls",
        # of Prisma's and Supabase's clients
        "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "supa", "workaround",
    )
)  # fmt: skip
_SSL_MODES = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


def for_psycopg(query: str) -> str:
    """The options of a PostgreSQL URL (`a=b&c=d`) without those of others; asyncpg's `ssl` as libpq's `sslmode`."""
    options = [option.partition("=") for option in query.split("&") if option]
    named = {name for name, _, _ in options}
    kept: list[str] = []
    for name, equals, value in options:
        if name in _FOREIGN_OPTIONS or (name, value) == ("schema", "public"):
            continue
        if name == "ssl":
            if "sslmode" not in named:
                kept.append(f"sslmode={_SSL_MODES.get(value.lower(), value)}")
            continue
        kept.append(f"{name}{equals}{value}")
    return "&".join(kept)
