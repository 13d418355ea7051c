"""The file of `mmsync init`: what it renders parses back to the same values."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.config import parse_config
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.config_template import Answers, render_config, toml_string
from moneymentor_sync.core.settings import SyncSettings

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
PLACES = Places(working_directory=Path("/here"), home=Path("/home/op"), runtime=Path("/run/none"))


def test_what_is_rendered_is_a_whole_configuration() -> None:
    rendered = render_config(Answers("postgresql://u:p@h/db", ID, "key.json", 60.0))
    assert "\ninterval_seconds = 60\n" in rendered
    config = parse_config(tomllib.loads(rendered), {}, file=Path("/etc/mmsync/sync.toml"), places=PLACES)
    assert config.database.url == "postgresql+psycopg://u:p@h/db"
    assert config.google.spreadsheet_id == ID
    assert config.google.account.file == Path("/etc/mmsync/key.json")
    assert config.sync == SyncSettings(interval_seconds=60)
    assert [dataset.name for dataset in config.datasets] == ["user_profiles", "course_statistics"]


def test_what_is_not_answered_is_left_to_the_environment() -> None:
    rendered = render_config(Answers())
    assert tomllib.loads(rendered) == {
        "database": {},
        "google": {},
        "sync": {"interval_seconds": 300, "enable_user_profiles": True, "enable_course_stats": True},
        "sheet": {"status": True},
    }
    for key in ("url", "spreadsheet_id", "credentials_file"):
        assert f"\n# {key} = " in rendered


@given(st.text(), st.text(), st.text(), st.floats(1, 1e18) | st.integers(1, 10**9))
def test_every_answer_survives_the_way_through_the_file(
    url: str, spreadsheet: str, credentials: str, interval: float
) -> None:
    parsed = tomllib.loads(render_config(Answers(url, spreadsheet, credentials, interval)))
    assert parsed["database"] == {"url": url}
    assert parsed["google"] == {"spreadsheet_id": spreadsheet, "credentials_file": credentials}
    assert parsed["sync"]["interval_seconds"] == interval


def test_braces_and_quotes_are_text() -> None:
    assert toml_string('{database} "x" \\') == r'"{database} \"x\" \\"'


def test_what_no_file_can_hold_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        toml_string("\udc80")
