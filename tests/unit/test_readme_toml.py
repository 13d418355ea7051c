"""The README's settings are settings: every block of TOML parses, with what is asked besides in the environment."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from moneymentor_sync.core.config import parse_config
from moneymentor_sync.core.config_places import Places

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```toml\n(.*?)^```", README)
ENOUGH = {
    "DATABASE_URL": "sqlite:////srv/app.db",
    "GOOGLE_SHEET_ID": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe",
    "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
    "MMSYNC_HASH_KEY": "0123456789abcdef" * 2,
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_a_block_is_a_configuration(block: str) -> None:
    config = parse_config(
        tomllib.loads(block),
        ENOUGH,
        file=Path("/etc/sync.toml"),
        places=Places(Path("/"), Path("/home/op"), Path("/run")),
    )
    assert len(config.datasets) == 3, "the two built-in ones, and the one that the block adds"


def test_there_are_some() -> None:
    assert len(BLOCKS) >= 2
