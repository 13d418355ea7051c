"""SyncConfig: arguments, environment, `.env` and file, by values."""

from __future__ import annotations

import copy
import os
import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync import SyncConfig
from moneymentor_sync.adapters.environment import load_sync_settings
from moneymentor_sync.core.errors import ConfigError


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without any configuration."""
    for name in list(os.environ):
        if name.startswith(("MMSYNC_", "SYNC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_argument_is_a_setting() -> None:
    given: dict[str, Any] = {
        "interval_seconds": 60.5, "max_retries": 0, "retry_delay_seconds": 1, "max_consecutive_failures": 2,
        "health_check_interval": 30, "enable_course_stats": False, "enable_user_profiles": False,
    }  # fmt: skip
    config = SyncConfig(**given)
    assert {name: getattr(config, name) for name in given} == given
    assert config.overrides() == {f"sync.{name}": value for name, value in given.items()}
    assert SyncConfig(*given.values()) == config


def test_arguments_come_before_variables_and_those_before_env_file_and_file(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "sync.toml").write_text(
        "[sync]\nmax_retries = 1\nretry_delay_seconds = 1\ninterval_seconds = 11\nhealth_check_interval = 11\n"
    )
    (bare / ".env").write_text("SYNC_MAX_RETRIES=2\nSYNC_RETRY_DELAY_SECONDS=2\nSYNC_INTERVAL_SECONDS=22\n")
    monkeypatch.setenv("SYNC_MAX_RETRIES", "3")
    monkeypatch.setenv("SYNC_RETRY_DELAY_SECONDS", "3")
    config = SyncConfig(max_retries=4)
    found = (config.max_retries, config.retry_delay_seconds, config.interval_seconds, config.health_check_interval)
    assert found == (4, 3, 22, 11)
    assert config.overrides() == {"sync.max_retries": 4}
    settings = load_sync_settings()
    assert (settings.max_retries, settings.interval_seconds) == (3, 22)


def test_the_file_may_be_named_and_nothing_else_in_it_matters(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Database and spreadsheet are the service's; who only wants the settings need not have them."""
    (bare / "other.toml").write_text('[sync]\nmax_retries = 9\n[google]\nspreadsheet_id = "x"\n')
    monkeypatch.setenv("MMSYNC_CONFIG", "other.toml")
    assert SyncConfig().max_retries == 9


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_INTERVAL_SECONDS", "soon")
    with pytest.raises(ConfigError) as caught:
        SyncConfig(max_retries=-1, retry_delay_seconds=float("nan"), enable_course_stats="maybe")  # type: ignore[arg-type]
    problems = "\n".join(caught.value.problems)
    for name in ("max_retries", "retry_delay_seconds", "enable_course_stats", "SYNC_INTERVAL_SECONDS"):
        assert name in problems


@pytest.mark.parametrize("wrong", [0, -5, float("inf"), "x", True])
def test_an_interval_out_of_its_range_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="interval_seconds"):
        SyncConfig(interval_seconds=wrong)


def test_it_is_a_frozen_value() -> None:
    config = SyncConfig(interval_seconds=60)
    with pytest.raises(FrozenInstanceError):
        config.max_retries = 5  # type: ignore[misc]
    assert config == SyncConfig(60) != SyncConfig(61)
    assert hash(config) == hash(SyncConfig(60))
    assert copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config
    assert replace(config, max_retries=9).max_retries == 9
    assert replace(config, max_retries=9).interval_seconds == 60
    assert repr(config).startswith("SyncConfig(interval_seconds=60")
    assert "given" not in repr(config)
