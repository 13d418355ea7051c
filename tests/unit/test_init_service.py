"""The secrets of the system service: whole, for root alone, and never lost to an answer that will not do."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from moneymentor_sync.cli.init_service import write_secrets
from moneymentor_sync.core.errors import MmsyncError


def there(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_both_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    key, directory = tmp_path / "key.json", tmp_path / "etc"
    directory.mkdir()
    key.write_text("new")
    write_secrets(directory, "postgresql://h/db", str(key))
    assert there(directory) == {"database_url": "postgresql://h/db\n", "service-account.json": "new"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_the_key_may_be_there_already(tmp_path: Path) -> None:
    key = tmp_path / "service-account.json"
    key.write_text("old")
    write_secrets(tmp_path, None, str(key))
    assert there(tmp_path) == {"service-account.json": "old"}


@pytest.mark.parametrize("before", [{}, {"database_url": "old", "service-account.json": "old"}])
def test_a_key_that_cannot_be_read_costs_nothing(tmp_path: Path, before: dict[str, str]) -> None:
    directory = tmp_path / "etc"
    directory.mkdir()
    for name, text in before.items():
        (directory / name).write_text(text)
    with pytest.raises(MmsyncError, match=r"typo\.json: No such file"):
        write_secrets(directory, "postgresql://h/db", str(tmp_path / "typo.json"))
    assert there(directory) == before
