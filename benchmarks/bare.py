"""The least that a sync can do: SQLAlchemy goes through a query's rows once, streaming, and touches each.

python bare.py DATABASE_URL QUERY
"""

from __future__ import annotations

import sys

from sqlalchemy import Engine, create_engine, text

CHUNK_ROWS = 5_000


def bare_pass(engine: Engine, query: str) -> int:
    """As SQLAlchemy's documentation streams a large result; gives the number of values seen."""
    values = 0
    with engine.connect() as connection:
        streamed = connection.execution_options(stream_results=True, yield_per=CHUNK_ROWS)
        for row in streamed.execute(text(query)):
            values += len(row)
    return values


def main() -> None:
    url, query = sys.argv[1:]
    engine = create_engine(url)
    bare_pass(engine, query)
    engine.dispose()


if __name__ == "__main__":
    main()
