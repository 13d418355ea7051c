"""What is around a sync: [sheet], [alerts], [metrics] and [backup]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.config import parse_config
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import Config

PLACES = Places(working_directory=Path("/here"), home=Path("/home/op"), runtime=Path("/run/none"))
ENOUGH = {
    "DATABASE_URL": "sqlite:////srv/app.db",
    "GOOGLE_SHEET_ID": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe",
    "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
    "MMSYNC_STATE": "/var/lib/mmsync/state.db",
}


def parse(toml: dict[str, Any], environment: dict[str, str] | None = None) -> Config:
    given = {**ENOUGH, **(environment or {})}
    return parse_config(toml, given, file=Path("/etc/mmsync/sync.toml"), places=PLACES)


def test_everything_that_can_be_set() -> None:
    config = parse(
        {
            "sheet": {"status": True, "status_tab": "Freshness", "status_every_seconds": 600, "header_notes": True},
            "alerts": {
                "urls": ["slack://a/b/c", "slack://a/b/c", "mailto://u:p@example.com"],
                "webhook": "https://hooks.example.com/x?token=1",
                "ping": "http://127.0.0.1:8000/ping/1",
                "remind_after": "12h",
                "settle": 30,
                "stale_after": "2h",
            },
            "metrics": {"listen": "[::1]:9464", "textfile": "metrics.prom"},
            "backup": {"enabled": True, "daily_at": "23:59", "directory": "~/kept", "keep_weekly": 0},
            "datasets": [{"name": "user_profiles", "stale_after": "15m"}],
        }
    )
    assert (config.sheet.status_tab, config.sheet.status_every_seconds) == ("Freshness", 600.0)
    assert config.alerts.urls == ("slack://a/b/c", "mailto://u:p@example.com")
    assert (config.alerts.remind_after, config.alerts.settle) == (43_200.0, 30.0)
    assert [one.stale_after for one in config.datasets] == [900.0, 7_200.0]
    assert config.metrics.listen == ("::1", 9464)
    assert config.metrics.textfile == Path("/etc/mmsync/metrics.prom")
    assert config.backup.directory == Path("/home/op/kept")


def test_variables_are_enough_for_alerts() -> None:
    config = parse(
        {},
        {
            "MMSYNC_ALERT_URLS": "slack://a/b/c  mailto://u:p@example.com",
            "MMSYNC_ALERT_WEBHOOK": "https://h.example.com",
            "MMSYNC_ALERT_PING": "https://hc-ping.com/1",
        },
    )
    assert config.alerts.urls == ("slack://a/b/c", "mailto://u:p@example.com")
    assert (config.alerts.webhook, config.alerts.ping) == ("https://h.example.com", "https://hc-ping.com/1")
    assert config.alerts.any
    assert not parse({}).alerts.any


def test_backups_are_beside_the_state_file() -> None:
    assert parse({}).backup.directory == Path("/var/lib/mmsync/backups")


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        ("alerts", "urls", [f"no url {SECRET}"], "number 1 is no URL of Apprise's"),
        ("alerts", "urls", "slack://a", "expected a list of URLs"),
        ("alerts", "webhook", f"http://example.com/{SECRET}", "for this machine only"),
        ("alerts", "ping", f"ftp://example.com/{SECRET}", "is not a URL such as"),
        ("alerts", "settle", "soon", "is not a time such as"),
        ("metrics", "listen", "0.0.0.0:9464", "is not this machine"),
        ("metrics", "listen", "9464", "is no address such as"),
        ("metrics", "listen", "127.0.0.1", "is no address such as"),
        ("metrics", "listen", "127.0.0.1:70000", "is no address such as"),
        ("metrics", "listen", f"u:{SECRET}@127.0.0.1:1/x", "is no address such as"),
        ("metrics", "textfile", "/var/lib/metrics.txt", "'metrics.txt' does not end in .prom"),
        ("metrics", "textfile", "/var/lib/.prom", "'.prom' does not end in .prom"),
        ("backup", "daily_at", "24:00", "is no time of day"),
        ("backup", "before_deleting", 1.5, "must be from 0 to 1"),
        ("sheet", "status_every_seconds", 5, "must be from 60"),
        ("sheet", "status_tab", "x" * 101, "has 101 characters"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_told(table: str, key: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse({table: {key: value}})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{table}.{key}: ")
    assert message in problem
    assert table == "metrics" or SECRET not in problem


def test_the_tab_of_the_status_is_no_datasets() -> None:
    wrong = {"sheet": {"status": True, "status_tab": "userprofiles"}}
    with pytest.raises(ConfigError, match="is the tab of dataset 'user_profiles'"):
        parse(wrong)
    assert not parse({"sheet": {"status_tab": "userprofiles"}}).sheet.status  # nobody uses it


def test_no_address_of_an_alert_is_ever_shown() -> None:
    config = parse({"alerts": {"webhook": f"https://h.example.com/{SECRET}", "urls": [f"slack://{SECRET}"]}})
    assert SECRET not in repr(config)
