"""The unit: judged by systemd's own tools, and run by a real systemd against a real sandbox."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .boot import booted, control_group, missing, remove_group, wait_until
from .service import (
    CHECKOUT,
    CONFIG,
    PEOPLE,
    ROOT,
    SOCKET,
    STATE,
    UNIT,
    Service,
    readme_command,
    readme_commands,
    readme_lines,
    surroundings,
)

FILE = ROOT / "systemd" / UNIT
MOST_EXPOSED = 1.5
WHY_NOT = missing()

needs_tools = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
needs_boot = pytest.mark.skipif(WHY_NOT is not None, reason=f"systemd cannot be booted here: {WHY_NOT}")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


# --- the files --------------------------------------------------------------------------------------------


@needs_tools
def test_the_exposure_is_low() -> None:
    done = analyze("security", "--offline=true", f"--threshold={int(MOST_EXPOSED * 10)}", str(FILE))
    assert done.returncode == 0, done.stdout
    overall = re.search(r"Overall exposure level for mmsync\.service: ([\d.]+)", done.stdout)
    assert overall is not None
    assert float(overall[1]) <= MOST_EXPOSED


@needs_tools
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    program = "/opt/mmsync/bin/mmsync"
    assert f"\nExecStart={program} run " in text
    here = tmp_path / UNIT  # where that program is not installed, another has to do
    here.write_text(text if Path(program).exists() else text.replace(program, "/bin/true"), encoding="utf-8")
    done = analyze("verify", str(here))
    ours = [line for line in (done.stdout + done.stderr).splitlines() if UNIT in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_waits_longer_than_the_daemon_takes_to_stop() -> None:
    from moneymentor_sync.core.settings import SyncSettings

    stop = re.search(r"(?m)^TimeoutStopSec=(\d+)$", FILE.read_text(encoding="utf-8"))
    assert stop is not None
    assert float(stop[1]) >= SyncSettings().stop_timeout_seconds + 10


def test_the_installation_is_six_commands() -> None:
    assert len(readme_commands()) == 6


# --- a real systemd ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with surroundings(tmp_path_factory.mktemp("system")) as service:
        service.install()
        yield service


@pytest.fixture
def service(installed: Service) -> Service:
    """The service, running, with the configuration as it was installed."""
    installed.configure(installed.config())
    installed.system.run("systemctl", "reset-failed")
    installed.systemctl("start")
    return installed


@needs_boot
def test_it_is_active_when_it_works_and_the_first_sync_arrives(service: Service) -> None:
    assert service.show("ActiveState") == "active"
    assert service.status()["is_running"] is True  # at once: active means that it answers
    wait_until(lambda: service.tab() == shown(PEOPLE), "the tab holds the rows of the database")


def shown(people: list[tuple[int, str, str]]) -> list[tuple[str, ...]]:
    return [("id", "name", "email"), *((str(key), name, email) for key, name, email in people)]


def operator_of(service: Service) -> tuple[str, ...]:
    """Arguments for setpriv that make it a user in the group and nothing more."""
    group = service.system.run("getent", "group", "mmsync").stdout.split(":")[2]
    return ("--reuid=4000", "--regid=4000", f"--groups={group}")


@needs_boot
def test_an_operators_commands_find_the_daemon(service: Service) -> None:
    done = service.system.run("setpriv", *operator_of(service), "env", "HOME=/", "mmsync", "status", "--json")
    assert json.loads(done.stdout)["is_running"] is True


@needs_boot
def test_operators_reach_it_and_nobody_else_does(service: Service) -> None:
    operator = operator_of(service)
    stranger = ("--reuid=4001", "--regid=4001", "--clear-groups")
    assert service.ask(SOCKET, "/sync/status", identity=operator)["status"] == 200
    assert service.ask(SOCKET, "/sync/status", identity=stranger) == {"error": "PermissionError"}
    told = service.system.run("setpriv", *stranger, "env", "HOME=/", "mmsync", "status", check=False)
    assert (told.returncode, "be in the group mmsync" in told.stderr) == (3, True)
    may_read = [
        service.system.run("setpriv", *who, "cat", place, check=False).returncode == 0
        for who in (operator, stranger)
        for place in (CONFIG, "/etc/mmsync/database_url", "/etc/mmsync/service-account.json", STATE)
    ]
    assert may_read == [True, False, False, False] + [False] * 4
    modes = service.system.run("stat", "--format=%a %G", SOCKET, "/run/mmsync", STATE).stdout.splitlines()
    assert modes == ["660 mmsync", "750 mmsync", "600 mmsync"]


@needs_boot
def test_killed_it_comes_back_and_goes_on(service: Service) -> None:
    wait_until(lambda: service.tab(), "the first sync has arrived")
    before, starts = service.show("MainPID"), int(service.show("NRestarts"))
    service.system.run("kill", "-9", before)
    wait_until(lambda: service.show("MainPID") not in (before, "0"), "another process runs")
    service.wait_for("ActiveState", "active")
    assert int(service.show("NRestarts")) == starts + 1
    assert service.status()["is_running"] is True
    added = (3, "Cy Featherstonehaugh", "cy@feather.example")
    with service.one_more(*added):
        service.sync()
        wait_until(lambda: service.tab() == shown([*PEOPLE, added]), "the next sync has arrived")


@needs_boot
def test_a_daemon_that_hangs_is_replaced(service: Service) -> None:
    with service.changed_unit("WatchdogSec=4", "TimeoutAbortSec=100ms"):
        before = service.show("MainPID")
        service.system.run("kill", "-STOP", before)
        wait_until(lambda: service.show("MainPID") not in (before, "0"), "another process runs")
        service.wait_for("ActiveState", "active")
    assert "watchdog" in service.system.journal("--unit", UNIT, "--grep=Failed with result")


@needs_boot
def test_a_reload_changes_the_running_daemon_and_a_wrong_one_does_not(service: Service) -> None:
    process = service.show("MainPID")
    service.configure(service.config(interval=61))
    service.systemctl("reload")
    wait_until(lambda: interval(service) == 61, "the new interval holds")
    service.wait_for("ActiveState", "active")

    complaints = len(bad_news(service, process))
    service.configure("[sync]\ninterval_seconds = 'often'\n")
    service.systemctl("reload")
    wait_until(lambda: len(bad_news(service, process)) > complaints, "the refusal is in the log")
    service.wait_for("ActiveState", "active")
    assert interval(service) == 61

    service.configure(service.config(interval=62))
    service.systemctl("reload")
    wait_until(lambda: interval(service) == 62, "a reload works after one that was refused")
    service.wait_for("ActiveState", "active")
    assert service.show("MainPID") == process


def interval(service: Service) -> object:
    return service.status().get("config", {}).get("interval_seconds")


def bad_news(service: Service, process: str) -> list[str]:
    """What the process itself logged as a warning or worse."""
    records = [one for one in service.records() if one.get("_PID") == process]
    return [one["MESSAGE"] for one in records if int(one["PRIORITY"]) <= 4]


@needs_boot
def test_a_wrong_configuration_ends_it_for_good(service: Service) -> None:
    service.systemctl("stop")
    service.configure("[sync]\ninterval_seconds = 'often'\n")
    assert service.systemctl("start", check=False) != 0
    found = {name: service.show(name) for name in ("ActiveState", "SubState", "ExecMainStatus", "Result")}
    assert found == {
        "ActiveState": "failed",  # after anything else it would wait for the next start: auto-restart
        "SubState": "failed",
        "ExecMainStatus": "78",
        "Result": "exit-code",
    }
    assert "interval_seconds" in service.system.journal("--unit", UNIT)


@needs_boot
@pytest.mark.parametrize("credential", ["service-account.json", "database_url"])
def test_without_a_credential_it_says_what_is_missing(service: Service, credential: str) -> None:
    service.systemctl("stop")
    place = f"/etc/mmsync/{credential}"
    service.system.run("mv", place, f"{place}.away")
    try:
        assert service.systemctl("start", check=False) != 0
        assert service.show("ExecMainStatus") == "78"  # and not 243, systemd's own for a missing file
    finally:
        service.system.run("mv", f"{place}.away", place)


@needs_boot
def test_stopped_it_leaves_its_state_and_nothing_else(service: Service) -> None:
    wait_until(lambda: service.tab(), "the first sync has arrived")
    service.systemctl("stop")
    found = {name: service.show(name) for name in ("ActiveState", "Result", "ExecMainCode", "ExecMainStatus")}
    assert found == {"ActiveState": "inactive", "Result": "success", "ExecMainCode": "1", "ExecMainStatus": "0"}
    assert service.system.run("ls", "/run/mmsync", check=False).returncode != 0
    assert service.system.run("stat", "--format=%a", "/var/lib/private/mmsync").stdout == "700\n"
    service.system.run("test", "-s", STATE)
    status = service.system.run("mmsync", "status", "--config", CONFIG, check=False)
    assert (status.returncode, "→ Start it with `systemctl start mmsync`" in status.stdout) == (3, True)


@needs_boot
def test_the_journal_has_events_with_priorities_and_nothing_of_anybodys(service: Service) -> None:
    wait_until(lambda: service.tab(), "the first sync has arrived")
    service.systemctl("stop")
    own = [one for one in service.records() if one.get("_COMM") != "systemd"]
    events = [(json.loads(one["MESSAGE"]), one["PRIORITY"]) for one in own if one["MESSAGE"].startswith("{")]
    assert "sync.finished" in {event["event"] for event, _ in events}
    priorities = {"debug": "7", "info": "6", "warning": "4", "error": "3"}
    assert all(priority == priorities[event["level"]] and "timestamp" not in event for event, priority in events)

    whole = "\n".join(str(one["MESSAGE"]) for one in service.records())
    key = json.loads(service.system.run("cat", "/etc/mmsync/service-account.json").stdout)
    hidden = [text for _, name, email in PEOPLE for text in (name, email)]
    hidden += [key["private_key_id"], *key["private_key"].splitlines()[1:-1]]
    assert [text for text in hidden if text in whole] == []


@needs_boot
def test_systemd_itself_finds_the_installed_unit_in_order(service: Service) -> None:
    done = service.system.run("systemd-analyze", "verify", f"/etc/systemd/system/{UNIT}", check=False)
    assert [line for line in (done.stdout + done.stderr).splitlines() if UNIT in line] == []


@needs_boot
def test_the_readmes_check_finds_nothing_wrong_and_leaves_nothing_behind(service: Service) -> None:
    wait_until(lambda: service.tab(), "the first sync has arrived")
    service.sh(readme_command("To try everything"))
    assert service.system.run("find", "/var/lib/private/mmsync", "-user", "root").stdout == ""


@needs_boot
def test_the_command_writes_the_same_files_as_the_six_commands(service: Service) -> None:
    write, make, init, start = readme_lines("From the wheel", 1)
    service.sh(write.replace("--to /", "--to /srv/root --program /opt/mmsync/bin/mmsync"))
    for place in ("etc/systemd/system/mmsync.service", "etc/sysusers.d/mmsync.conf", "etc/tmpfiles.d/mmsync.conf"):
        service.system.run("cmp", f"/{place}", f"/srv/root/{place}")
    service.sh(make)
    said = service.system.run("mmsync", "service", "--help").stdout
    assert "sudo mmsync service --to /" in " ".join(said.split())
    assert (init, start) == (
        "sudo mmsync init --output /etc/mmsync/sync.toml",
        "sudo systemctl daemon-reload && sudo systemctl enable --now mmsync",
    )


@needs_boot
def test_removed_nothing_is_left(tmp_path: Path) -> None:
    with surroundings(tmp_path) as service:
        service.install()
        service.system.write("/etc/systemd/system/mmsync.service.d/override.conf", "[Service]\nNice=6\n")
        service.sh(readme_command("\nRemove"))
        left = service.system.run("find", "/etc", "/opt", "/run", "/usr/local", "/var", "-name", "*mmsync*").stdout
        ours = ("/opt/source/", f"{CHECKOUT}/", "/run/systemd/")  # the boot has put it there, or goes with it
        assert [line for line in left.splitlines() if not line.startswith(ours)] == []
        assert service.system.run("getent", "group", "mmsync", check=False).returncode != 0


# --- the harness ------------------------------------------------------------------------------------------


@needs_boot
@pytest.mark.parametrize("how", ["well", "badly"])
def test_nothing_of_a_boot_is_left_on_the_machine(tmp_path: Path, how: str) -> None:
    before = (mounts(), groups())
    inits: list[int] = []
    with suppress(RuntimeError), booted(tmp_path, {}, {}) as system:
        inits.append(system.init)
        system.run(
            "systemd-run", "--unit=busy", "sh", "-c", "trap '' TERM; while :; do read -t 1 x; done </dev/zero"
        )
        assert (mounts(), len(groups())) == (before[0], len(before[1]) + 1)
        if how == "badly":
            raise RuntimeError
    assert (mounts(), groups()) == before
    assert not Path(f"/proc/{inits[0]}").exists()


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def groups() -> set[str]:
    top = control_group()
    assert top is not None
    return {one.name for one in top.iterdir() if one.name.startswith("mmsync-test-")}


@needs_boot
def test_tests_that_are_killed_leave_nothing_running(tmp_path: Path) -> None:
    """The control group stays, empty: nobody is left who could remove it."""
    code = f"""
import sys
from pathlib import Path
from tests.system.boot import booted
with booted(Path({str(tmp_path)!r}), {{}}, {{}}) as system:
    print(system.init, flush=True)
    sys.stdin.read()
"""
    before = groups()
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        init = int(tests.stdout.readline())
        ended = os.pidfd_open(init)
        tests.kill()
    try:
        assert select.select([ended], [], [], 30)[0] == [ended]
    finally:
        os.close(ended)
    top = control_group()
    assert top is not None
    for name in groups() - before:
        remove_group(top / name)
    assert groups() == before


# --- metrics ----------------------------------------------------------------------------------------------

NODE = "/var/lib/prometheus/node-exporter"
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").partition("\n## Metrics\n")[2]


@needs_boot
def test_the_textfile_is_written_where_the_drop_in_of_the_documentation_lets_it(service: Service) -> None:
    file = f"{NODE}/mmsync.prom"
    (rights,) = re.findall(r"(?m)^chgrp mmsync .*$", OPERATING)
    (drop_in,) = re.findall(r"(?s)```ini\n\[Service\]\n(.*?)```", OPERATING)
    assert f"ReadWritePaths={NODE}\n" == drop_in
    stranger = ("--reuid=4001", "--regid=4001", "--clear-groups")

    def seen() -> str:
        return service.system.run("setpriv", *stranger, "cat", file, check=False).stdout

    service.system.run("mkdir", "-p", NODE)
    service.system.run("sh", "-ec", rights)
    service.configure(f'{service.config()}\n[metrics]\ntextfile = "{file}"\nlisten = "127.0.0.1:9464"\n')
    service.systemctl("restart")
    refused = "cannot be written: Read-only file system"
    wait_until(lambda: any(refused in one["MESSAGE"] for one in service.records()), "the unit keeps it out")
    with service.changed_unit(*drop_in.splitlines()):
        wait_until(lambda: "\nmmsync_up 1.0\n" in seen(), "it is written, and everybody may read it")
        assert "\nmmsync_health{" in service.ask("http://127.0.0.1:9464/metrics")["body"]
        service.systemctl("stop")
        assert "\nmmsync_up 0.0\n" in seen()
