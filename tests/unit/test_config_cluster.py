"""`[cluster]`: where the members of a fleet meet, and how they are told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.config import Places, parse_config
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import ClusterSettings, Config

PLACES = Places(Path("/here"), Path("/home/u"), Path("/run/user/1"))
BASE: dict[str, Any] = {
    "database": {"url": "postgresql://app:secret@db/app"},
    "google": {"spreadsheet_id": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe", "credentials_file": "key.json"},
}
URL = "postgresql://mmsync:hunter2@db/mmsync"


def parse(cluster: dict[str, Any], environment: dict[str, str] | None = None, places: Places = PLACES) -> Config:
    return parse_config(BASE | {"cluster": cluster}, environment or {}, file=None, places=places)


def problems(cluster: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(cluster)
    return caught.value.problems


def test_without_it_a_machine_is_alone() -> None:
    assert parse({}).cluster == ClusterSettings(None, 15.0, "default", None)


def test_the_url_comes_from_the_environment_the_file_or_systemd_and_is_not_shown() -> None:
    there = "postgresql+psycopg://mmsync:hunter2@db/mmsync"
    assert parse({"url": URL}).cluster.url == there
    other = parse({"url": URL}, {"MMSYNC_CLUSTER_URL": "postgres://else/mmsync"})
    assert other.cluster.url == "postgresql+psycopg://else/mmsync"
    places = replace(PLACES, cluster_credential=URL)
    config = parse({}, places=places)
    assert config.cluster.url == there
    assert "hunter2" not in repr(config) + repr(places)


@pytest.mark.parametrize(
    ("cluster", "path", "words"),
    [
        ({"url": "sqlite:///shared.db"}, "cluster.url", "PostgreSQL"),
        ({"url": "redis://db"}, "cluster.url", "PostgreSQL"),
        ({"url": "postgresql://other:pw@DB:5432/app"}, "cluster.url", "CREATE DATABASE mmsync"),
        ({"url": "postgresql://other:pw@/app?host=db"}, "cluster.url", "CREATE DATABASE mmsync"),
        ({"url": "mysql+mysqldb://db/mmsync"}, "cluster.url", "mysql+pymysql"),
        ({"url": "mysql+aiomysql://db/mmsync"}, "cluster.url", "mysql+pymysql"),
        ({"url": "mysql+pymysql://u:pw@db"}, "cluster.url", "names no database"),
        ({"url": URL, "lease_seconds": 1}, "cluster.lease_seconds", "2"),
        ({"url": URL, "fleet": "two words"}, "cluster.fleet", "letters, digits"),
        ({"url": URL, "member": ""}, "cluster.member", ""),
        ({"url": URL, "shards": 64}, "cluster.shards", ""),
    ],
)
def test_what_is_wrong_is_named_and_no_password_is_shown(cluster: dict[str, Any], path: str, words: str) -> None:
    [found] = problems(cluster)
    assert found.startswith(f"{path}: ") and words in found
    assert "hunter2" not in found and "pw" not in found


def test_the_applications_server_may_be_the_fleets_too() -> None:
    assert parse({"url": "postgresql://app:secret@db/mmsync"}).cluster.url is not None
    assert parse({"url": "postgresql://app:secret@elsewhere/app"}).cluster.url is not None


def test_a_fleet_may_meet_in_mariadb_but_not_in_the_applications_database() -> None:
    for url in ("mysql+pymysql://mmsync:hunter2@db/mmsync", "mariadb+pymysql://mmsync:hunter2@db/mmsync"):
        assert parse({"url": url}).cluster.url == url
        base = BASE | {"database": {"url": "mysql+mysqldb://app@DB:3306/mmsync"}, "cluster": {"url": url}}
        with pytest.raises(ConfigError) as caught:
            parse_config(base, {}, file=None, places=PLACES)
        [problem] = caught.value.problems
        assert problem.startswith("cluster.url: is the application's database") and "hunter2" not in problem
