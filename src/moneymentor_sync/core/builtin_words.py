"""What each column of the two built-in datasets is, in a few words for readers of the sheet."""

from __future__ import annotations

from collections.abc import Mapping

from .config_builtin import BuiltinName

_PERSON = {
    "first_name": "first_name of users",
    "last_name": "last_name of users",
    "email": "email of users",
    "user_id": "id of users",
}
_LIST = "from course_statistics of user_profiles or, where there is no such list, from quiz_responses"

BUILTIN_WORDS: Mapping[BuiltinName, Mapping[str, str]] = {
    "user_profiles": {
        **_PERSON,
        "total_chats": "total_chats of user_profiles",
        "quizzes_taken": "quizzes_taken of user_profiles",
        "day_streak": "day_streak of user_profiles",
        "days_active": "days_active of user_profiles",
        "courses_enrolled": f"Number of the user's courses, {_LIST}",
        "total_course_score": f"Sum of the scores of the user's courses, {_LIST}",
        "courses_completed": f"Number of the user's courses with at least one completed tab, {_LIST}",
        "course_details": f"The user's courses, each with score, tabs, questions and level, {_LIST}",
    },
    "course_statistics": {
        **_PERSON,
        "course_name": "title of courses, by the course of the quiz responses; without one, told from their topic",
        "total_questions_taken": "Number of the user's quiz_responses in this course",
        "score": "100 × correct ÷ total responses, rounded half up",
        "current_level": "Told from questions and score: from 3 questions on intermediate at 80 %, from 8 on "
        "intermediate at 70 % and advanced at 85 %, else beginner",
        "last_activity": "The latest of the quiz responses' timestamp (or created_at) and of updated_at of the "
        "user's sessions of this course",
    },
}
"""By dataset and column of its statement."""
