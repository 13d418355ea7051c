"""Alerts of the real daemon in a process, to receivers on loopback: what goes wrong is told once, and its end."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.receiver import Receiver, receiving

from .test_daemon import PATIENCE, House

SECRET = "s3cret-of-the-webhook"


class AlertHouse(House):
    """A daemon that syncs each second, opens its breaker at the third failure, and tells a webhook and a switch."""

    def __init__(self, folder: Path, box: Sandbox, hook: Receiver, switch: Receiver) -> None:
        self.hook, self.switch = hook, switch
        self.alerts = {"webhook": f"{hook.url}/{SECRET}", "ping": f"{switch.url}/{SECRET}?rid=1"}
        self.more = 'settle = "1s"\n'
        super().__init__(folder, box)

    def configure(self, **sync: object) -> None:
        three = {"interval_seconds": 1, "max_consecutive_failures": 3, "health_check_interval": 1}
        super().configure(**(three | sync))
        lines = "".join(f'{name} = "{value}"\n' for name, value in self.alerts.items())
        self.config.write_text(f"{self.config.read_text()}[alerts]\n{lines}{self.more}")

    @property
    def away(self) -> Path:
        return self.folder / "away.db"

    def lose_the_database(self) -> None:
        self.database.rename(self.away)

    def find_the_database(self) -> None:
        self.away.rename(self.database)

    def sees(self, *events: str) -> None:
        """Waits until the webhook has got so many messages, and finds that they are these."""
        self.hook.until(lambda got: len(got) >= len(events), f"{events}\n{self.log.read_text()[-2000:]}")
        assert self.hook.events == [*events]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AlertHouse]:
    folder = tmp_path / "h"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box, receiving() as hook, receiving() as switch:
        made = AlertHouse(folder, box, hook, switch)
        try:
            yield made
        finally:
            hook.free.set()
            if made.process is not None and made.process.poll() is None:
                made.process.kill()
                made.process.wait(PATIENCE)


def failed_syncs(house: AlertHouse) -> int:
    status = house.status()
    return status["statistics"]["failed_syncs"] if status else 0


def several_looks(house: AlertHouse, number: int = 2) -> None:
    """So many health checks more: time for whatever would be told twice."""
    before = len(house.events("health.checked"))
    house.until(lambda: len(house.events("health.checked")) >= before + number, "it looks after its health")


def test_a_database_that_goes_and_comes_is_told_once_also_over_a_restart(house: AlertHouse) -> None:
    house.configure(max_consecutive_failures=1)
    house.start()
    house.synced()
    house.lose_the_database()
    house.sees("alert")
    (message,) = [one.json for one in house.hook.got]
    assert message["severity"] == "error"
    assert {item["kind"] for item in message["items"]} == {"health", "breaker"}
    assert "degraded: syncs fail: there is no SQLite file" in message["title"]
    assert "Failed 1 time in a row. Last success: 20" in message["text"]
    assert message["hint"] and f"What to do: {message['hint']}" in message["text"]
    several_looks(house)
    assert house.end() == 0
    house.start()
    before = failed_syncs(house)
    assert house.command("force").returncode == 1
    assert failed_syncs(house) == before + 1, "it has met the same again"
    several_looks(house)
    house.kill()
    house.start()
    several_looks(house)
    assert house.hook.events == ["alert"], "no restart, and no stop, is anything to tell"
    house.find_the_database()
    house.command("force")
    house.sees("alert", "recovery")
    assert "over: syncs work again" in house.hook.got[1].json["title"]
    assert all(item["lasted_seconds"] > 0 for item in house.hook.got[1].json["items"])
    several_looks(house)
    house.sees("alert", "recovery")
    status = house.client.status()["alerts"]
    assert (status["configured"], status["active"], status["last_error"]) == (True, [], None)


def test_a_webhook_that_hangs_delays_no_sync_and_no_end(house: AlertHouse) -> None:
    house.hook.hold()
    house.switch.hold()
    house.lose_the_database()
    house.start()
    house.hook.until(lambda got: got, "the alert is on its way")
    house.find_the_database()
    assert house.command("force").returncode == 0
    house.until(lambda: house.emails(), "the sheet is filled")
    assert sorted(house.emails()) == sorted(house.wanted())
    assert house.hook.held + house.switch.held >= 1, "while it still holds the request"
    assert house.end() == 0


def test_what_a_kill_came_before_is_sent_after_the_next_start(house: AlertHouse) -> None:
    house.configure(max_consecutive_failures=1)
    house.start()
    house.synced()
    house.hook.hold()
    house.lose_the_database()
    house.hook.until(lambda got: got, "the alert is on its way")
    house.kill()
    house.hook.free.set()
    house.start()
    first, second, *_ = house.hook.until(lambda got: len(got) >= 2, "it is sent again")
    assert first.body == second.body
    several_looks(house)
    assert len(house.hook.got) == 2


def test_what_could_not_be_sent_is_tried_again_and_shown(house: AlertHouse) -> None:
    house.hook.statuses = [500, 200]
    house.start()
    house.synced()
    house.lose_the_database()
    house.until(lambda: house.events("alert.failed"), "the first try fails")
    status = house.command("status").stdout
    assert "alerts" in status and "could not be sent" in status and "it answers 500" in status
    house.hook.until(lambda got: len(got) >= 2, "it is tried again")
    assert house.hook.got[0].body == house.hook.got[1].body
    assert SECRET not in house.log.read_text() + status + json.dumps(house.client.status())


def test_a_dead_mans_switch_hears_of_start_success_and_failure(house: AlertHouse) -> None:
    house.configure(interval_seconds=3600)
    house.start()
    house.switch.until(lambda got: len(got) >= 2, "start and success")
    house.lose_the_database()
    house.command("force")
    got = house.switch.until(lambda got: any("/fail" in one.path for one in got), "failure")
    paths = [one.path for one in got]
    assert paths[:2] == [f"/{SECRET}/start?rid=1", f"/{SECRET}?rid=1"]
    assert paths[-1] == f"/{SECRET}/fail?rid=1"


def test_a_refusal_of_a_guard_is_told_with_what_to_do(house: AlertHouse) -> None:
    house.start()
    house.synced()
    house.sql("DELETE FROM user_profiles")
    house.sees("alert")
    message = house.hook.got[0].json
    assert (message["dataset"], message["items"][0]["kind"]) == ("user_profiles", "guard")
    assert "mmsync force user_profiles --allow-deletes" in message["hint"]
    several_looks(house)
    assert house.command("force", "user_profiles", "--allow-deletes").returncode == 0
    house.sees("alert", "recovery")


def test_a_reload_takes_other_addresses_at_once(house: AlertHouse) -> None:
    house.start()
    house.synced()
    with receiving() as other:
        house.alerts["webhook"] = f"{other.url}/{SECRET}"
        house.configure()
        assert "alerts.webhook" in house.command("reload").stdout
        house.lose_the_database()
        other.until(lambda got: got, "the new address is told")
    assert house.hook.got == []
    house.alerts["webhook"] = "ftp://wrong"
    house.configure()
    assert house.command("reload").returncode == 78


def test_a_url_that_apprise_cannot_read_ends_the_start_and_is_seen_by_check(house: AlertHouse) -> None:
    house.more = f'urls = ["nothing-of-that-name://{SECRET}"]\n'
    house.configure()
    done = house.command("run")
    assert done.returncode == 78
    assert "Apprise cannot read number 1" in done.stderr and SECRET not in done.stderr
    checked = house.command("check", "--json")
    (check,) = [one for one in json.loads(checked.stdout)["checks"] if one["name"] == "alerts"]
    assert (checked.returncode, check["status"]) == (1, "failed")
    assert SECRET not in checked.stdout


def test_alerts_test_tells_everybody_now_and_says_who_could_not_be(house: AlertHouse) -> None:
    with receiving([503]) as broken:
        house.more = f'urls = ["{broken.url.replace("http", "json")}/{SECRET}"]\n'
        house.configure()
        done = house.command("alerts", "test")
        assert done.returncode == 1
        assert [line.partition(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")] == [
            "✓ webhook 127.0.0.1", "✗ apprise 1 (json)", "✓ ping 127.0.0.1",
        ]  # fmt: skip
        assert SECRET not in done.stdout + done.stderr
        shown = json.loads(house.command("alerts", "test", "--json").stdout)
    assert house.hook.events == ["test", "test"]
    assert [one["ok"] for one in shown["addresses"]] == [True, False, True]
    house.more, house.alerts = "", {}
    house.configure()
    nobody = house.command("alerts", "test")
    assert nobody.returncode == 2
    assert "MMSYNC_ALERT_WEBHOOK" in nobody.stderr


def test_nothing_of_anybody_and_no_secret_is_in_a_message_or_kept(house: AlertHouse) -> None:
    canary = "canary@example.com"
    house.sql(f"UPDATE users SET email = '{canary}' WHERE email = (SELECT min(email) FROM users)")
    house.start()
    house.synced()
    house.box.person(house.box.spreadsheet_id).type_rows("UserProfiles", 1, 0, [[canary] * 3] * 20)
    house.sql("DELETE FROM user_profiles")
    house.hook.until(lambda got: got, "something is told")
    house.lose_the_database()
    house.hook.until(lambda got: len(got) >= 2, "and something else")
    house.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
    house.process.wait(PATIENCE)  # type: ignore[union-attr]
    key = json.loads(house.box.credentials_file.read_text())["private_key"]
    told = "\n".join(one.body.decode() for one in house.hook.got)
    kept = b"\n".join(path.read_bytes() for path in (house.folder / "state").iterdir() if path.is_file())
    with sqlite3.connect(house.folder / "state" / "state.db") as db:
        assert db.execute("SELECT count(*) FROM alert").fetchone()[0] >= 1
    for secret in (canary, SECRET, "ya29.", *(line for line in key.splitlines() if len(line) > 20)):
        assert secret not in told
        assert secret.encode() not in kept
        assert secret not in house.log.read_text()
