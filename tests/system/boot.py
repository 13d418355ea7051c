"""A real systemd for tests, booted in namespaces of its own, as root, in half a second.

Nothing of the machine is changed: a small root of its own in memory (boot_root.sh), processes, mounts, network and
control groups that end with it, also when the tests are killed. Nothing here sleeps: a boot is heard of as systemd
tells it, everything else is asked again until a deadline.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

import moneymentor_sync

T = TypeVar("T")

SYSTEMD = Path("/lib/systemd/systemd")
PATIENCE_SECONDS = 60.0
"""For whatever should take a second; a machine that is busy takes longer."""
_NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup")
_PROGRAMS = ("unshare", "nsenter", "setpriv", "pivot_root", "ldconfig", "systemctl", "systemd-run", "journalctl")
_PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> str | None:
    """What keeps this machine from booting a systemd in namespaces; None where nothing does."""
    if os.geteuid() != 0:
        return "not root: only root may make the namespaces"
    if not SYSTEMD.exists():
        return f"no systemd: there is no {SYSTEMD}"
    absent = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    group = control_group()
    if group is None or not os.access(group, os.W_OK):
        return "no control groups of version 2 are mounted" if group is None else f"{group} cannot be written"
    mounts = [f"mount -t {kind} {kind} /mnt" for kind in ("tmpfs", "proc", "sysfs", "cgroup2")]
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--fork", "sh", "-c", " && ".join(mounts)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    return None if tried.returncode == 0 else f"no namespaces: {tried.stderr.strip()}"


def wait_until(condition: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first result that is true; AssertionError, with what was waited for, where none comes in time."""
    deadline = time.monotonic() + seconds
    nobody = threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        nobody.wait(0.02)
    return found


@dataclass(frozen=True, slots=True)
class Booted:
    """A systemd that is up; commands are run beside it, as root."""

    init: int
    console: Path

    def run(
        self,
        *command: str,
        stdin: str | None = None,
        environ: Mapping[str, str] | None = None,
        directory: str = "/",
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command inside; AssertionError, with what it said, where it fails and `check` is set."""
        inside = ["env", "-i", "-C", directory, f"PATH={_PATH}", "HOME=/root", "LC_ALL=C.UTF-8"]
        inside += [f"{name}={value}" for name, value in (environ or {}).items()]
        enter = ["nsenter", f"--target={self.init}", *_NAMESPACES, "--"]
        done = subprocess.run(
            [*enter, *inside, *command], input=stdin, capture_output=True, text=True, timeout=PATIENCE_SECONDS * 2
        )
        assert done.returncode == 0 or not check, (
            f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}\n{self.journal()}"
        )
        return done

    def write(self, path: str, text: str, mode: str = "0644") -> None:
        self.run("install", "-D", "-m", mode, "/dev/stdin", path, stdin=text)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` has it."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, *arguments: str) -> str:
        """The journal's last lines, or what the arguments choose."""
        chosen = arguments or ("--lines=60",)
        command = ("journalctl", "--no-pager", "--output=short-monotonic", *chosen)
        return self.run(*command, check=False).stdout


@contextmanager
def booted(
    directory: Path,
    visible: Mapping[Path, str],
    shared: Mapping[Path, str],
    *,
    copies: Mapping[Path, str] | None = None,
    unit: str = "basic.target",
) -> Iterator[Booted]:
    """Boots to a unit; ends every process of it.

    `directory` is an empty one for what the boot needs, `visible` says which directories of the machine can be
    read inside and where, `shared` which can be written, too, and `copies` which can be written inside alone.
    """
    root, console = directory / "root", directory / "console.log"
    root.mkdir()
    console.touch()
    kinds = (("copy", copies or {}), ("ro", visible), ("rw", shared))
    binds = [
        part for kind, which in kinds for source, place in which.items() for part in (kind, str(source), place)
    ]
    with ExitStack() as held:
        group = held.enter_context(_control_group())
        listening = held.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        listening.bind(str(directory / "notify"))
        script = [str(Path(__file__).with_name("boot_root.sh")), str(root), str(directory / "notify"), str(console)]
        outer = held.enter_context(_in_namespaces(group, ["sh", *script, unit, *binds], console))
        try:
            _hear_ready(listening, outer)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{console.read_text(errors='replace')[-4000:]}") from None
        yield Booted(_only_child(outer.pid), console)


@contextmanager
def _in_namespaces(group: Path, command: Sequence[str], console: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a command as the first process of new namespaces, in a control group; kills all of them at the end.

    They also die with this process, however that ends.
    """
    join = f'echo $$ > "{group / "cgroup.procs"}" && exec "$@"'
    unshare = ["unshare", *_NAMESPACES, "--fork", "--kill-child=KILL", *command]
    with (
        console.open("ab") as out,
        subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "sh", "-c", join, "sh", *unshare],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        ) as outer,
    ):
        try:
            yield outer
        finally:
            with suppress(AssertionError, ProcessLookupError):
                os.kill(_only_child(outer.pid), signal.SIGKILL)
                outer.wait(PATIENCE_SECONDS)  # it collects its child, and ends
            outer.kill()


@contextmanager
def _control_group() -> Iterator[Path]:
    """A control group below this process's own, which systemd inside takes for the topmost."""
    above = control_group()
    assert above is not None
    group = above / f"mmsync-test-{uuid.uuid4()}"
    group.mkdir()
    try:
        yield group
    finally:
        remove_group(group)


def remove_group(group: Path) -> None:
    """Ends what runs in a control group, and takes it away."""
    with suppress(OSError):  # Linux 5.14; before, the first process's end has to do
        (group / "cgroup.kill").write_text("1")
    wait_until(lambda: "populated 0" in (group / "cgroup.events").read_text(), "all processes are gone")
    for directory, _, _ in os.walk(group, topdown=False):
        Path(directory).rmdir()


def control_group() -> Path | None:
    """This process's control group in the hierarchy of version 2; None where there is none."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    mounted = next((fields for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"), None)
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    return None if mounted is None or own is None else Path(mounted[4]) / own


def _only_child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1, f"{pid} has the children {children}"
    return int(children[0])


def _hear_ready(listening: socket.socket, outer: subprocess.Popen[bytes]) -> None:
    """Waits for systemd's READY=1, which it sends when everything wanted has been started, or failed."""
    ended = os.pidfd_open(outer.pid)
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while True:
            left = max(0.0, deadline - time.monotonic())
            heard, _, _ = select.select([listening.fileno(), ended], [], [], left)
            assert heard, f"systemd is not up after {PATIENCE_SECONDS:g} s"
            assert ended not in heard, "systemd ended"
            if "READY=1" in listening.recv(4096).decode().splitlines():
                return
    finally:
        os.close(ended)


# --- this project's programs inside -------------------------------------------------------------------------

PYTHON = "/opt/python"
PROJECT = "/opt/mmsync"


def project_visible() -> dict[Path, str]:
    """Where this interpreter, this package and what it needs are, and where they are to be seen inside."""
    return {
        Path(sys.base_prefix): PYTHON,
        Path(pytest.__file__).parent.parent: "/opt/packages",
        Path(moneymentor_sync.__file__).parent.parent: "/opt/source",
    }


def install_project(system: Booted) -> None:
    """A virtual environment with the package, as `pip install` would make it, without a network."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    system.run(f"{PYTHON}/bin/python{version}", "-m", "venv", "--without-pip", PROJECT)
    system.write(f"{PROJECT}/lib/python{version}/site-packages/here.pth", "/opt/source\n/opt/packages\n")
    script = f"#!{PROJECT}/bin/python\nimport sys\nfrom moneymentor_sync.cli import main\nsys.exit(main())\n"
    system.write(f"{PROJECT}/bin/mmsync", script, mode="0755")
