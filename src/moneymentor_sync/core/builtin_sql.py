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

from typing import Literal

from .ports import SourceColumn

BuiltinName = Literal["user_profiles", "course_statistics"]
SqlDialect = Literal["sqlite", "postgresql"]

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
        return _with(_PEOPLE | _calculated(dialect), _COURSE_STATISTICS, dialect)
    elements = _stored_elements(dialect) if stored_statistics else _calculated_elements(dialect)
    return _with(_PEOPLE | elements | _details(dialect), _USER_PROFILES, dialect)


# How SQLite is kept from trying every pair in a join: it builds an index by itself, but only on a column (so
# what is joined on an expression is materialized first) and only where it does not take the inner side for
# small (it takes every GROUP BY for some hundred rows, so grouped results stand on the outer side).
_MATERIALIZED = frozenset({"people", "titles", "profiles", "sessions", "statistics"})


def _with(ctes: dict[str, str], select: str, dialect: SqlDialect) -> str:
    clauses = (
        f"{name} AS {'MATERIALIZED ' if name in _MATERIALIZED else ''}({body})" for name, body in ctes.items()
    )
    return "WITH " + ",\n".join(clauses) + "\n" + select.format(order=_bytewise("u.email", dialect))


def _id(expression: str) -> str:
    """An id as lower-case text: uuid in one table, text in another, in whatever case."""
    return f"lower(CAST({expression} AS text))"


def _bytewise(expression: str, dialect: SqlDialect) -> str:
    """Text that compares by its bytes, whatever the database's collation."""
    return f'{expression} COLLATE "C"' if dialect == "postgresql" else f"{expression} COLLATE BINARY"


_PEOPLE = {"people": f"SELECT {_id('id')} AS user_id, first_name, last_name, email FROM users"}


# --- calculated from the quiz responses -------------------------------------------------------------------

_COURSE_STATISTICS = """\
SELECT u.first_name, u.last_name, u.email, s.course_name, s.total AS total_questions_taken, s.score,
  s.level AS current_level, s.last_activity, u.user_id
FROM (
  SELECT user_id, course_name, total, score, level, coalesce(last_activity, 'N/A') AS last_activity, name_order
  FROM statistics
  UNION ALL
  SELECT user_id, 'No courses taken', 0, 0, 'N/A', 'N/A', NULL
  FROM (SELECT user_id FROM people EXCEPT SELECT user_id FROM statistics) AS idle
) AS s CROSS JOIN people AS u
WHERE u.user_id = s.user_id
ORDER BY {order}, s.name_order"""

# The first that fits wins; the words are looked for in the lower-cased topic.
_EXACT_TOPICS = {
    "money-goals-mindset": "Money, Goals and Mindset",
    "budgeting-saving": "Budgeting and Saving",
    "college-planning-saving": "College Planning and Saving",
    "earning-income-basics": "Earning and Income Basics",
}
_TOPIC_WORDS = (
    (("budget", "save", "expense", "income"), "Budgeting and Saving"),
    (("goal", "mindset", "financial"), "Money, Goals and Mindset"),
    (("invest", "stock", "bond", "portfolio"), "Investing Basics"),
    (("debt", "credit", "loan", "interest"), "Debt Management"),
    (("emergency", "safety"), "Emergency Fund"),
)
_OTHER_TOPIC = "General Financial Education"


def _topic_name(dialect: SqlDialect) -> str:
    """The course name of a response without a course, from `a.topic`."""
    # SQLite lowers ASCII only; "C" makes PostgreSQL do the same (the Kelvin sign is no k).
    lowered = f"lower({_bytewise('a.topic', dialect)})" if dialect == "postgresql" else "lower(a.topic)"
    exact = [f"WHEN a.topic = '{topic}' THEN '{name}'" for topic, name in _EXACT_TOPICS.items()]
    words = [
        "WHEN " + " OR ".join(f"{lowered} LIKE '%{word}%'" for word in group) + f" THEN '{name}'"
        for group, name in _TOPIC_WORDS
    ]
    return "CASE " + " ".join([*exact, *words]) + f" ELSE '{_OTHER_TOPIC}' END"


def _calculated(dialect: SqlDialect) -> dict[str, str]:
    """CTEs down to `statistics`: user_id, course_name, total, score, level, last_activity, pages, name_order."""
    times = ", ".join(_time(dialect, column) for column in ('"timestamp"', "created_at"))
    return {
        "answers": f"""
  SELECT {_id("user_id")} AS user_id, {_id("course_id")} AS course_id, topic,
    count(*) AS total, count(CASE WHEN correct THEN 1 END) AS correct, max(coalesce({times})) AS last_at
  FROM quiz_responses WHERE user_id IS NOT NULL GROUP BY 1, 2, 3""",
        "titles": f"SELECT {_id('id')} AS course_id, title FROM courses",
        # Their pairs are unique but for the case of the ids; by windows, since GROUP BY misleads the planner.
        "sessions": f"""
  SELECT user_id, course_id, last_at, pages
  FROM (
    SELECT user_id, course_id, max(last_at) OVER pair AS last_at, max(pages) OVER pair AS pages,
      row_number() OVER (PARTITION BY user_id, course_id) AS number
    FROM (
      SELECT {_id("user_id")} AS user_id, {_id("course_id")} AS course_id,
        {_time(dialect, "updated_at")} AS last_at, current_page_index AS pages
      FROM user_course_sessions
    ) AS opened
    WINDOW pair AS (PARTITION BY user_id, course_id)
  ) AS numbered WHERE number = 1""",
        "named": f"""
  SELECT a.user_id, coalesce(c.title, {_topic_name(dialect)}) AS course_name, a.total, a.correct,
    a.last_at AS answered_at, s.last_at AS opened_at, s.pages
  FROM answers AS a
  LEFT JOIN titles AS c ON c.course_id = a.course_id
  LEFT JOIN sessions AS s ON s.user_id = a.user_id AND s.course_id = a.course_id""",
        # 100 c / t rounded half up is (200 c + t) / (2 t) in whole numbers, whose division cuts off.
        "groups": """
  SELECT user_id, course_name, CAST(sum(total) AS bigint) AS total,
    CAST((200 * sum(correct) + sum(total)) AS bigint) / CAST(2 * sum(total) AS bigint) AS score,
    max(answered_at) AS answered_at, max(opened_at) AS opened_at, max(pages) AS pages
  FROM named GROUP BY user_id, course_name""",
        "statistics": f"""
  SELECT user_id, course_name, total, score, pages,
    CASE WHEN total < 3 THEN 'beginner'
      WHEN total < 8 THEN CASE WHEN score >= 80 THEN 'intermediate' ELSE 'beginner' END
      WHEN score >= 85 THEN 'advanced'
      WHEN score >= 70 THEN 'intermediate'
      ELSE 'beginner' END AS level,
    {_later(dialect, "answered_at", "opened_at")} AS last_activity,
    {_bytewise("course_name", dialect)} AS name_order
  FROM groups""",
    }


def _time(dialect: SqlDialect, column: str) -> str:
    """A time that sorts: PostgreSQL's own, SQLite's as ISO text in UTC."""
    return column if dialect == "postgresql" else _sqlite_utc(column)


def _later(dialect: SqlDialect, one: str, other: str) -> str:
    """The later of two times as ISO text in UTC; NULL counts as none."""
    if dialect == "postgresql":
        moment = f"greatest({one}, {other}) AT TIME ZONE 'UTC'"
        return f"""to_char({moment}, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    return f"coalesce(max({one}, {other}), {one}, {other})"


def _sqlite_utc(column: str) -> str:
    """SQLite's text time as `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`, which sorts; NULL for what is no time.

    SQLite reads zones but keeps only milliseconds, so it is given the seconds and the zone, and the fraction
    is put back. Zones as databases write them: `Z`, `+02:00`, `+0200`, `+02`.
    """
    zone = (
        f"CASE WHEN length({column}) < 20 THEN ''"
        f" WHEN {column} LIKE '%Z' THEN 'Z'"
        f" WHEN length({column}) < 22 THEN ''"
        f" WHEN substr({column}, -6, 1) IN ('+', '-') THEN substr({column}, -6)"
        f" WHEN substr({column}, -5, 1) IN ('+', '-')"
        f" THEN substr({column}, -5, 3) || ':' || substr({column}, -2)"
        f" WHEN substr({column}, -3, 1) IN ('+', '-') THEN substr({column}, -3) || ':00'"
        f" ELSE '' END"
    )
    # A number's text ends where the digits end, whatever zone follows; seven characters are `.ffffff`.
    fraction = (
        f"CASE WHEN substr({column}, 20, 1) = '.'"
        f" THEN substr(printf('%.6f', CAST(substr({column}, 20, 7) AS REAL)), 2) ELSE '.000000' END"
    )
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S', substr({column}, 1, 19) || {zone})"
    return f"{seconds} || {fraction} || '+00:00'"


# --- user profiles ----------------------------------------------------------------------------------------

_USER_PROFILES = """\
SELECT u.first_name, u.last_name, u.email, p.total_chats, p.quizzes_taken, p.day_streak, p.days_active,
  d.enrolled AS courses_enrolled, d.score AS total_course_score, d.completed AS courses_completed,
  d.details AS course_details, u.user_id
FROM details AS d CROSS JOIN profiles AS p CROSS JOIN people AS u
WHERE p.user_id = d.user_id AND u.user_id = d.user_id
ORDER BY {order}"""

_PROFILES = {
    "profiles": f"""
  SELECT {_id("user_id")} AS user_id, total_chats, quizzes_taken, day_streak, days_active
  FROM user_profiles"""
}

# One row an element: `position` orders a user's elements, `detail` is what people read of it.
_ELEMENT = """
  SELECT user_id, position, score, tabs,
    name || ': ' || {score} || '% (' || {tabs} || ' tabs, ' || {questions} || ' questions'
      || coalesce(', ' || level, '') || ')' AS detail
  FROM {source}"""


def _calculated_elements(dialect: SqlDialect) -> dict[str, str]:
    shown = {name: f"CAST({name} AS text)" for name in ("score", "tabs", "questions")}
    source = (
        "(SELECT user_id, name_order AS position, course_name AS name, score, coalesce(pages, 0) AS tabs,"
        " total AS questions, level FROM statistics) AS calculated"
    )
    elements = _ELEMENT.format(source=source, **shown)
    return _PROFILES | _calculated(dialect) | {"elements": elements}


def _stored_elements(dialect: SqlDialect) -> dict[str, str]:
    show = _postgresql_shown if dialect == "postgresql" else _sqlite_shown
    shown = {name: show(name) for name in ("score", "tabs", "questions")}
    items = _POSTGRESQL_ITEMS if dialect == "postgresql" else _SQLITE_ITEMS
    return _PROFILES | {"items": items, "elements": _ELEMENT.format(source="items", **shown)}


def _details(dialect: SqlDialect) -> dict[str, str]:
    """The elements of each profile in one row, also where there are none.

    By windows, since SQLite's aggregates promise no order before 3.44.
    """
    concat = "string_agg" if dialect == "postgresql" else "group_concat"
    total = "coalesce(round(sum(CAST(score AS numeric)) OVER whole, 6), 0)"
    return {
        "details": f"""
  SELECT user_id, enrolled, score, completed, details
  FROM (
    SELECT user_id,
      row_number() OVER (PARTITION BY user_id ORDER BY position) AS number,
      count(detail) OVER whole AS enrolled,
      CAST({total} AS double precision) AS score,
      count(CASE WHEN tabs > 0 THEN 1 END) OVER whole AS completed,
      coalesce({concat}(detail, ' | ') OVER whole, '') AS details
    FROM (
      SELECT user_id, position, score, tabs, detail FROM elements
      UNION ALL
      SELECT user_id, NULL, NULL, NULL, NULL FROM profiles
    ) AS listed
    WINDOW whole AS (
      PARTITION BY user_id ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  ) AS numbered WHERE number = 1"""
    }


# --- the stored list: an element's numbers are JSON numbers, or texts of up to 40 characters that read as one;
# --- a magnitude of 10^9 and more is no count and no per cent, so it counts as malformed, too

_BOUND = 1_000_000_000


def _postgresql_shown(column: str) -> str:
    return f"CAST(trim_scale({column}) AS text)"


def _sqlite_shown(column: str) -> str:
    return f"rtrim(rtrim(printf('%.6f', {column}), '0'), '.')"


def _postgresql_number(field: str) -> str:
    text = f"item ->> '{field}'"
    pattern = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
    number = (
        f"CAST(CASE jsonb_typeof(item -> '{field}') WHEN 'number' THEN {text}"
        f" WHEN 'string' THEN CASE WHEN length({text}) <= 40 AND {text} ~ '{pattern}' THEN {text} END"
        f" END AS numeric)"
    )
    return f"CASE WHEN abs({number}) < {_BOUND} THEN round({number}, 6) ELSE 0 END"


def _postgresql_text(field: str) -> str:
    return f"CASE jsonb_typeof(item -> '{field}') WHEN 'string' THEN nullif(item ->> '{field}', '') END"


def _sqlite_number(field: str) -> str:
    value = f"json_extract(item, '$.{field}')"
    # `json_type` fails on what is no JSON, and only CASE promises not to look at the other branch.
    is_number = f"CASE WHEN json_valid({value}) THEN json_type({value}) END IN ('integer', 'real')"
    number = (
        f"CASE json_type(item, '$.{field}') WHEN 'integer' THEN {value} WHEN 'real' THEN {value}"
        f" WHEN 'text' THEN CASE WHEN length({value}) <= 40 AND {value} NOT GLOB '*[^0-9.-]*' AND {is_number}"
        f" THEN CAST({value} AS REAL) END END"
    )
    return f"CASE WHEN {number} > -{_BOUND} AND {number} < {_BOUND} THEN round({number}, 6) ELSE 0 END"


def _sqlite_text(field: str) -> str:
    return (
        f"CASE json_type(item, '$.{field}') WHEN 'text' THEN nullif(json_extract(item, '$.{field}'), '') END"
    )


_UNKNOWN_COURSE = "Unknown course"

_POSTGRESQL_ITEMS = f"""
  SELECT user_id, position,
    coalesce({_postgresql_text("course_name")}, '{_UNKNOWN_COURSE}') AS name,
    {_postgresql_number("score")} AS score,
    {_postgresql_number("tabs_completed")} AS tabs,
    {_postgresql_number("total_questions_taken")} AS questions,
    {_postgresql_text("level")} AS level
  FROM (
    SELECT {_id("p.user_id")} AS user_id, CAST(p.course_statistics AS jsonb) AS list FROM user_profiles AS p
  ) AS stored
  CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(list) WHEN 'array' THEN list ELSE CAST('[]' AS jsonb) END
  ) WITH ORDINALITY AS e(item, position)"""

_SQLITE_ITEMS = f"""
  SELECT user_id, position,
    coalesce({_sqlite_text("course_name")}, '{_UNKNOWN_COURSE}') AS name,
    {_sqlite_number("score")} AS score,
    {_sqlite_number("tabs_completed")} AS tabs,
    {_sqlite_number("total_questions_taken")} AS questions,
    {_sqlite_text("level")} AS level
  FROM (
    SELECT {_id("p.user_id")} AS user_id, e.key AS position,
      CASE e.type WHEN 'object' THEN e.value ELSE 'null' END AS item
    FROM user_profiles AS p, json_each(
      CASE WHEN json_valid(p.course_statistics) THEN
        CASE json_type(p.course_statistics) WHEN 'array' THEN p.course_statistics ELSE '[]' END
      ELSE '[]' END) AS e
  ) AS stored"""
