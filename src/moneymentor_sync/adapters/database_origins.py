"""Which table's column each column of a result is, by PostgreSQL's own word: it says so with every result.

libpq has it as PQftable and PQftablecol; a computed column has neither, and one that comes through a view is the
view's. Nothing of the query is understood here. https://www.postgresql.org/docs/current/libpq-exec.html
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from ..core.ports import Origin

_NAMES = text(
    "SELECT attrelid::bigint, attnum, attrelid::pg_catalog.regclass::text, attname FROM pg_catalog.pg_attribute"
    " WHERE attrelid = ANY(CAST(:tables AS pg_catalog.oid[]))"
)


class Origins:
    """Names, asked for once: a table that is given another one needs another query, too."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Origin] = {}

    def of(self, connection: Connection, cursor: Any) -> tuple[Origin | None, ...]:
        """By the columns of the cursor's result, which is being read; () where that does not say.

        A look-up that fails is no failure of the reading: then it is not known.
        """
        result = getattr(cursor, "pgresult", None)  # psycopg 3's
        if result is None:
            return ()
        places = [(result.ftable(i), result.ftablecol(i)) for i in range(result.nfields)]
        unknown = sorted({table for table, number in places if table and (table, number) not in self._known})
        if unknown:
            self._ask(connection, unknown)
        return tuple(self._known.get(place) for place in places)

    def _ask(self, connection: Connection, tables: list[int]) -> None:
        savepoint = connection.begin_nested()
        try:
            for table, number, name, column in connection.execute(_NAMES, {"tables": tables}):
                self._known[table, number] = (name, column)
        except SQLAlchemyError:
            savepoint.rollback()
        else:
            savepoint.commit()
