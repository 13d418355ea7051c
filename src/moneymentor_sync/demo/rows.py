"""The sample's rows, table by table, as Python values: the same for every database and every run of a seed.

Generated from one seeded generator and one date; no clock, no files.
"""

from __future__ import annotations

import json
import random
import unicodedata
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .people import ANSWERS, COURSES, FIRST_NAMES, LAST_NAMES, LOOSE_TOPICS, ODD_NAMES, QUESTIONS

Row = tuple[Any, ...]
Tables = dict[str, list[Row]]

PAGES = 8
"""Pages of each course."""


def seeded(*parts: object) -> random.Random:
    """A generator that gives the same numbers for the same parts, on every machine."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - sample data, no secret


def new_id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    first_name: str | None
    last_name: str | None
    email: str

    def row(self, created_at: datetime) -> Row:
        """The row of `users`; the hash is no hash, since nobody can sign in to a sample."""
        names = (self.first_name, self.last_name)
        return (self.id, self.email, "!", *names, True, True, created_at, created_at)


def new_person(rng: random.Random, number: int) -> Person:
    """Somebody; the number keeps the e-mail unique."""
    first, last = _name(rng, FIRST_NAMES), _name(rng, LAST_NAMES)
    plain = unicodedata.normalize("NFKD", f"{first or ''}{last or ''}").encode("ascii", "ignore").decode()
    local = "".join(char for char in plain.lower() if char.isalnum()) or "someone"
    return Person(new_id(rng), first, last, f"{local}.{number}@example.org")


def _name(rng: random.Random, names: tuple[str, ...]) -> str | None:
    chance = rng.random()
    if chance < 0.03:
        return None
    return rng.choice(ODD_NAMES) if chance < 0.05 else rng.choice(names)


@dataclass(frozen=True, slots=True)
class Course:
    id: str
    title: str
    topic: str


def courses_of(seed: int) -> tuple[Course, ...]:
    """The courses; their ids follow from the seed alone, so that later changes of a sample find them."""
    rng = seeded(seed, "courses")
    return tuple(Course(new_id(rng), title, topic) for title, _, _, topic in COURSES)


@dataclass(frozen=True, slots=True)
class Answer:
    """One quiz answer. `course` is None for one that belongs to no course of the sample."""

    user_id: str
    course: Course | None
    topic: str | None
    correct: bool | None
    answered_at: datetime | None
    created_at: datetime
    course_id: str | None = None

    def row(self, rng: random.Random) -> Row:
        """The row of `quiz_responses`."""
        selected, page = rng.choice("ABCD"), rng.randrange(PAGES)
        return (
            new_id(rng),
            self.user_id,
            self.answered_at,
            f"quiz-{rng.randrange(500):03d}",
            self.topic,
            selected,
            self.correct,
            "micro",
            None if self.correct is None else int(self.correct),
            self.created_at,
            None,
            selected if self.correct else rng.choice("ABCD"),
            json.dumps({"page": page}),
            new_id(rng),
            self.course.id if self.course else self.course_id,
            page,
        )


def sample_rows(users: int, seed: int, as_of: datetime) -> Tables:
    """All tables' rows, columns in the order of `schema.TABLES`. `as_of` (aware) is the sample's present."""
    builder = _Builder(seeded(seed), courses_of(seed), as_of)
    builder.add_courses()
    for number in range(users):
        builder.add_user(number)
    builder.add_vanished_users(max(1, users // 200))
    return dict(builder.tables)


@dataclass(slots=True)
class _Builder:
    rng: random.Random
    courses: tuple[Course, ...]
    as_of: datetime
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add_courses(self) -> None:
        created = self.as_of - timedelta(days=500)
        for course, (_, module, track, _) in zip(self.courses, COURSES, strict=True):
            goals = json.dumps([f"Understand {course.title}"])
            row = (course.id, course.title, module, track, course.topic, "easy", "20 min", goals, created)
            self.tables["courses"].append(row)
            for page in range(PAGES):
                text = f"{course.title}, page {page + 1}"
                self.tables["course_pages"].append((new_id(self.rng), course.id, page, text, text))

    def add_user(self, number: int) -> None:
        rng = self.rng
        person = new_person(rng, number)
        created = self._moment(self.as_of - timedelta(days=400), self.as_of - timedelta(days=1))
        self.tables["users"].append(person.row(created))
        answers = [] if rng.random() < 0.25 else self._answers(person.id, created)
        pages = self._sessions(person.id, answers, created)
        if rng.random() >= 0.04:
            self._profile(person.id, answers, pages, created)
        if rng.random() < 0.2:
            self._chat(person.id, created)

    def add_vanished_users(self, count: int) -> None:
        """Answers whose user is gone: the application deletes users, not what they answered."""
        for _ in range(count):
            self._answers(new_id(self.rng), self.as_of - timedelta(days=200))

    def _moment(self, start: datetime, end: datetime) -> datetime:
        span = max(1, int((end - start).total_seconds()))
        return start + timedelta(seconds=self.rng.randrange(span), microseconds=self.rng.randrange(1_000_000))

    def _answers(self, user_id: str, since: datetime) -> list[Answer]:
        skill = 0.3 + 0.7 * self.rng.random()
        answers = []
        for course in self.rng.sample(self.courses, self.rng.randint(1, 3)):
            count = self.rng.randint(1, 9)
            answers += [self._answer(user_id, course, skill, since) for _ in range(count)]
        self.tables["quiz_responses"] += (answer.row(self.rng) for answer in answers)
        return answers

    def _answer(self, user_id: str, course: Course, skill: float, since: datetime) -> Answer:
        rng = self.rng
        created = self._moment(since, self.as_of)
        correct = None if rng.random() < 0.02 else rng.random() < skill
        answered = None if rng.random() < 0.04 else created - timedelta(seconds=rng.randrange(5))
        shown_id = user_id.upper() if rng.random() < 0.01 else user_id
        if rng.random() < 0.1:  # a loose question, some of them of a course that is gone
            course_id = new_id(rng) if rng.random() < 0.2 else None
            return Answer(shown_id, None, rng.choice(LOOSE_TOPICS), correct, answered, created, course_id)
        return Answer(shown_id, course, course.topic, correct, answered, created)

    def _sessions(self, user_id: str, answers: list[Answer], since: datetime) -> dict[str, int]:
        """Course sessions for most of the courses answered in: course title -> page reached."""
        pages: dict[str, int] = {}
        for course in {answer.course.id: answer.course for answer in answers if answer.course}.values():
            if self.rng.random() < 0.2:
                continue
            page = pages[course.title] = self.rng.randrange(PAGES)
            done, touched = page == PAGES - 1, self._moment(since, self.as_of)
            row = (user_id, course.id, page, done, since, touched if done else None, touched)
            self.tables["user_course_sessions"].append((new_id(self.rng), *row))
        return pages

    def _profile(self, user_id: str, answers: list[Answer], pages: dict[str, int], created: datetime) -> None:
        rng = self.rng
        counts = (rng.randrange(40), len(answers), rng.randrange(30), rng.randrange(1, 90))
        last = max((answer.created_at for answer in answers), default=created)
        dates = (last.date(), (last - timedelta(days=counts[2])).date())
        stored = None if rng.random() < 0.01 else json.dumps(course_list(answers, pages), ensure_ascii=False)
        self.tables["user_profiles"].append((new_id(rng), user_id, *counts, *dates, created, last, stored))

    def _chat(self, user_id: str, created: datetime) -> None:
        rng = self.rng
        index, session = rng.randrange(len(QUESTIONS)), new_id(rng)
        talk = (("user", QUESTIONS[index]), ("assistant", ANSWERS[index]))
        for seconds, (role, message) in enumerate(talk):
            said = created + timedelta(seconds=seconds)
            self.tables["chat_history"].append((new_id(rng), user_id, message, role, said, session))
        history = json.dumps([{"role": role, "content": message} for role, message in talk])
        row = (new_id(rng), session, user_id, history, "[]", "{}", created, created)
        self.tables["user_sessions"].append(row)


def course_list(answers: list[Answer], pages: dict[str, int]) -> list[dict[str, object]]:
    """`user_profiles.course_statistics` as the application keeps it: one element a course answered in."""
    by_title: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.course:
            by_title[answer.course.title].append(answer)
    elements: list[dict[str, object]] = []
    for title, group in by_title.items():
        score = round(100 * sum(bool(answer.correct) for answer in group) / len(group))
        elements.append(
            {
                "course_name": title,
                "total_questions_taken": len(group),
                "score": score,
                "tabs_completed": pages.get(title, 0),
                "level": "hard" if score >= 85 else "medium" if score >= 60 else "easy",
            }
        )
    return elements
