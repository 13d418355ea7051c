"""The SQL of the two built-in datasets: text in, text out, nothing is executed here.

Each dataset is one set-based statement, the same rows on SQLite and on PostgreSQL. What differs between the
two (JSON, times, exact numbers) stands in the small functions of each dialect; the rules of the application
(course names, levels, scores) stand once.

How it is fast: the responses are grouped first, by what stands in their rows; only the groups, a few a
user, meet the courses' titles, the sessions and the users.

Choices where the application leaves room, the same on both databases:

- Ids are compared without regard to case; the `user_id` given is in lower case.
- A level follows from the rounded score, the one that people see beside it.
- In a stored list, a number may also stand as text (`"85"`); anything else that is no number counts as 0. An
  element without a name is called `Unknown course`, one without a level shows none. What is no list is empty.
- Scores are summed to six decimals, so that binary fractions do not show.
- SQLite's times are text: without a zone they are UTC, and what cannot be read as a time is no time.
- `last_activity` is ISO text in UTC with six decimals, so that `N/A` can stand in the same SQL column.
- Rows are ordered by e-mail, byte by byte: the order in which a new tab is filled.
"""

# ruff: noqa: S608 - SQL is put together here from constants of this package only, never from input

from __future__ import annotations

from .builtin_sql_dialect import SqlDialect, bytewise, id_text
from .builtin_sql_profiles import USER_PROFILES, calculated_elements, details_cte, stored_elements
from .builtin_sql_statistics import COURSE_STATISTICS, statistics_ctes
from .config_builtin import BuiltinName
from .ports import SourceColumn

BUILTIN_COLUMNS: dict[BuiltinName, tuple[SourceColumn, ...]] = {
    "user_profiles": (
        SourceColumn("first_name", "text"),
        SourceColumn("last_name", "text"),
        SourceColumn("email", "text"),
        SourceColumn("total_chats", "number"),
        SourceColumn("quizzes_taken", "number"),
        SourceColumn("day_streak", "number"),
        SourceColumn("days_active", "number"),
        SourceColumn("courses_enrolled", "number"),
        SourceColumn("total_course_score", "number"),
        SourceColumn("courses_completed", "number"),
        SourceColumn("course_details", "text"),
        SourceColumn("user_id", "text"),
    ),
    "course_statistics": (
        SourceColumn("first_name", "text"),
        SourceColumn("last_name", "text"),
        SourceColumn("email", "text"),
        SourceColumn("course_name", "text"),
        SourceColumn("total_questions_taken", "number"),
        SourceColumn("score", "number"),
        SourceColumn("current_level", "text"),
        SourceColumn("last_activity", "datetime"),
        SourceColumn("user_id", "text"),
    ),
}
"""What each statement gives, in its order. A text in `last_activity` that is no time (`N/A`) is just text."""


def builtin_sql(name: BuiltinName, dialect: SqlDialect, *, stored_statistics: bool) -> str:
    """The statement of a built-in dataset; its columns are `BUILTIN_COLUMNS[name]`.

    `stored_statistics` says whether `user_profiles` has the column `course_statistics`; where it has not, the
    profile's last four columns are calculated from the quiz responses. The other dataset does not depend on
    it.
    """
    if name == "course_statistics":
        return _with(_PEOPLE | statistics_ctes(dialect), COURSE_STATISTICS, dialect)
    elements = stored_elements(dialect) if stored_statistics else calculated_elements(dialect)
    return _with(_PEOPLE | elements | details_cte(dialect), USER_PROFILES, dialect)


_PEOPLE = {"people": f"SELECT {id_text('id')} AS user_id, first_name, last_name, email FROM users"}

# How SQLite is kept from trying every pair in a join: it builds an index by itself, but only on a column (so
# what is joined on an expression is materialized first) and only where it does not take the inner side for
# small (it takes every GROUP BY for some hundred rows, so grouped results stand on the outer side).
_MATERIALIZED = frozenset({"people", "titles", "profiles", "sessions", "statistics"})


def _with(ctes: dict[str, str], select: str, dialect: SqlDialect) -> str:
    clauses = (
        f"{name} AS {'MATERIALIZED ' if name in _MATERIALIZED else ''}({body})" for name, body in ctes.items()
    )
    return "WITH " + ",\n".join(clauses) + "\n" + select.format(order=bytewise("u.email", dialect))
