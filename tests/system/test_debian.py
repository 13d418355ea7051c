"""The Debian package: judged by Debian's own tools, and installed, upgraded and removed under a real systemd.

`packaging/debian/build` makes it, with a network; here is none. Inside of the boot the machine's /usr and dpkg's
own records are copies: what dpkg does to them is gone at the end.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from moneymentor_sync import __version__
from moneymentor_sync.cli.completion import script
from tests.built import built, wheels

from .boot import booted, missing, wait_until
from .service import PEOPLE, ROOT, Service, make_places, readme_lines, start_sandbox
from .test_systemd import operator_of, shown

VERSION = f"{__version__}-1"
NEWER = f"{__version__}.1-1"
PEOPLE_TABLE = '[[datasets]]\nname = "people"\ntab = "People"\ntable = "people"\nkey = ["id"]\n'
LEFT = ("/etc", "/lib/systemd", "/run", "/usr", "/var")


def package() -> Path:
    """The package of this version; skips where there is none."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb: this is no Debian")
    return built(f"mmsync_{VERSION}_*.deb", "packaging/debian/build")


def asked(*command: str | Path) -> str:
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("unpacked")
    asked("dpkg-deb", "--extract", package(), tree)
    return tree


# --- the file ---------------------------------------------------------------------------------------------


def test_lintian_has_nothing_to_say_against_it() -> None:
    deb = package()
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    found = asked("lintian", "--fail-on", "error,warning", deb)
    assert [line for line in found.splitlines() if line[:2] in ("E:", "W:")] == []
    overrides = (ROOT / "packaging/debian/mmsync.lintian-overrides").read_text().splitlines()
    reasons = [one.startswith("# ") for one in overrides]
    assert reasons == [True, False] * (len(overrides) // 2), "each override has its reason above it"


def test_it_has_what_is_locked_and_nothing_else() -> None:
    lock = (ROOT / ".ci" / "requirements.lock").read_text()
    listed = asked("dpkg-deb", "--contents", package())
    found = dict(re.findall(r"\./usr/lib/mmsync/([A-Za-z0-9_.]+)-([0-9][^/-]*)\.dist-info/METADATA", listed))
    assert found.pop("moneymentor_sync") == __version__
    locked = {
        re.sub(r"[-_.]+", "_", name): version for name, version in re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", lock)
    }
    vendored = {re.sub(r"[-_.]+", "_", name).lower(): version for name, version in found.items()}
    assert vendored == {name: locked[name] for name in vendored}
    assert {"psycopg", "apprise", "pymysql", "pygsheets"} <= set(vendored)
    assert not {"pytest", "ruff", "hypothesis"} & set(vendored)
    own = {
        line.rsplit(" ./usr/lib/mmsync/", 1)[1]
        for line in listed.splitlines()
        if "mmsync/moneymentor_sync/" in line
    }
    source = ROOT / "src"
    there = {one.relative_to(source).as_posix() for one in source.rglob("*") if one.is_file()}
    assert {one for one in own if not one.endswith("/")} == {one for one in there if "__pycache__" not in one}


@pytest.mark.parametrize(
    ("place", "shell"),
    [
        ("bash-completion/completions/mmsync", "bash"),
        ("zsh/vendor-completions/_mmsync", "zsh"),
        ("fish/vendor_completions.d/mmsync.fish", "fish"),
    ],
)
def test_each_shell_finds_its_completion(unpacked: Path, place: str, shell: str) -> None:
    assert (unpacked / "usr/share" / place).read_text(encoding="utf-8") == script(shell)


def test_the_manual_is_the_whole_one_and_there_once(unpacked: Path) -> None:
    (page,) = unpacked.rglob("mmsync.1*")
    assert page == unpacked / "usr/share/man/man1/mmsync.1.gz"
    assert gzip.decompress(page.read_bytes()) == (ROOT / "docs/man/mmsync.1").read_bytes()


def test_every_vendored_package_is_in_the_copyright_file(unpacked: Path) -> None:
    text = (unpacked / "usr/share/doc/mmsync/copyright").read_text()
    stanzas = re.findall(r"(?m)^Files: (.+)\nCopyright: .+(?:\n .+)*\nLicense: (.+)$", text)
    covered = {path.split("/")[3] for paths, _ in stanzas for path in paths.split() if path != "*"}
    tops = {one.name for one in (unpacked / "usr/lib/mmsync").iterdir()}
    own = {one for one in tops if one.startswith("moneymentor_sync")}
    assert tops - own - covered <= {"psycopg_binary.libs"} | covered
    assert {name for _, name in stanzas} <= set(
        re.findall(r"(?m)^License: (.+)$", text.partition("\nLicense: MIT\n")[2])
    ) | {"MIT"}


def test_built_again_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    deb = package()
    if shutil.which("dh") is None:
        pytest.skip("debhelper is not installed")
    wheels()
    asked(ROOT / "packaging" / "debian" / "build", "--keep", "--to", tmp_path)
    again = tmp_path / deb.name
    assert again.read_bytes() == deb.read_bytes()


# --- a machine --------------------------------------------------------------------------------------------


@contextmanager
def machine(directory: Path, deb: Path) -> Iterator[Service]:
    """Booted, with Debian's own Python and the package not yet installed."""
    why_not = missing()
    if why_not is not None:
        pytest.skip(f"systemd cannot be booted here: {why_not}")
    if not Path("/usr/bin/python3.11").exists() or not Path("/usr/bin/py3compile").exists():
        pytest.skip("no python3.11 of Debian's, which the package needs")
    database = make_places(directory)
    newer(deb, directory / "packages")
    visible = {
        Path(__file__).parent: "/opt/tests",
        directory / "app": "/srv/app",
        directory / "packages": "/srv/packages",
        Path("/etc/dpkg"): "/etc/dpkg",
    }
    copies = {Path("/usr"): "/usr", Path("/var/lib/dpkg"): "/var/lib/dpkg"}
    with booted(directory / "boot", visible, {directory / "box": "/srv/box"}, copies=copies) as system:
        system.write("/var/lib/dpkg/statoverride", "")  # it names groups of the machine's
        system.run("rm", "-f", "/usr/sbin/policy-rc.d")  # in a container that forbids all services to start
        system.run("dpkg", "--install", f"/srv/packages/{deb.name}")
        yield Service(
            system, start_sandbox(system, directory / "box", "/usr/bin/mmsync"), database, "/usr/bin/python3"
        )


def newer(deb: Path, directory: Path) -> None:
    """The package, and beside it the same as a later version."""
    directory.mkdir()
    shutil.copy(deb, directory)
    tree = directory / "tree"
    asked("dpkg-deb", "--raw-extract", deb, tree)
    for name, old, new in (
        ("DEBIAN/control", f"Version: {VERSION}", f"Version: {NEWER}"),
        ("usr/lib/mmsync/moneymentor_sync/__init__.py", f'"{__version__}"', f'"{__version__}.1"'),
    ):
        text = (tree / name).read_text()
        assert old in text
        (tree / name).write_text(text.replace(old, new))
    asked("dpkg-deb", "-Znone", "--build", tree, directory / "newer.deb")
    shutil.rmtree(tree)


def version(service: Service) -> str:
    return service.system.run("mmsync", "--version").stdout.splitlines()[0]


def left(service: Service) -> list[str]:
    """What is called by our name; dpkg's own log is dpkg's."""
    found = service.system.run("find", *LEFT, "-xdev", "-name", "*mmsync*", check=False).stdout.splitlines()
    return [one for one in found if not one.startswith("/run/systemd/")]


def test_from_the_installation_to_the_purge(tmp_path: Path) -> None:
    deb = package()
    with machine(tmp_path, deb) as service:
        run = service.system.run

        # Installed: nothing runs, and nothing has failed, since nothing is configured.
        assert (service.show("ActiveState"), service.show("UnitFileState")) == ("inactive", "disabled")
        assert version(service) == f"mmsync {__version__}"
        assert run("stat", "--format=%a %U %G", "/etc/mmsync").stdout == "750 root mmsync\n"
        assert service.systemctl("start", check=False) != 0
        assert service.show("ExecMainStatus") == "78"  # what is missing is in the journal
        service.system.run("systemctl", "reset-failed")

        # Configured as systemd/README.md and README.Debian say, it works.
        install, init, check, start = readme_lines("From the Debian package")
        assert install == "sudo apt install ./dist/mmsync_*.deb"
        debian = (ROOT / "packaging/debian/README.Debian").read_text(encoding="utf-8")
        assert all(line.removeprefix("sudo ") in debian for line in (init, check, start))
        service.system.write("/etc/mmsync/.env", f"MMSYNC_GOOGLE_API_ENDPOINT={service.box['url']}\n")
        answers = {
            "--database-url": "sqlite:////srv/app/app.db",
            "--spreadsheet": service.box["spreadsheet_id"],
            "--credentials-file": service.box["credentials_file"],
        }
        init += " --yes " + " ".join(word for answer in answers.items() for word in answer)
        said = run("sh", "-c", init.removeprefix("sudo ")).stdout
        assert "root and the group mmsync may read it" in said
        modes = run(
            "sh", "-c", "cd /etc/mmsync; stat --format='%n %a %G' sync.toml database_url service-account.json"
        )
        assert modes.stdout.splitlines() == [
            "sync.toml 640 mmsync", "database_url 600 root", "service-account.json 600 root",
        ]  # fmt: skip
        assert "app.db" not in run("cat", "/etc/mmsync/sync.toml").stdout
        again = run("sh", "-c", init.removeprefix("sudo "), check=False)
        assert (again.returncode, "nothing was changed" in again.stderr) == (1, True)
        configured = run("cat", "/etc/mmsync/sync.toml").stdout
        for name in ("enable_user_profiles", "enable_course_stats"):
            configured = configured.replace(f"\n{name} = true", f"\n{name} = false")
        service.configure(f"{configured}\n{PEOPLE_TABLE}")
        assert (
            "database" in run("sh", "-c", check.removeprefix("sudo ")).stdout
        )  # as root, by the files that the unit will hand over
        assert run("find", "/var/lib/private/mmsync", "-user", "root", check=False).stdout == ""
        run("sh", "-c", start.removeprefix("sudo "))
        wait_until(lambda: service.tab() == shown(PEOPLE), "the tab holds the rows of the database")
        status = run("setpriv", *operator_of(service), "env", "HOME=/", "mmsync", "status")
        assert "people" in status.stdout

        # An upgrade restarts it, and what it knew it still knows.
        before, pid = service.status()["statistics"]["total_syncs"], service.show("MainPID")
        run("dpkg", "--install", "/srv/packages/newer.deb")
        assert version(service) == f"mmsync {__version__}.1"
        assert (service.show("ActiveState"), service.show("MainPID") != pid) == ("active", True)
        assert service.status()["version"] == f"{__version__}.1"
        wait_until(lambda: service.status()["statistics"]["total_syncs"] > before, "it goes on counting")
        assert service.tab() == shown(PEOPLE)

        # Removed it is stopped, and configuration and state stay.
        run("systemctl", "stop", "sandbox")
        run("dpkg", "--remove", "mmsync")
        assert service.show("ActiveState") == "inactive"
        assert run("sh", "-c", "command -v mmsync", check=False).returncode != 0
        assert run("find", "/usr/lib/mmsync", check=False).stdout == ""
        for kept in ("/etc/mmsync/sync.toml", "/etc/mmsync/database_url", "/var/lib/private/mmsync/state.db"):
            run("test", "-s", kept)

        # Purged nothing is left.
        run("dpkg", "--purge", "mmsync")
        run("systemctl", "daemon-reload")
        assert left(service) == []
        assert run("getent", "group", "mmsync", check=False).returncode != 0
