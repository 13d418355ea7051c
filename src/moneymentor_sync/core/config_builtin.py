"""The two datasets that need no entry: MoneyMentor's user profiles and course statistics.

Their tabs, keys and columns; their SQL is the source's business. Columns are named as that SQL names them.
"""

from __future__ import annotations

from typing import Literal

from .settings import Column, Dataset

BuiltinName = Literal["user_profiles", "course_statistics"]

BUILTIN_NAMES: tuple[BuiltinName, ...] = ("user_profiles", "course_statistics")
"""In the order in which they are synced, before every other dataset."""

FORMER_TABS = ("QuizResponses", "EngagementLogs", "ChatLogs", "CourseProgress")
"""Tabs that MoneyMentor's own sync filled besides; `sync.toml.example` has a dataset for each, switched off."""

DATETIME_FORMAT = "yyyy-mm-dd hh:mm:ss"

# What changes from one version of a row to the next in texts that the query composes (builtin_sql_profiles.py);
# what is left of `course_details` are the courses' names. A level is one of the application's words.
_LEVEL = "(?:beginner|intermediate|advanced|easy|medium|hard)"
_VARYING_DETAIL = rf": -?[0-9.]+% \([0-9.]+ tabs, [0-9.]+ questions(?:, {_LEVEL})?\)(?: \| |$)"

# The row's identity is the user's id, which a change of name or e-mail leaves alone; people need not see it.
_USER_ID = Column("user_id", "user_id", hidden=True)


def builtin_dataset(name: BuiltinName) -> Dataset:
    """The built-in dataset as it is without an entry; the spreadsheet is still to be filled in."""
    return _user_profiles() if name == "user_profiles" else _course_statistics()


def _user_profiles() -> Dataset:
    names = (
        "first_name",
        "last_name",
        "email",
        "total_chats",
        "quizzes_taken",
        "day_streak",
        "days_active",
        "courses_enrolled",
        "total_course_score",
        "courses_completed",
    )
    details = Column("course_details", "course_details", varies=_VARYING_DETAIL)
    return Dataset(
        name="user_profiles",
        tab="UserProfiles",
        key=("user_id",),
        spreadsheet_id="",
        builtin="user_profiles",
        columns=(*(Column(name, name) for name in names), details, _USER_ID),
        match_on=("email",),
    )


def _course_statistics() -> Dataset:
    return Dataset(
        name="course_statistics",
        tab="course_statistics",
        key=("user_id", "course_name"),
        spreadsheet_id="",
        builtin="course_statistics",
        columns=(
            Column("first_name", "First Name"),
            Column("last_name", "Last Name"),
            Column("email", "Email"),
            Column("course_name", "Course Name"),
            Column("total_questions_taken", "Total Questions Taken"),
            Column("score", "Score (%)"),
            Column("current_level", "Current Level", varies=f"^{_LEVEL}$"),
            # A user without responses has N/A here: what is no time stays the text it is.
            Column("last_activity", "Last Activity", format=DATETIME_FORMAT, type="datetime"),
            _USER_ID,
        ),
        match_on=("email", "course_name"),
    )
