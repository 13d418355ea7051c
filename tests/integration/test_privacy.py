"""Masked, hashed and denied columns from a database to the sheet: what may not be seen is nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.privacy import pseudonym
from moneymentor_sync.core.settings import Column, Config, PrivacySettings
from moneymentor_sync.sandbox import Sandbox

from .workbench import TAB, Workbench

KEY, OTHER = b"k" * 32, b"o" * 32
ADA, BOB = "ada.lovelace@example.com", "bob@example.org"
HASH = "$2b$12$nobody-may-see-this"


class Private(Workbench):
    """A bench whose table has what people would rather keep to themselves."""

    hash_key: bytes | None = KEY

    def fill(self) -> None:
        self.sql(
            "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, iban TEXT, password_hash TEXT, visits INTEGER)"
        )
        self.sql("INSERT INTO users VALUES (?,?,?,?,?)", ("u1", ADA, "DE89370400440532", HASH, 1))
        self.sql("INSERT INTO users VALUES (?,?,?,?,?)", ("u2", BOB, None, HASH, 2))

    @property
    def config(self) -> Config:
        return replace(super().config, privacy=PrivacySettings(hash_key=self.hash_key))

    def users(self, *columns: Column, **given: Any) -> None:
        fixed = {"query": "SELECT id, email, iban, visits FROM users", "columns": columns}
        self.datasets = [self.dataset(name="users", **{**fixed, **given})]


@pytest.fixture
def bench(box: Sandbox, tmp_path: Path) -> Iterator[Private]:
    bench = Private(box, tmp_path)
    bench.fill()
    yield bench
    box.hooks.clear()


ID, MAIL = Column("id", "id", hash=True), Column("email", "E-mail", mask="email")
IBAN, VISITS = Column("iban", "iban", mask="last4"), Column("visits", "visits")


def test_the_sheet_has_masks_and_pseudonyms_and_settles(bench: Private) -> None:
    bench.users(ID, MAIL, IBAN, VISITS)
    bench.sync()
    assert bench.grid() == [
        ["id", "E-mail", "iban", "visits"],
        [pseudonym("u1", KEY), "a***@example.com", "***0532", 1.0],
        [pseudonym("u2", KEY), "b***@example.org", None, 2.0],
    ]
    assert bench.sync().result == "unchanged"


def test_rows_are_found_by_their_hashed_key(bench: Private) -> None:
    bench.users(ID, MAIL, VISITS)
    bench.sync()
    bench.person.type_rows(TAB, 0, 3, [["notes"], ["of one"], ["of two"]])
    bench.person.sort(TAB, 2, descending=True)
    bench.sql("UPDATE users SET visits = 7, email = 'new@example.com' WHERE id = 'u1'")
    assert bench.sync().updated == 1
    found = {row[0]: row[2:] for row in bench.rows()}
    assert found == {pseudonym("u1", KEY): [7.0, "of one"], pseudonym("u2", KEY): [2.0, "of two"]}


def test_a_column_that_becomes_masked_is_rewritten_at_once(bench: Private) -> None:
    bench.users(Column("id", "id"), Column("email", "E-mail"))
    bench.sync()
    bench.users(Column("id", "id"), MAIL)
    assert bench.sync().updated == 2
    assert [row[1] for row in bench.rows()] == ["a***@example.com", "b***@example.org"]


def test_another_key_makes_other_pseudonyms_at_once(bench: Private) -> None:
    bench.users(Column("id", "id"), Column("email", "E-mail", hash=True))
    bench.sync()
    bench.hash_key = OTHER
    assert bench.sync().updated == 2
    assert bench.rows()[0][1] == pseudonym(ADA, OTHER)


@pytest.mark.parametrize("mode", ["mirror", "upsert", "append"])
@pytest.mark.parametrize("change", ["another key", "hashed from now on", "hashed no longer"])
def test_no_row_is_doubled_or_deleted_because_its_key_is_hashed_otherwise(
    bench: Private, mode: str, change: str
) -> None:
    bench.users(Column("id", "id") if change == "hashed from now on" else ID, VISITS, mode=mode)
    bench.sync()
    bench.person.type_rows(TAB, 0, 2, [["notes"], ["of one"], ["of two"]])
    if change == "another key":
        bench.hash_key = OTHER
    else:
        bench.users(ID if change == "hashed from now on" else Column("id", "id"), VISITS, mode=mode)
    failed = bench.refused(force=True)
    assert failed.error_code == "identity_changed"
    assert "another `tab`" in str(failed.hint)
    bench.datasets = [replace(bench.datasets[0], tab="Visits")]
    bench.sync()
    assert len(bench.grid("Visits")) == 3 and bench.grid()[1][2] == "of one", "as the hint says"


def test_a_header_that_reads_like_the_mark_of_an_identity_is_none(bench: Private) -> None:
    odd = Column("email", "who identity:x")
    bench.users(Column("id", "id"), odd)
    bench.sync()
    bench.users(Column("id", "id"), odd, VISITS)
    assert bench.sync().cells, "a column more is no other key"


def test_select_everything_is_refused_and_the_tab_left(bench: Private) -> None:
    bench.users(ID, MAIL)
    bench.sync()
    bench.users(ID, MAIL, query="SELECT * FROM users")
    failed = bench.refused()
    assert failed.error_code == "denied_column"
    assert "password_hash" in str(failed.error)
    assert HASH not in str(failed.error)


def test_nothing_of_what_is_hidden_is_in_any_file_or_request(bench: Private) -> None:
    bench.users(ID, MAIL, IBAN, VISITS)
    bodies: list[bytes] = []
    bench.box.hooks.before_write(lambda request: bodies.append(request.body))
    bench.sync()
    bench.plan()
    assert any(b"a***@example.com" in body for body in bodies), "what was sent was looked at"
    kept = [path.read_bytes() for path in bench.state.parent.iterdir() if path.is_file()]
    assert any(b"users" in one for one in kept), "the state file was looked at"
    for secret in (ADA, "lovelace", BOB, "DE8937", HASH, '"u1"', KEY.decode()):
        assert not any(secret.encode() in one for one in (*bodies, *kept)), secret
