"""The data of the soak: three tables whose every row follows from its key and a revision, so that a row in the
spreadsheet that is not whole gives itself away without a look into the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from moneymentor_sync.core.builtin_sql import BUILTIN_COLUMNS, builtin_sql
from moneymentor_sync.sandbox.cells import Value
from tests.moneymentor import SCHEMA

CANARY = "kanari"
"""In every text of every table: where it is found in a log, a value has got out."""

Cells = Mapping[str, Value]
"""A row of the spreadsheet: managed cells by header."""


@dataclass(frozen=True)
class Table:
    """One dataset. `query` gives what its tab must hold; `whole` tells a row of one revision from a mixture."""

    dataset: str
    tab: str
    key: str
    headers: tuple[str, ...]
    source: str
    key_column: str
    query: str
    whole: Callable[[Cells], bool]


def _entry(cells: Cells) -> bool:
    key, revision = cells["id"], cells["revision"]
    if type(key) is not int or type(revision) is not int:
        return False
    comment = None if revision % 3 == 0 else f"={CANARY}({key},{revision})"
    return (
        cells["label"] == f"{CANARY}-{key}-{revision}"
        and cells["amount"] == key * 10 + revision
        and cells["share"] == revision / 8
        and cells["done"] is (revision % 2 == 0)
        and cells["comment"] == comment
    )


def _label(cells: Cells) -> bool:
    key, revision = cells["code"], cells["revision"]
    if type(key) is not str or type(revision) is not int:
        return False
    return cells["value"] == f"{key}/{revision}" and cells["flag"] is (None if revision % 2 else True)


def _profile(cells: Cells) -> bool:
    revision = cells["total_chats"]
    if type(revision) is not int:
        return False
    name = None if revision % 5 == 0 else f"{CANARY}.{revision}"
    return (
        cells["email"] == f"{CANARY}.{cells['user_id']}@example.org"
        and cells["last_name"] == name
        and cells["quizzes_taken"] == 2 * revision
        and cells["day_streak"] == revision % 7
        and cells["days_active"] == revision % 90
        and str(cells["course_details"]).startswith(f"{CANARY} {revision}:")
    )


_ENTRIES = ("id", "revision", "label", "amount", "share", "done", "day", "comment")
_LABELS = ("code", "revision", "value", "flag")


def _own(dataset: str, tab: str, headers: tuple[str, ...], whole: Callable[[Cells], bool]) -> Table:
    """A table of the soak's own, its key first, synced as it is."""
    query = f"SELECT {', '.join(headers)} FROM {dataset}"
    return Table(dataset, tab, headers[0], headers, dataset, headers[0], query, whole)


_PROFILES = Table(
    dataset="user_profiles",
    tab="UserProfiles",
    key="user_id",
    headers=tuple(column.name for column in BUILTIN_COLUMNS["user_profiles"]),
    source="user_profiles",
    key_column="user_id",
    query=builtin_sql("user_profiles", "postgresql", stored_statistics=True),
    whole=_profile,
)
ENTRIES = _own("entries", "Entries", _ENTRIES, _entry)
LABELS = _own("labels", "Labels", _LABELS, _label)
TABLES = (_PROFILES, ENTRIES, LABELS)

DDL = (
    *SCHEMA,
    f"""CREATE TABLE entries (
        id int PRIMARY KEY, revision int NOT NULL,
        label text GENERATED ALWAYS AS ('{CANARY}-' || id::text || '-' || revision::text) STORED,
        amount int GENERATED ALWAYS AS (id * 10 + revision) STORED,
        share numeric GENERATED ALWAYS AS (revision / 8.0) STORED,
        done boolean GENERATED ALWAYS AS (revision % 2 = 0) STORED,
        day date GENERATED ALWAYS AS (date '1890-01-01' + revision * 97) STORED,
        comment text GENERATED ALWAYS AS (CASE WHEN revision % 3 > 0
            THEN '={CANARY}(' || id::text || ',' || revision::text || ')' END) STORED)""",
    """CREATE TABLE labels (
        code text PRIMARY KEY, revision int NOT NULL,
        value text GENERATED ALWAYS AS (code || '/' || revision::text) STORED,
        flag boolean GENERATED ALWAYS AS (CASE WHEN revision % 2 = 0 THEN true END) STORED)""",
)


def profile_sql(revision: str) -> str:
    """What is set in `user_profiles` for a revision, an SQL expression; `%` is doubled for a driver."""
    return (
        f"total_chats = {revision}, quizzes_taken = 2 * ({revision}), day_streak = ({revision}) %% 7,"
        f" days_active = ({revision}) %% 90, course_statistics = jsonb_build_array(jsonb_build_object("
        f"'course_name', '{CANARY} ' || ({revision}), 'total_questions_taken', {revision},"
        f" 'score', ({revision}) %% 101, 'tabs_completed', 1, 'level', 'medium'))"
    )


CODES = ("{}", "'{}", "={}", "+{}", "007{}", "{} 1/2", "é{}", "\u200f{}", "TRUE {}", "{}\u2028x", "🙂{}")
"""What a text key looks like; the spreadsheet must take each for the text that it is."""


def code(number: int) -> str:
    """The key of label `number`."""
    return CODES[number % len(CODES)].format(f"{CANARY}{number}")
