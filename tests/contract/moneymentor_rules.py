"""MoneyMentor's rules for its two tabs, written once more in plain Python: what the SQL is judged by.

Slow and simple on purpose, and sharing nothing with the SQL. Works on rows as `demo.rows` makes them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moneymentor_sync.demo.schema import TABLES

Tables = dict[str, list[tuple[Any, ...]]]
Record = dict[str, Any]


def records(tables: Tables, table: str) -> list[Record]:
    names = [column.name for column in TABLES[table]]
    return [dict(zip(names, row, strict=True)) for row in tables[table]]


def topic_name(topic: str | None) -> str:
    exact = {
        "money-goals-mindset": "Money, Goals and Mindset",
        "budgeting-saving": "Budgeting and Saving",
        "college-planning-saving": "College Planning and Saving",
        "earning-income-basics": "Earning and Income Basics",
    }
    if topic in exact:
        return exact[topic]
    lowered = (topic or "").lower()
    for words, name in (
        ("budget save expense income", "Budgeting and Saving"),
        ("goal mindset financial", "Money, Goals and Mindset"),
        ("invest stock bond portfolio", "Investing Basics"),
        ("debt credit loan interest", "Debt Management"),
        ("emergency safety", "Emergency Fund"),
    ):
        if any(word in lowered for word in words.split()):
            return name
    return "General Financial Education"


def level(total: int, score: int) -> str:
    if total < 3:
        return "beginner"
    if total < 8:
        return "intermediate" if score >= 80 else "beginner"
    if score >= 85:
        return "advanced"
    return "intermediate" if score >= 70 else "beginner"


@dataclass(frozen=True)
class Statistic:
    course: str
    total: int
    score: int
    level: str
    last: datetime | None
    pages: int


def statistics(tables: Tables) -> dict[str, list[Statistic]]:
    """Lower-case user id -> the statistics of that user, by course name."""
    titles = {course["id"].lower(): course["title"] for course in records(tables, "courses")}
    sessions: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for session in records(tables, "user_course_sessions"):
        sessions[session["user_id"].lower(), session["course_id"].lower()].append(session)
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for response in records(tables, "quiz_responses"):
        course_id = (response["course_id"] or "").lower()
        name = titles.get(course_id) or topic_name(response["topic"])
        groups[response["user_id"].lower(), name].append(response)
    found: dict[str, list[Statistic]] = defaultdict(list)
    for (user_id, name), group in sorted(groups.items(), key=lambda item: item[0][1].encode()):
        course_ids = {response["course_id"].lower() for response in group if response["course_id"]}
        opened = [session for course_id in course_ids for session in sessions[user_id, course_id]]
        found[user_id].append(_statistic(name, group, opened))
    return found


def _statistic(name: str, group: list[Record], opened: list[Record]) -> Statistic:
    total, correct = len(group), sum(1 for response in group if response["correct"])
    score = (200 * correct + total) // (2 * total)
    times = [response["timestamp"] or response["created_at"] for response in group]
    times += [session["updated_at"] for session in opened]
    pages = max((session["current_page_index"] or 0 for session in opened), default=0)
    last = max((moment for moment in times if moment), default=None)
    return Statistic(name, total, score, level(total, score), last, pages)


def iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else "N/A"


def people(tables: Tables) -> list[Record]:
    return sorted(records(tables, "users"), key=lambda user: user["email"].encode())


def course_statistics(tables: Tables) -> list[tuple[Any, ...]]:
    by_user, rows = statistics(tables), []
    for user in people(tables):
        who = (user["first_name"], user["last_name"], user["email"])
        user_id = user["id"].lower()
        rows += [
            (*who, one.course, one.total, one.score, one.level, iso(one.last), user_id)
            for one in by_user.get(user_id, [])
        ]
        if user_id not in by_user:
            rows.append((*who, "No courses taken", 0, 0, "N/A", "N/A", user_id))
    return rows


def user_profiles(tables: Tables, *, stored: bool) -> list[tuple[Any, ...]]:
    by_user = statistics(tables)
    profiles = {profile["user_id"].lower(): profile for profile in records(tables, "user_profiles")}
    rows = []
    for user in people(tables):
        user_id = user["id"].lower()
        if user_id not in profiles:
            continue
        profile = profiles[user_id]
        elements = _stored(profile) if stored else [_element(one) for one in by_user.get(user_id, [])]
        rows.append(
            (
                user["first_name"],
                user["last_name"],
                user["email"],
                *(profile[name] for name in ("total_chats", "quizzes_taken", "day_streak", "days_active")),
                len(elements),
                float(sum(element["score"] for element in elements)),
                sum(1 for element in elements if element["tabs_completed"] > 0),
                " | ".join(map(_detail, elements)),
                user_id,
            )
        )
    return rows


def _stored(profile: Record) -> list[Record]:
    return json.loads(profile["course_statistics"] or "[]")  # type: ignore[no-any-return]


def _element(one: Statistic) -> Record:
    numbers = {"total_questions_taken": one.total, "score": one.score, "tabs_completed": one.pages}
    return {"course_name": one.course, "level": one.level, **numbers}


def _detail(element: Record) -> str:
    counts = f"{element['tabs_completed']} tabs, {element['total_questions_taken']} questions"
    return f"{element['course_name']}: {element['score']}% ({counts}, {element['level']})"
