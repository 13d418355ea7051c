"""A MoneyMentor database in a SQLite file, made from a seed, and the small changes of a day in its life.

Opens files and writes to them; everything that is decided at random is decided in `rows`.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from .rows import Answer, courses_of, new_id, new_person, sample_rows, seeded
from .schema import TABLES, create_schema_sql

DEFAULT_SEED = 7
DEFAULT_AS_OF = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that `mutate` did, with one line for people to read."""

    kind: Literal["sign-up", "answers", "e-mail", "deletion"]
    text: str


def create_sample(
    path: Path,
    *,
    users: int = 3000,
    seed: int = DEFAULT_SEED,
    as_of: datetime = DEFAULT_AS_OF,
    stored_statistics: bool = True,
) -> None:
    """Makes the database file, in WAL mode, so that whoever reads it is not blocked by whoever writes.

    The same arguments give the same content. `as_of` (aware) is the sample's present: no time in it is later.
    `stored_statistics=False` leaves out the later column `user_profiles.course_statistics`.
    Raises FileExistsError.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    with _open(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        for statement in create_schema_sql("sqlite", stored_statistics=stored_statistics):
            connection.execute(statement)
        for table, rows in sample_rows(users, seed, as_of).items():
            # The column in question is the last one of its table.
            width = len(TABLES[table]) - (table == "user_profiles" and not stored_statistics)
            insert_rows(connection, table, [row[:width] for row in rows])
        connection.execute("COMMIT")


def insert_rows(connection: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Inserts rows of Python values, columns in the table's order."""
    marks = ", ".join("?" * len(rows[0]))
    statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - a table of `schema`, no input
    connection.executemany(statement, (tuple(map(sqlite_value, row)) for row in rows))


def sqlite_value(value: Any) -> Any:
    """A Python value as the sample keeps it in SQLite: times as text in UTC without a zone."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


def mutate(
    path: Path, *, step: int, seed: int = DEFAULT_SEED, as_of: datetime = DEFAULT_AS_OF
) -> tuple[Change, ...]:
    """Some changes such as users make, in one transaction; the same step on the same content does the same.

    Steps count from 1, a minute apart after `as_of`. Every step brings quiz answers, every third a sign-up,
    every fourth a changed e-mail, every seventh somebody who leaves.
    """
    with _open(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        day = _Day(connection, seeded(seed, "step", step), seed, step, as_of + step * _STEP)
        changes = [day.answers() for _ in range(day.rng.randint(1, 3))]
        if step % 3 == 0:
            changes.append(day.sign_up())
        if step % 4 == 0:
            changes.append(day.change_email())
        if step % 7 == 0:
            changes.append(day.leave())
        connection.execute("COMMIT")
    return tuple(changes)


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is closed at the end; what was not committed is rolled back by that."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30.0)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class _Day:
    connection: sqlite3.Connection
    rng: random.Random
    seed: int
    step: int
    now: datetime

    def answers(self) -> Change:
        user_id, email = self._somebody()
        course, count = self.rng.choice(courses_of(self.seed)), self.rng.randint(1, 4)
        rows = []
        for _ in range(count):
            correct = self.rng.random() < 0.7
            rows.append(Answer(user_id, course, course.topic, correct, self.now, self.now).row(self.rng))
        insert_rows(self.connection, "quiz_responses", rows)
        right = sum(1 for row in rows if row[6])
        self._count_in_profile(user_id, course.title, count, right)
        return Change("answers", f"{email} answered {count} in {course.title}, {right} of them right")

    def sign_up(self) -> Change:
        (highest,) = self.connection.execute("SELECT count(*) FROM users").fetchone()
        person = new_person(self.rng, 1_000_000 + highest + self.step)
        insert_rows(self.connection, "users", [person.row(self.now)])
        profile = (new_id(self.rng), person.id, 0, 0, 0, 1, self.now.date(), self.now.date())
        row = (*profile, self.now, self.now, "[]")
        insert_rows(self.connection, "user_profiles", [row if self._has_statistics() else row[:-1]])
        return Change("sign-up", f"{person.email} signed up")

    def change_email(self) -> Change:
        user_id, email = self._somebody()
        changed = f"new{self.step}.{email}"
        self.connection.execute(
            "UPDATE users SET email = ?, updated_at = ? WHERE id = ?",
            (changed, sqlite_value(self.now), user_id),
        )
        return Change("e-mail", f"{email} is now {changed}")

    def leave(self) -> Change:
        user_id, email = self._somebody()
        self.connection.execute("DELETE FROM users WHERE id = ?", (user_id,))  # the profile goes with it
        return Change("deletion", f"{email} left")

    def _somebody(self) -> tuple[str, str]:
        people = self.connection.execute("SELECT id, email FROM users ORDER BY id").fetchall()
        user_id, email = self.rng.choice(people)
        return user_id, email

    def _has_statistics(self) -> bool:
        columns = self.connection.execute("PRAGMA table_info(user_profiles)").fetchall()
        return any(column[1] == "course_statistics" for column in columns)

    def _count_in_profile(self, user_id: str, title: str, count: int, right: int) -> None:
        self.connection.execute(
            "UPDATE user_profiles SET quizzes_taken = quizzes_taken + ?, last_activity_date = ?,"
            " updated_at = ? WHERE user_id = ?",
            (count, self.now.date().isoformat(), sqlite_value(self.now), user_id),
        )
        if self._has_statistics():
            self._count_in_list(user_id, title, count, right)

    def _count_in_list(self, user_id: str, title: str, count: int, right: int) -> None:
        found = self.connection.execute(
            "SELECT course_statistics FROM user_profiles WHERE user_id = ?", (user_id,)
        ).fetchone()
        if found is None:
            return
        elements = json.loads(found[0] or "[]")
        for element in elements:
            if element["course_name"] == title:
                before = element["total_questions_taken"]
                known_right = element["score"] * before / 100
                element["total_questions_taken"] = before + count
                element["score"] = round(100 * (known_right + right) / (before + count))
                break
        else:
            score = round(100 * right / count)
            new = {"course_name": title, "total_questions_taken": count, "score": score}
            elements.append(new | {"tabs_completed": 0, "level": "easy"})
        self.connection.execute(
            "UPDATE user_profiles SET course_statistics = ? WHERE user_id = ?",
            (json.dumps(elements, ensure_ascii=False), user_id),
        )
