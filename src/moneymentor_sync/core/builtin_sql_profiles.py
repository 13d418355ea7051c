"""SQL for the user profiles: their columns, and each user's courses in one row.

Text only. The courses come as elements: from the list that the profile stores, or calculated.
"""

# ruff: noqa: S608 - SQL is put together here from constants of this package only, never from input

from __future__ import annotations

from .builtin_sql_dialect import SqlDialect, id_text
from .builtin_sql_statistics import statistics_ctes

USER_PROFILES = """\
SELECT u.first_name, u.last_name, u.email, p.total_chats, p.quizzes_taken, p.day_streak, p.days_active,
  d.enrolled AS courses_enrolled, d.score AS total_course_score, d.completed AS courses_completed,
  d.details AS course_details, u.user_id
FROM details AS d CROSS JOIN profiles AS p CROSS JOIN people AS u
WHERE p.user_id = d.user_id AND u.user_id = d.user_id
ORDER BY {order}"""

_PROFILES = {
    "profiles": f"""
  SELECT {id_text("user_id")} AS user_id, total_chats, quizzes_taken, day_streak, days_active
  FROM user_profiles"""
}

# One row an element: `position` orders a user's elements, `detail` is what people read of it.
_ELEMENT = """
  SELECT user_id, position, score, tabs,
    name || ': ' || {score} || '% (' || {tabs} || ' tabs, ' || {questions} || ' questions'
      || coalesce(', ' || level, '') || ')' AS detail
  FROM {source}"""


def calculated_elements(dialect: SqlDialect) -> dict[str, str]:
    shown = {name: f"CAST({name} AS text)" for name in ("score", "tabs", "questions")}
    source = (
        "(SELECT user_id, name_order AS position, course_name AS name, score, coalesce(pages, 0) AS tabs,"
        " total AS questions, level FROM statistics) AS calculated"
    )
    elements = _ELEMENT.format(source=source, **shown)
    return _PROFILES | statistics_ctes(dialect) | {"elements": elements}


def stored_elements(dialect: SqlDialect) -> dict[str, str]:
    show = _postgresql_shown if dialect == "postgresql" else _sqlite_shown
    shown = {name: show(name) for name in ("score", "tabs", "questions")}
    items = _POSTGRESQL_ITEMS if dialect == "postgresql" else _SQLITE_ITEMS
    return _PROFILES | {"items": items, "elements": _ELEMENT.format(source="items", **shown)}


def details_cte(dialect: SqlDialect) -> dict[str, str]:
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
    return f"CASE json_type(item, '$.{field}') WHEN 'text' THEN nullif(json_extract(item, '$.{field}'), '') END"


_UNKNOWN_COURSE = "Unknown course"

_POSTGRESQL_ITEMS = f"""
  SELECT user_id, position,
    coalesce({_postgresql_text("course_name")}, '{_UNKNOWN_COURSE}') AS name,
    {_postgresql_number("score")} AS score,
    {_postgresql_number("tabs_completed")} AS tabs,
    {_postgresql_number("total_questions_taken")} AS questions,
    {_postgresql_text("level")} AS level
  FROM (
    SELECT {id_text("p.user_id")} AS user_id, CAST(p.course_statistics AS jsonb) AS list FROM user_profiles AS p
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
    SELECT {id_text("p.user_id")} AS user_id, e.key AS position,
      CASE e.type WHEN 'object' THEN e.value ELSE 'null' END AS item
    FROM user_profiles AS p, json_each(
      CASE WHEN json_valid(p.course_statistics) THEN
        CASE json_type(p.course_statistics) WHEN 'array' THEN p.course_statistics ELSE '[]' END
      ELSE '[]' END) AS e
  ) AS stored"""
