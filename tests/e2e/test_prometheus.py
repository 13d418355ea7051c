"""A real Prometheus scrapes a real daemon's port, with the rules and the dashboard of docs/."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from time import time

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests import dashboard
from tests.prometheus import MISSING, Prometheus, free_port, promtool, running

from .test_daemon import House

RULES = dashboard.DOCS / "prometheus" / "mmsync.rules.yml"
EMPTY = {"Failures by code A", "Age of the last backup A", "Restarts", "Alerts"}
"""What may have no data for a daemon that works, and makes no backups."""

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@dataclass
class Scene:
    house: House
    prometheus: Prometheus
    port: int


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Scraped while something is synced, again and again, and once refused by a guard."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "h").mkdir()
    port = free_port()
    with Sandbox(folder / "sandbox") as box:
        house = House(folder / "h", box)
        house.config.write_text(house.config.read_text() + f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
        house.start()
        try:
            house.synced()
            with running(folder / "prometheus", f"127.0.0.1:{port}", RULES) as prometheus:
                calls = 'sum(mmsync_dataset_syncs_total{result="synced"})'
                for number in range(1, 4):
                    house.sql(f"UPDATE user_profiles SET total_chats = total_chats + {number}")
                    assert house.command("force").returncode == 0
                    done = 2 + number
                    prometheus.until(
                        lambda done=done: [float(one["value"][1]) for one in prometheus.value(calls)] == [done],  # type: ignore[misc]
                        f"sync {number} is scraped",
                    )
                yield Scene(house, prometheus, port)
        finally:
            if house.process is not None and house.process.poll() is None:
                house.process.kill()
                house.process.wait()


def test_it_scrapes_the_daemon_without_a_complaint(scene: Scene) -> None:
    (target,) = scene.prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    asking = http.client.HTTPConnection("127.0.0.1", scene.port, timeout=30)
    asking.request("GET", "/metrics")
    text = asking.getresponse().read().decode()
    asking.close()
    assert "mmsync_dataset_duration_seconds_bucket" in text
    checked = promtool("check", "metrics", given=text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_rule_is_loaded_and_evaluated_without_an_error(scene: Scene) -> None:
    def rules() -> list[dict[str, str]]:
        return [rule for group in scene.prometheus.get("rules")["groups"] for rule in group["rules"]]

    assert len(rules()) == RULES.read_text().count("- alert:") + RULES.read_text().count("- record:") > 8
    scene.prometheus.until(lambda: {rule["health"] for rule in rules()} == {"ok"}, "every rule was evaluated")
    assert [rule.get("lastError") for rule in rules() if rule.get("lastError")] == []
    recorded = {rule["name"] for rule in rules() if rule["type"] == "recording"}
    assert recorded and all(scene.prometheus.value(name) for name in recorded)


@pytest.mark.parametrize(("where", "expression"), dashboard.expressions(), ids=lambda one: one[:40])
def test_every_panel_has_data_and_no_error(scene: Scene, where: str, expression: str) -> None:
    prometheus = scene.prometheus
    if where in EMPTY:
        prometheus.value(expression)
    else:
        prometheus.until(lambda: prometheus.value(expression), f"{where}: {expression}")
        assert "NaN" not in {one["value"][1] for one in prometheus.value(expression)}
    now = time()
    shown = prometheus.get("query_range", query=expression, start=f"{now - 60}", end=f"{now}", step="15")
    assert shown["resultType"] == "matrix"


@pytest.mark.parametrize("name", ["job", "instance", "dataset"])
def test_every_variable_has_values(scene: Scene, name: str) -> None:
    query = dashboard.variables()[name]["query"]["query"]
    inside = query.removeprefix("label_values(").removesuffix(")")
    selector, label = (part.strip() for part in inside.rsplit(",", 1))
    expected = {
        "job": ["mmsync"],
        "instance": [f"127.0.0.1:{scene.port}"],
        "dataset": ["course_statistics", "user_profiles"],
    }
    found = scene.prometheus.get(f"label/{label}/values", **{"match[]": dashboard.filled_in(selector)})
    assert sorted(found) == expected[name]


def test_a_sync_that_a_guard_refuses_alerts_and_a_daemon_that_ends_does(scene: Scene) -> None:
    firing = 'ALERTS{{alertname="{}",alertstate="{}"}}'
    assert scene.prometheus.value('ALERTS{alertstate="firing"}') == []
    scene.house.sql("DELETE FROM user_profiles")
    assert scene.house.command("force", "user_profiles").returncode == 1
    scene.prometheus.until(lambda: scene.prometheus.value(firing.format("MmsyncGuardRefused", "firing")), "alerted")
    (alert,) = scene.prometheus.value(firing.format("MmsyncGuardRefused", "firing"))
    assert (alert["metric"]["dataset"], alert["metric"]["severity"]) == ("user_profiles", "warning")
    assert scene.house.end() == 0
    scene.prometheus.until(lambda: scene.prometheus.value(firing.format("MmsyncDown", "pending")), "it is missed")


def test_the_rules_pass_their_own_tests() -> None:
    for what, file in (("check", RULES), ("test", RULES.with_name("mmsync.rules_test.yml"))):
        done = promtool(what, "rules", str(file))
        assert done.returncode == 0, done.stdout + done.stderr
