"""`mmsync check` on a real database and the stand-in of Google: what it finds, and that it changes nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.state_schema import MIGRATIONS
from moneymentor_sync.checks import Check, check_everything
from moneymentor_sync.core.settings import Config
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault, FaultKind
from moneymentor_sync.wiring import choose, open_engine

SECRET_NAME = "Ada Lovelace"
TOML = """
[database]
url = "sqlite:///app.db"
[google]
spreadsheet_id = "{spreadsheet}"
credentials_file = "{key}"
api_endpoint = "{url}"
[state]
path = "state/state.db"
[control]
socket = "control.sock"
[sync]
enable_user_profiles = false
enable_course_stats = false
max_retries = 0
[[datasets]]
name = "people"
tab = "People"
query = "SELECT id, name, team FROM people"
key = ["id"]
"""


@dataclass
class Place:
    """A directory with a database and a sync.toml, and a spreadsheet of the sandbox."""

    box: Sandbox
    directory: Path
    spreadsheet: str

    def config(self) -> Config:
        return load_config(self.directory / "sync.toml", environ={"HOME": str(self.directory)}, cwd=self.directory)

    def check(self, *, ahead: float = 0.0) -> dict[str, Check]:
        """All checks by name; `ahead` is how far this machine's clock is ahead of the right time."""
        tick: Callable[..., None] = lambda *_: None  # noqa: E731 - nobody looks
        return {
            one.name: one for one in check_everything(self.config, clock=lambda: time.time() + ahead, tick=tick)
        }

    def sync(self) -> None:
        config = self.config()
        with open_engine(config, holder="a test") as engine:
            assert engine.run(choose(config, [])).ok

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.directory / "app.db")) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    def write(self, text: str = TOML, **changed: str) -> None:
        values = {"spreadsheet": self.spreadsheet, "key": str(self.box.credentials_file), "url": self.box.url}
        (self.directory / "sync.toml").write_text(text.format(**values | changed), encoding="utf-8")

    def files(self) -> Mapping[str, bytes]:
        return {str(p): p.read_bytes() for p in self.directory.rglob("*") if p.is_file()}


@pytest.fixture
def place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    made = Place(box, tmp_path, box.new_spreadsheet("Checked"))
    made.sql(
        "CREATE TABLE people (id INTEGER, name TEXT, team TEXT)",
        f"INSERT INTO people VALUES (1, '{SECRET_NAME}', 'a'), (2, 'Bo', 'b')",
    )
    made.write()
    yield made
    box.faults.clear()


def statuses(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: check.status for name, check in checks.items()}


def not_ok(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: status for name, status in statuses(checks).items() if status != "ok"}


def test_everything_is_tried_in_order_and_nothing_is_changed(place: Place) -> None:
    before, document = place.files(), place.box.document(place.spreadsheet)
    place.box.log.reset()
    checks = place.check()
    assert statuses(checks) == dict.fromkeys(
        [
            "configuration", "database", "query: people", "key: people", "credentials", "token", "spreadsheet",
            "access", "tab: people", "cells", "state file", "socket", "clock", "lock",
            "alerts",
        ],
        "ok",
    )  # fmt: skip
    assert place.box.log.count("write") == 0
    assert not any(entry.applied for entry in place.box.log.entries)
    assert place.box.document(place.spreadsheet) is document
    assert place.files() == before


def test_after_a_sync_all_is_still_well_and_the_header_is_found(place: Place) -> None:
    place.sync()
    before = place.files()
    checks = place.check()
    assert not_ok(checks) == {}
    assert "all 3 columns" in checks["tab: people"].message
    assert f"version {len(MIGRATIONS)}" in checks["state file"].message
    assert place.files() == before


def test_a_tab_that_a_person_renamed_is_followed(place: Place) -> None:
    place.sync()
    place.box.person(place.spreadsheet).rename_tab("People", "Everybody")
    assert place.check()["tab: people"].message.startswith("Everybody has the headers")


def test_a_renamed_tab_is_followed_though_the_answer_that_made_it_was_lost(place: Place) -> None:
    fault = place.box.faults.add(Fault("reset_after", on=":batchUpdate"))
    with open_engine(place.config(), holder="a test") as engine:
        assert not engine.run(choose(place.config(), [])).ok
    assert fault.fired == 1
    place.box.person(place.spreadsheet).rename_tab("People", "Everybody")
    before = place.files()
    assert place.check()["tab: people"].message.startswith("Everybody has the headers")
    assert place.files() == before


def test_a_key_that_is_not_unique_is_told_without_its_value(place: Place) -> None:
    place.sql(f"INSERT INTO people VALUES (3, '{SECRET_NAME}', 'a')")
    place.write(TOML.replace('key = ["id"]', 'key = ["name"]'))
    checks = place.check()
    assert not_ok(checks) == {"key: people": "failed"}
    assert "HAVING count(*) > 1" in checks["key: people"].hint
    assert SECRET_NAME not in repr(checks)


def test_a_query_that_does_not_work_leaves_the_rest_to_be_checked(place: Place) -> None:
    place.sql("ALTER TABLE people RENAME TO folk")
    checks = place.check()
    assert not_ok(checks) == {"query: people": "failed", "key: people": "skipped"}
    assert "people" in checks["query: people"].message
    assert "not counting 1 dataset" in checks["cells"].message


def test_a_database_that_is_not_there(place: Place) -> None:
    (place.directory / "app.db").unlink()
    checks = place.check()
    assert not_ok(checks) == {"database": "failed", "query: people": "skipped", "key: people": "skipped"}
    assert not (place.directory / "app.db").exists()


def test_a_driver_that_is_not_installed(place: Place) -> None:
    place.write(TOML.replace("sqlite:///app.db", "oracle://u:hunter2@h/d"))
    checks = place.check()
    assert checks["database"].status == "failed"
    assert "hunter2" not in repr(checks)


def test_without_a_configuration_nothing_else_can_be_tried(place: Place) -> None:
    place.write(TOML.replace("max_retries = 0", 'max_retries = "x"').replace("[control]", "[kontrol]"))
    checks = place.check()
    assert checks.pop("configuration").status == "failed"
    assert {check.status for check in checks.values()} == {"skipped"}


def test_a_key_file_that_is_none(place: Place) -> None:
    (place.directory / "key.json").write_text("{}")
    place.write(key="key.json")
    checks = place.check()
    assert not_ok(checks) == {
        "credentials": "failed",
        **dict.fromkeys(["token", "spreadsheet", "access", "tab: people", "cells", "clock"], "skipped"),
    }


def test_a_key_that_google_does_not_know(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Sandbox(tmp_path_factory.mktemp("another")) as another:
        key = another.credentials_file.read_text().replace(another.url, place.box.url)
    (place.directory / "key.json").write_text(key)
    (place.directory / "key.json").chmod(0o600)
    place.write(key="key.json")
    checks = place.check()
    assert checks["token"].status == "failed"
    assert "invalid_grant" in checks["token"].message
    assert checks["clock"].status == "ok"  # also a refusal has its time
    assert "PRIVATE" not in repr(checks)


def test_a_spreadsheet_that_is_not_shared(place: Place) -> None:
    place.spreadsheet = place.box.new_spreadsheet("Private", share_with=())
    place.write()
    checks = place.check()
    assert not_ok(checks) == {
        "spreadsheet": "failed",
        "access": "skipped",
        "tab: people": "skipped",
        "cells": "skipped",
    }
    assert place.box.client_email in checks["spreadsheet"].hint


def test_a_spreadsheet_that_may_only_be_read(place: Place) -> None:
    place.box.share(place.spreadsheet, place.box.client_email, role="reader")
    checks = place.check()
    assert not_ok(checks) == {"access": "failed"}
    assert place.box.client_email in checks["access"].hint


def test_a_drive_that_refuses_to_tell(place: Place) -> None:
    place.box.faults.add(Fault("status", on="drive", status=403))
    assert not_ok(place.check()) == {"access": "warning"}


def test_a_google_that_is_down(place: Place) -> None:
    place.box.faults.add(Fault("status", on="read", status=503))
    checks = place.check()
    assert checks["spreadsheet"].status == "failed"
    assert "503" in checks["spreadsheet"].message


def test_an_answer_that_is_not_what_was_asked_for(place: Place) -> None:
    place.box.faults.add(Fault("truncate", on="read"))
    assert place.check()["spreadsheet"].status == "failed"


@pytest.mark.parametrize("kind", ["html", "not_json", "truncate", "reset_before"])
def test_a_token_endpoint_that_answers_something_else(place: Place, kind: FaultKind) -> None:
    fault = place.box.faults.add(Fault(kind, on="token", count=None))
    assert place.check()["token"].status == "failed"
    assert fault.fired


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_token_endpoint_that_is_down_says_nothing_of_the_key_and_is_asked_once(place: Place, status: int) -> None:
    place.box.faults.add(Fault("status", on="token", status=status, count=None))
    place.box.log.reset()
    check = place.check()["token"]
    assert (check.status, "key" in (check.hint or "")) == ("failed", False)
    assert place.box.log.count("token") == 1


def test_a_protected_tab_is_found_before_the_first_write(place: Place) -> None:
    place.sync()
    person = place.box.person(place.spreadsheet)
    number = person.protect("People", column=1, end_column=2)
    checks = place.check()
    assert not_ok(checks) == {"tab: people": "failed"}
    assert place.box.client_email in checks["tab: people"].hint
    person.unprotect(number)
    person.protect("People", editors=[place.box.client_email])
    assert not_ok(place.check()) == {}


def test_a_tab_with_other_things_in_it(place: Place) -> None:
    person = place.box.person(place.spreadsheet)
    person.add_tab("People")
    assert "is empty" in place.check()["tab: people"].message
    person.type("People", 5, 2, "a note")
    assert place.check()["tab: people"].status == "failed"
    person.type("People", 0, 0, "name")
    assert "lacks 2 of 3 headers" in place.check()["tab: people"].message


def test_the_status_tab_is_looked_at_where_one_is_wanted(place: Place) -> None:
    place.write(TOML.replace("[state]", "[sheet]\nstatus = true\n[state]"))
    assert "the first sync makes it" in place.check()["status tab"].message
    with open_engine(place.config(), holder="a test") as engine:
        assert engine.run(choose(place.config(), [])).ok
        engine.tell()
    checks = place.check()
    assert not_ok(checks) == {}
    assert "how fresh each dataset is" in checks["status tab"].message
    assert "sync_status" not in checks["spreadsheet"].message, "it is no tab that is left alone"
    person = place.box.person(place.spreadsheet)
    person.rename_tab("sync_status", "Fresh")
    assert place.check()["status tab"].message.startswith("Fresh tells")
    person.protect("Fresh")
    assert not_ok(place.check()) == {"status tab": "warning"}


def test_a_tab_of_somebodys_own_under_the_title_of_the_status_is_found_before_the_first_write(place: Place) -> None:
    place.write(TOML.replace("[state]", "[sheet]\nstatus = true\n[state]"))
    person = place.box.person(place.spreadsheet)
    person.add_tab("sync_status")
    assert not_ok(place.check()) == {}, "an empty one will do"
    person.type("sync_status", 3, 2, "a note")
    checks = place.check()
    assert not_ok(checks) == {"status tab": "warning"}
    assert "status_tab" in checks["status tab"].hint


def test_a_first_sync_that_would_not_fit(place: Place) -> None:
    place.write(TOML.replace("[state]", "max_cells = 26011\n[state]"))
    assert not_ok(place.check()) == {"cells": "failed"}
    place.write(TOML.replace("[state]", "max_cells = 26012\n[state]"))
    assert not_ok(place.check()) == {"cells": "warning"}


def test_several_spreadsheets_are_told_apart(place: Place) -> None:
    other = place.box.new_spreadsheet("Other")
    more = (
        '[[datasets]]\nname = "teams"\ntab = "Teams"\ntable = "people"\nkey = ["id"]\nspreadsheet_id = "{other}"\n'
    )
    place.write(TOML + more, other=other)
    checks = place.check()
    assert not_ok(checks) == {}
    for step in ("spreadsheet", "access", "cells", "lock"):
        assert {f"{step}: {place.spreadsheet}", f"{step}: {other}"} < set(checks)
    assert "tab: teams" in checks


def test_a_clock_that_is_wrong(place: Place) -> None:
    assert not_ok(place.check(ahead=100)) == {"clock": "warning"}
    assert not_ok(place.check(ahead=-1000)) == {"clock": "failed"}


def test_a_sync_under_way_is_named(place: Place) -> None:
    with LockFiles(place.config().state_path, "mmsync sync").hold(place.spreadsheet):
        checks = place.check()
    assert not_ok(checks) == {"lock": "warning"}
    assert "mmsync sync (process" in checks["lock"].message


def test_no_dataset_at_all_is_a_warning(place: Place) -> None:
    place.write(TOML.partition("[[datasets]]")[0])
    checks = place.check()
    assert not_ok(checks) == {"configuration": "warning"}
    assert "spreadsheet" in checks


def test_each_account_of_a_pool_has_to_be_an_editor(place: Place) -> None:
    box = place.box
    second, third = box.account("second"), box.account("third")
    box.share(place.spreadsheet, box.email("second"))
    box.share(place.spreadsheet, box.email("third"), role="reader")
    text = TOML.replace('credentials_file = "{key}"', f'credentials_files = ["{{key}}", "{second}", "{third}"]')
    place.write(text)
    found = place.check()
    assert not_ok(found) == {f"access: {third}": "failed"}
    check = found[f"access: {third}"]
    assert box.email("third") in check.message
    assert box.email("third") in check.hint
    assert found[f"access: {second}"].message.startswith(f"{box.email('second')} may edit")

    box.unshare(place.spreadsheet, box.email("second"))
    found = place.check()
    assert found[f"access: {second}"].status == "failed"
    assert box.email("second") in found[f"access: {second}"].hint


def test_an_account_that_joins_a_pool_later_is_to_be_let_in_to_the_mark(place: Place) -> None:
    place.sync()
    second = place.box.account("second")
    place.box.share(place.spreadsheet, place.box.email("second"))
    place.write(TOML.replace('credentials_file = "{key}"', f'credentials_files = ["{{key}}", "{second}"]'))
    check = place.check()[f"access: {second}"]
    assert (check.status, place.box.email("second") in check.message) == ("warning", True)
    assert "delete the tab" in check.hint
