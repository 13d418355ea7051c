"""The commented sync.toml that `mmsync init` writes: what most people set, each with a word on what it does.

Text only; every other option is in sync.toml.example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .settings import SyncSettings

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What goes into the file. None leaves a setting to the environment: its line is commented out."""

    database_url: str | None = None
    spreadsheet_id: str | None = None
    credentials_file: str | None = None
    interval_seconds: float = SyncSettings().interval_seconds
    system_service: bool = False
    """Whether the file is the system service's, whose secrets are in files of their own."""


def render_config(answers: Answers) -> str:
    """A sync.toml that gives the same values when it is parsed."""
    interval = answers.interval_seconds
    return _TEMPLATE.format(
        service=_SERVICE if answers.system_service else "",
        database=_line("url", answers.database_url, "postgresql://user:password@localhost/moneymentor"),
        spreadsheet=_line(
            "spreadsheet_id", answers.spreadsheet_id, "https://docs.google.com/spreadsheets/d/…/edit"
        ),
        credentials=_line("credentials_file", answers.credentials_file, "service-account.json"),
        interval=int(interval) if interval == int(interval) else repr(interval),
    )


def _line(key: str, value: str | None, example: str) -> str:
    return f"# {key} = {toml_string(example)}" if value is None else f"{key} = {toml_string(value)}"


def toml_string(value: str) -> str:
    """A TOML basic string: https://toml.io/en/v1.0.0#string. Raises UnicodeEncodeError for lone surrogates."""
    value.encode()

    def escape(match: re.Match[str]) -> str:
        return _SHORT.get(match[0], f"\\u{ord(match[0]):04x}")

    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', escape, value) + '"'


_SERVICE = """
# This is the system service's. It gets the database's URL and the key from root's own files beside this one,
# database_url and service-account.json; operators may read this one. The places are the unit's.

[state]
path = "/var/lib/mmsync/state.db"

[control]
socket = "/run/mmsync/control.sock"
"""

_TEMPLATE = """\
# Configuration of mmsync, which keeps a Google spreadsheet equal to a database.
# Try it with `mmsync check`, see what it would do with `mmsync plan`, do it with `mmsync sync`.
# Variables of the environment, and of a file .env beside this one, go before what is written here.
{service}
[database]
# Any SQLAlchemy URL; only read, never written. The environment's name for it is DATABASE_URL.
{database}

[google]
# The spreadsheet's id, or its address as the browser shows it (GOOGLE_SHEET_ID). Share the spreadsheet
# with the service account's e-mail address, as an editor.
{spreadsheet}
# The service account's key, a JSON file (GOOGLE_APPLICATION_CREDENTIALS). A relative path starts here.
{credentials}

[sync]
# Seconds from one sync to the next.
interval_seconds = {interval}
# The two built-in datasets of a MoneyMentor database, one tab each: UserProfiles and course_statistics. With any
# other database say false, and name datasets of your own below.
enable_user_profiles = true
enable_course_stats = true

[sheet]
# A tab sync_status in the spreadsheet that tells its readers how fresh each dataset is.
status = true

# A dataset of your own is one query that fills one tab:
#
# [[datasets]]
# name = "courses"
# tab = "Courses"
# query = "SELECT id, title, course_level FROM courses"
# key = ["id"]
#
# `mmsync init --example` prints every option, with its default.
"""
