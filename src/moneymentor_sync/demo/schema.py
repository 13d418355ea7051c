"""The tables of MoneyMentor as DDL for SQLite and PostgreSQL: the columns that its public schema has.

Only shapes stand here; what fills them is in `people` and `database`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.builtin_sql_dialect import SqlDialect

# The nearest SQLite has: ids and JSON are text, booleans 0 and 1, times ISO text in UTC.
_SQLITE_TYPES = {
    "uuid": "TEXT",
    "varchar(255)": "VARCHAR(255)",
    "varchar(100)": "VARCHAR(100)",
    "text": "TEXT",
    "boolean": "BOOLEAN",
    "timestamptz": "TIMESTAMP",
    "date": "DATE",
    "integer": "INTEGER",
    "numeric": "NUMERIC",
    "jsonb": "TEXT",
}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its PostgreSQL type and, in `rule`, its constraints, written alike for both databases."""

    name: str
    type: str
    rule: str = ""

    def ddl(self, dialect: SqlDialect) -> str:
        type_name = self.type if dialect == "postgresql" else _SQLITE_TYPES[self.type]
        return f'"{self.name}" {type_name} {self.rule}'.rstrip()


def _columns(*lines: str) -> tuple[TableColumn, ...]:
    """Columns from lines such as `email varchar(255) NOT NULL UNIQUE`."""
    parts = (line.split(" ", 2) for line in lines)
    return tuple(TableColumn(part[0], part[1], part[2] if len(part) > 2 else "") for part in parts)


_ID = "id uuid PRIMARY KEY"
_CREATED, _UPDATED = "created_at timestamptz", "updated_at timestamptz"
_USER = "user_id text NOT NULL"  # text, where users.id is a uuid: so the application has it
_COURSE = "course_id uuid NOT NULL REFERENCES courses (id)"

TABLES: dict[str, tuple[TableColumn, ...]] = {
    "users": _columns(
        _ID,
        "email varchar(255) NOT NULL UNIQUE",
        "password_hash varchar(255) NOT NULL",
        "first_name varchar(100)",
        "last_name varchar(100)",
        "is_active boolean",
        "is_verified boolean",
        _CREATED,
        _UPDATED,
    ),
    "user_profiles": _columns(
        _ID,
        "user_id uuid UNIQUE NOT NULL REFERENCES users (id) ON DELETE CASCADE",
        "total_chats integer DEFAULT 0",
        "quizzes_taken integer DEFAULT 0",
        "day_streak integer DEFAULT 0",
        "days_active integer DEFAULT 0",
        "last_activity_date date",
        "streak_start_date date",
        _CREATED,
        _UPDATED,
        "course_statistics jsonb DEFAULT '[]'",
    ),
    "courses": _columns(
        _ID,
        "title text NOT NULL",
        "module text NOT NULL",
        "track text NOT NULL",
        "topic text",
        "course_level text",
        "estimated_length text",
        "learning_objectives jsonb",
        _CREATED,
    ),
    "course_pages": _columns(
        _ID,
        _COURSE,
        "page_index integer NOT NULL",
        "title text",
        "content text",
    ),
    "user_course_sessions": _columns(
        _ID,
        _USER,
        _COURSE,
        "current_page_index integer",
        "completed boolean",
        "started_at timestamptz",
        "completed_at timestamptz",
        _UPDATED,
    ),
    "quiz_responses": _columns(
        _ID,
        _USER,
        "timestamp timestamptz",
        "quiz_id text NOT NULL",
        "topic text",
        "selected text",
        "correct boolean",
        "quiz_type text DEFAULT 'micro'",
        "score numeric",
        _CREATED,
        "explanation text",
        "correct_answer text",
        "question_data jsonb",
        "session_id text",
        "course_id uuid",
        "page_index integer",
    ),
    "user_sessions": _columns(
        _ID,
        "session_id text NOT NULL",
        _USER,
        "chat_history jsonb",
        "quiz_history jsonb",
        "progress jsonb",
        _CREATED,
        _UPDATED,
    ),
    "chat_history": _columns(
        _ID, _USER, "message text NOT NULL", "role text NOT NULL", _CREATED, "session_id text"
    ),
}
"""Every table, in an order in which what is referred to comes first."""

_UNIQUE_PAIRS = {
    "course_pages": ("course_id", "page_index"),
    "user_course_sessions": ("user_id", "course_id"),
}


def create_schema_sql(dialect: SqlDialect, *, stored_statistics: bool = True) -> tuple[str, ...]:
    """One CREATE TABLE a table. Without `stored_statistics`, `user_profiles` is as it was before that column."""
    statements = []
    for table, columns in TABLES.items():
        parts = [
            column.ddl(dialect) for column in columns if stored_statistics or column.name != "course_statistics"
        ]
        if table in _UNIQUE_PAIRS:
            parts.append(f"UNIQUE ({', '.join(_UNIQUE_PAIRS[table])})")
        statements.append(f"CREATE TABLE {table} (\n  " + ",\n  ".join(parts) + "\n)")
    return tuple(statements)
