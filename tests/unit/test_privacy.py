"""What of people's data may reach a cell: names that are denied, masks, pseudonyms."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.cells import CellRules, pack_row
from moneymentor_sync.core.errors import DeniedColumnError
from moneymentor_sync.core.ports import SourceColumn
from moneymentor_sync.core.privacy import denied_among, denied_in_sql, pseudonym, veil_of
from moneymentor_sync.core.settings import ALWAYS_DENIED, MASKS, CellType, Column, Dataset, Mask
from moneymentor_sync.core.table import Shape, TableBuilder, resolve_shape

from .grids import HASHER

KEY = b"k" * 32
DENY = (*ALWAYS_DENIED, "*_token", "ssn")


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["password_hash", "PASSWORD_HASH", "reset_token", "Api_Token", "SSN"])
def test_a_name_is_denied_whatever_its_case(name: str) -> None:
    assert denied_among(["id", name], DENY) == (name,)


@pytest.mark.parametrize("name", ["password", "password_hash_at", "token", "ssn_2", "passwordhash", ""])
def test_a_name_that_only_looks_like_it_is_not(name: str) -> None:
    assert denied_among([name], DENY) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT password_hash FROM users",
        "SELECT u.Password_Hash AS x FROM users u",
        'SELECT "password_hash" FROM users',
        "SELECT `password_hash` FROM users",
        "SELECT [password_hash] FROM users",
        "SELECT ARRAY[password_hash] FROM users",
        "SELECT ARRAY[u.password_hash] FROM users u",
        "SELECT ARRAY['a]', password_hash, 'b]'] FROM users",
        "SELECT md5(password_hash) FROM users",
        "SELECT/**/password_hash FROM users",
        "SELECT 'it''s', password_hash FROM users",
        "SELECT -- no comment ends here '\npassword_hash FROM users",
        r"SELECT E'\'', password_hash, 'x' FROM users",
        "SELECT $a$ ' $a$, password_hash, ' ' FROM users",
        "SELECT id FROM users WHERE reset_token IS NULL",
    ],
)
def test_a_query_that_names_a_denied_column_is_found_out(sql: str) -> None:
    assert len(denied_in_sql(sql, DENY)) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM users",
        "SELECT id FROM users WHERE kind = 'password_hash'",
        "SELECT id FROM users -- without password_hash",
        "SELECT id /* and never\npassword_hash */ FROM users",
        "SELECT password_hashes FROM users",
    ],
)
def test_what_only_speaks_of_it_is_no_trouble(sql: str) -> None:
    assert denied_in_sql(sql, DENY) == ()


def test_no_dataset_may_have_it_and_no_setting_is_needed_for_that() -> None:
    everything = Dataset("users", "Users", ("id",), "s", query="SELECT * FROM users")
    with pytest.raises(DeniedColumnError, match="'Password_Hash', which is never synced") as caught:
        resolve_shape(everything, [SourceColumn("id"), SourceColumn("Password_Hash")])
    assert "columns" in caught.value.hint


# --- masks and pseudonyms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("email", "ada@example.com", "a***@example.com"),
        ("email", "a@example.com", "***@example.com"),
        ("email", "@example.com", "***"),
        ("email", "ada@", "***"),
        ("email", "ada", "***"),
        ("initial", "Lovelace", "L***"),
        ("initial", " Lovelace", "L***"),
        ("initial", "L", "***"),
        ("last4", "DE89 3704 0044", "***0044"),
        ("last4", "12345678", "***"),
        ("last4", "1234", "***"),
        ("all", "anything", "***"),
    ],
)
def test_a_mask_shows_so_much(mask: Mask, value: str, shown: str) -> None:
    veil = veil_of(Column("c", "c", mask=mask), None)
    assert veil is not None
    assert veil(value) == shown
    assert veil(None) is None


@given(st.text(min_size=1), st.sampled_from(MASKS))
def test_no_mask_shows_a_value_whole(value: str, mask: Mask) -> None:
    veil = veil_of(Column("c", "c", mask=mask), None)
    assert veil is not None
    shown = str(veil(value))
    hidden = shown.index("***")
    kept = shown[:hidden] + ("" if mask == "email" else shown[hidden + 3 :])  # an address keeps its host
    assert len(kept) <= 4 and 2 * len(kept) <= len(value.strip())


@given(st.text(), st.text())
def test_a_pseudonym_is_the_same_for_the_same_text_only(one: str, other: str) -> None:
    assert (pseudonym(one, KEY) == pseudonym(other, KEY)) == (one == other)
    assert pseudonym(one, KEY) != pseudonym(one, KEY[1:])
    assert len(pseudonym(one, KEY)) == 32


def test_a_pseudonym_is_as_the_standard_has_it() -> None:
    """RFC 4231, test case 2, its first 128 bits."""
    assert pseudonym("what do ya want for nothing?", b"Jefe") == "5bdcc146bf60754e6a042426089575c7"


@pytest.mark.parametrize(
    ("cell_type", "values"),
    [
        (None, [1, "1", 1]),
        ("number", [1, "1", 1]),
        ("date", ["2026-01-01", "2026-01-01"]),
        ("boolean", ["true", True]),
    ],
)
def test_what_is_hashed_is_the_text_of_the_value_whatever_its_type(
    cell_type: CellType | None, values: list[object]
) -> None:
    columns = (Column("id", "id"), Column("v", "v", type=cell_type, hash=True))
    builder = TableBuilder(Shape("d", columns, (0, 1), (0,)), CellRules(UTC, hash_key=KEY), HASHER)
    rows = [row for chunk in builder.chunks(pack_row((i, v)) for i, v in enumerate(values)) for row in chunk]
    assert {cells[1] for _, cells in rows} == {pseudonym(str(values[0]).lower(), KEY)}
    assert builder.finish().formats == (None, None)


def test_a_column_is_shown_as_it_is_unless_told_otherwise() -> None:
    assert veil_of(Column("c", "c"), KEY) is None


def test_without_a_key_nothing_is_hashed_with_a_guess() -> None:
    with pytest.raises(ValueError, match="no key"):
        veil_of(Column("c", "c", hash=True), None)
