"""MoneyMentor's tables on PostgreSQL, filled by the database itself: a hundred thousand users take seconds."""

from __future__ import annotations

from moneymentor_sync.demo.schema import create_schema_sql

SCHEMA = create_schema_sql("postgresql")
_USERS = """
INSERT INTO users (id, email, password_hash, first_name, last_name, is_active, is_verified, created_at, updated_at)
SELECT gen_random_uuid(), 'user' || n || '@example.org', '!', 'First' || n, 'Last' || n, true, true, now(), now()
FROM generate_series(1, {users}) n
"""
_PROFILES = """
INSERT INTO user_profiles (id, user_id, total_chats, quizzes_taken, day_streak, days_active, last_activity_date,
    streak_start_date, created_at, updated_at, course_statistics)
SELECT gen_random_uuid(), id, n % 50, n % 20, n % 7, n % 90, current_date, current_date, now(), now(),
    jsonb_build_array(jsonb_build_object('course_name', 'Budgeting and Saving', 'total_questions_taken', n % 30,
    'score', n % 101, 'tabs_completed', n % 9, 'level', 'medium'))
FROM (SELECT id, row_number() OVER (ORDER BY email) AS n FROM users) u
"""
_RESPONSES = """
INSERT INTO quiz_responses (id, user_id, timestamp, quiz_id, topic, correct, created_at)
SELECT gen_random_uuid(), cast(id AS text), now(), 'quiz', 'budgeting-saving', k % 3 > 0, now()
FROM users, generate_series(1, {answers}) k
"""


def fill_sql(users: int, answers: int) -> tuple[str, ...]:
    """Statements that add so many users, `user1@example.org` and on, with profiles and some answers each."""
    return _USERS.format(users=users), _PROFILES, _RESPONSES.format(answers=answers)
