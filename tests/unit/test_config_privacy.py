"""`[privacy]` and what a column may say of it: everything that would show too much is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.config import parse_config
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import Column, Config

KEY = "0123456789abcdef" * 2
PLACES = Places(Path("/here"), Path("/home/op"), Path("/run/none"))
BASE = {
    "database": {"url": "sqlite:////srv/app.db"},
    "google": {"credentials_file": "/key.json", "spreadsheet_id": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"},
}


def parse(privacy: Any = None, environment: dict[str, str] | None = None, **entry: Any) -> Config:
    own = {"name": "own", "tab": "Own", "query": "SELECT id, email FROM t", "key": ["id"], **entry}
    if "table" in entry:
        del own["query"]
    toml = {**BASE, "datasets": [{name: value for name, value in own.items() if value is not None}]}
    if privacy is not None:
        toml["privacy"] = privacy
    return parse_config(toml, environment or {}, file=Path("/etc/mmsync/sync.toml"), places=PLACES)


def problems(privacy: Any = None, environment: dict[str, str] | None = None, **entry: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(privacy, environment, **entry)
    assert KEY not in str(caught.value)
    return caught.value.problems


def test_password_hash_is_denied_to_every_dataset_and_what_is_named_besides() -> None:
    assert {dataset.deny for dataset in parse().datasets} == {("password_hash",)}
    assert {dataset.deny for dataset in parse({"deny": ["ssn"]}).datasets} == {("password_hash", "ssn")}


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"columns": ["id", "ssn"]}, "columns"),
        ({"key": ["SSN"]}, "key"),
        ({"match_on": ["ssn"]}, "match_on"),
        ({"cursor": "ssn"}, "cursor"),
        ({"query": "SELECT id, lower(ssn) AS x FROM t"}, "query"),
        ({"query": "SELECT id, password_hash AS x FROM t"}, "query"),
        ({"table": "t", "columns": ["id", "password_hash"]}, "columns"),
    ],
)
def test_a_dataset_that_asks_for_a_denied_column_is_refused(entry: dict[str, Any], key: str) -> None:
    found = problems({"deny": ["ssn"]}, **entry)
    assert len(found) == 1
    assert found[0].startswith(f"datasets[0].{key}: ") and "never synced" in found[0]


def test_a_built_in_dataset_without_what_is_denied_has_to_be_told_so() -> None:
    found = problems({"deny": ["email"]}, query="SELECT id FROM t")
    assert [one.partition(":")[0] for one in found] == ["datasets.columns", "datasets.match_on"] * 2


def test_columns_are_masked_and_hashed() -> None:
    columns = ["id", {"name": "email", "mask": "email"}, {"name": "ssn", "hash": True}]
    dataset = parse({"hash_key": KEY}, query="SELECT * FROM t", columns=columns).datasets[-1]
    assert dataset.columns == (
        Column("id", "id"),
        Column("email", "email", mask="email"),
        Column("ssn", "ssn", hash=True),
    )


def test_a_key_may_be_hashed_and_match_on_goes_with_what_is_veiled() -> None:
    columns = [{"name": "email", "mask": "email"}, {"name": "user_id", "hash": True}]
    entry: dict[str, Any] = {"name": "user_profiles", "columns": columns, "tab": "P", "query": None, "key": None}
    profiles = next(one for one in parse({"hash_key": KEY}, **entry).datasets if one.name == "user_profiles")
    assert profiles.builtin == "user_profiles"
    assert profiles.key == ("user_id",) and profiles.match_on == ()


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        ({"columns": [{"name": "id", "mask": "all"}]}, "key", "no two rows can be told apart"),
        ({"columns": ["id", {"name": "email", "mask": "email", "hash": True}]}, "columns", "both mask and hash"),
        ({"columns": ["id", {"name": "e", "hash": True}], "match_on": ["e"]}, "match_on", "cannot serve"),
        ({"columns": ["id", {"name": "e", "mask": "all"}], "cursor": "e"}, "cursor", "cannot serve"),
        ({"columns": ["id", {"name": "e", "mask": "emial"}]}, "columns[1].mask", "did you mean 'email'"),
        ({"columns": ["id", {"name": "e", "hash": "yes"}]}, "columns[1].hash", "expected true or false"),
    ],
)
def test_what_cannot_be_veiled_so_is_refused(entry: dict[str, Any], path: str, words: str) -> None:
    found = problems({"hash_key": KEY}, **entry)
    assert len(found) == 1
    assert found[0].startswith(f"datasets[0].{path}: ") and words in found[0]


def test_a_hashed_column_needs_a_key() -> None:
    found = problems(columns=["id", {"name": "email", "hash": True}])
    assert len(found) == 1 and "openssl rand -hex 32" in found[0]


@pytest.mark.parametrize("value", ["", "short", 7, " " * 40])
def test_a_key_that_can_be_guessed_is_refused(value: Any) -> None:
    assert problems({"hash_key": value})[0].startswith("privacy.hash_key: ")


def test_the_key_comes_from_the_environment_the_file_or_systemd_and_is_not_shown() -> None:
    other = KEY[::-1]
    assert parse({"hash_key": KEY}, {"MMSYNC_HASH_KEY": other}).privacy.hash_key == other.encode()
    assert parse({"hash_key": KEY}).privacy.hash_key == KEY.encode()
    places = replace(PLACES, hash_key_credential=KEY)
    config = parse_config(BASE, {}, file=None, places=places)
    assert config.privacy.hash_key == KEY.encode()
    assert KEY not in repr(config) and KEY not in repr(places)


@pytest.mark.parametrize(
    ("privacy", "path"),
    [({"deny": "ssn"}, "privacy.deny"), ({"deny": [""]}, "privacy.deny"), ({"denied": []}, "privacy.denied")],
)
def test_what_is_wrong_in_it_is_named(privacy: Any, path: str) -> None:
    assert problems(privacy)[0].startswith(f"{path}: ")
