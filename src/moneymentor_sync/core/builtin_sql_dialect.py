"""The few expressions of the built-in SQL that every part of it needs, as each database spells them."""

from __future__ import annotations

from typing import Literal

SqlDialect = Literal["sqlite", "postgresql"]


def id_text(expression: str) -> str:
    """An id as lower-case text: uuid in one table, text in another, in whatever case."""
    return f"lower(CAST({expression} AS text))"


def bytewise(expression: str, dialect: SqlDialect) -> str:
    """Text that compares by its bytes, whatever the database's collation."""
    return f'{expression} COLLATE "C"' if dialect == "postgresql" else f"{expression} COLLATE BINARY"
