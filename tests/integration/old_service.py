"""A spreadsheet as the sync inside the web process left it: text everywhere, users twice, and no key column.

It wrote `RAW` strings, so that numbers, booleans and times are text; "incremental" runs appended users who had
changed as new rows; a time-out after an append left rows twice; `LIMIT` left users out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.core.config_builtin import BuiltinName, builtin_dataset
from moneymentor_sync.core.settings import DatabaseSettings
from moneymentor_sync.sandbox.person import Person

PROFILES, STATISTICS = "UserProfiles", "course_statistics"
LOGS: dict[str, str] = {
    "QuizResponses": "user_id,timestamp,quiz_id,topic_tag,selected_option,correct,session_id",
    "EngagementLogs": "user_id,session_id,messages_per_session,session_duration,quizzes_attempted,"
    "pretest_completed,last_activity,confidence_rating",
    "ChatLogs": "user_id,session_id,timestamp,message_type,message,response",
    "CourseProgress": "user_id,session_id,course_id,course_name,page_number,total_pages,completed,timestamp",
}
LOG_ROWS = {
    "QuizResponses": ["u1", "2025-11-02T10:15:00", "q1", "budgeting-saving", "B", "true", "s1"],
    "EngagementLogs": ["u1", "s1", "12", "340", "2", "false", "2025-11-02 10:15:00", "4"],
    "ChatLogs": ["u1", "s1", "2025-11-02T10:15:00", "user", "How do I save?", ""],
    "CourseProgress": ["u1", "s1", "c1", "Budgeting and Saving", "3", "10", "false", "2025-11-02 10:15:00"],
}

Row = list[str]


def old_text(value: Any) -> str:
    """A value as the old service turned it into text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def rows_of(database: Path, name: BuiltinName) -> list[Row]:
    """What the database has for a built-in dataset, as the old service would have written it: without the id."""
    dataset = builtin_dataset(name)
    with DatabaseSource(DatabaseSettings(f"sqlite:///{database}")).snapshot() as snapshot:
        stream = snapshot.read(dataset)
        names = [column.name for column in stream.columns]
        wanted = [names.index(c.name) for c in dataset.columns if not c.hidden]
        return [[old_text(row[i]) for i in wanted] for chunk in stream.chunks() for row in chunk]


def headers_of(name: BuiltinName) -> Row:
    return [column.header for column in builtin_dataset(name).columns if not column.hidden]


@dataclass(frozen=True, slots=True)
class OldService:
    """The old service's hand in one spreadsheet."""

    person: Person

    def fill(self, tab: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Makes the tab with a header, and appends rows to it."""
        self.person.add_tab(tab)
        self.append(tab, [list(header), *rows])

    def append(self, tab: str, rows: Sequence[Sequence[str]]) -> None:
        """Rows at the end, every cell as text: what `values.append` does with `RAW` strings."""
        cells = [{"values": [{"userEnteredValue": {"stringValue": c}} if c else {} for c in row]} for row in rows]
        sheet = self.person._tab(tab).sheet_id  # the tab's id, which the API wants
        self.person.request({"appendCells": {"sheetId": sheet, "rows": cells, "fields": "userEnteredValue"}})

    def fill_logs(self) -> None:
        """The four tabs that are no longer built in, and two of people's own: eight with the built-in ones."""
        for tab, header in LOGS.items():
            self.fill(tab, header.split(","), [LOG_ROWS[tab], LOG_ROWS[tab]])
        for tab in ("Dashboard", "Team notes"):
            self.person.add_tab(tab)
            self.person.type(tab, 0, 0, "ours")
