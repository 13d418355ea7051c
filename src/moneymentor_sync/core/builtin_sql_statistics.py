"""SQL for what is calculated from the quiz responses: course names, scores, levels, last activity.

Text only. CTEs by name, in an order in which what is used comes first; `builtin_sql` puts them together.
"""

# ruff: noqa: S608 - SQL is put together here from constants of this package only, never from input

from __future__ import annotations

from .builtin_sql_dialect import SqlDialect, bytewise, id_text

COURSE_STATISTICS = """\
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
    lowered = f"lower({bytewise('a.topic', dialect)})" if dialect == "postgresql" else "lower(a.topic)"
    exact = [f"WHEN a.topic = '{topic}' THEN '{name}'" for topic, name in _EXACT_TOPICS.items()]
    words = [
        "WHEN " + " OR ".join(f"{lowered} LIKE '%{word}%'" for word in group) + f" THEN '{name}'"
        for group, name in _TOPIC_WORDS
    ]
    return "CASE " + " ".join([*exact, *words]) + f" ELSE '{_OTHER_TOPIC}' END"


def statistics_ctes(dialect: SqlDialect) -> dict[str, str]:
    """CTEs down to `statistics`: user_id, course_name, total, score, level, last_activity, pages, name_order."""
    times = ", ".join(_time(dialect, column) for column in ('"timestamp"', "created_at"))
    return {
        "answers": f"""
  SELECT {id_text("user_id")} AS user_id, {id_text("course_id")} AS course_id, topic,
    count(*) AS total, count(CASE WHEN correct THEN 1 END) AS correct, max(coalesce({times})) AS last_at
  FROM quiz_responses WHERE user_id IS NOT NULL GROUP BY 1, 2, 3""",
        "titles": f"SELECT {id_text('id')} AS course_id, title FROM courses",
        # Their pairs are unique but for the case of the ids; by windows, since GROUP BY misleads the planner.
        "sessions": f"""
  SELECT user_id, course_id, last_at, pages
  FROM (
    SELECT user_id, course_id, max(last_at) OVER pair AS last_at, max(pages) OVER pair AS pages,
      row_number() OVER (PARTITION BY user_id, course_id) AS number
    FROM (
      SELECT {id_text("user_id")} AS user_id, {id_text("course_id")} AS course_id,
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
    {bytewise("course_name", dialect)} AS name_order
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
