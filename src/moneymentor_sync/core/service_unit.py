"""The system service's files: where each belongs, and the unit as one installation needs it.

The unit names a program and hides parts of the machine from it; whether the two fit is decided here, from paths and
modes that somebody else has looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath, PurePosixPath

PLACES: Mapping[str, PurePosixPath] = {
    "mmsync.service": PurePosixPath("etc/systemd/system/mmsync.service"),
    "mmsync.sysusers.conf": PurePosixPath("etc/sysusers.d/mmsync.conf"),
    "mmsync.tmpfiles.conf": PurePosixPath("etc/tmpfiles.d/mmsync.conf"),
}
"""Each file of systemd/, and where an administrator's own go, below the root."""
PACKAGED = tuple(PurePosixPath(top) / "systemd/system/mmsync.service" for top in ("usr/lib", "lib"))
"""Where a distribution's package has its unit; one below /etc would hide it, and its upgrades, for ever."""
_HIDDEN = {"/home": "ProtectHome", "/root": "ProtectHome", "/run/user": "ProtectHome"} | dict.fromkeys(
    ("/tmp", "/var/tmp"),  # noqa: S108 - named, not used
    "PrivateTmp",
)
_REFUSED = re.compile(r"[\x00-\x1f\x7f'\"\\]")


def how_to_start(exists: Callable[[PurePath], bool]) -> str:
    """What to do where no daemon runs: `systemctl` is of use only where a unit is installed."""
    installed = any(exists(PurePosixPath("/") / place) for place in (PLACES["mmsync.service"], *PACKAGED))
    return f"Start it with {'`systemctl start mmsync`, or ' if installed else ''}`mmsync run`."


def unit_for(unit: str, program: PurePath) -> str:
    """The unit with another program than the one that it names. ValueError where that cannot be."""
    done, found = re.subn(r"(?m)^ExecStart=\S+", lambda _: f"ExecStart={exec_word(program)}", unit)
    if found != 1:
        raise ValueError(f"{found} lines ExecStart= in the unit")
    return done


def exec_word(path: PurePath) -> str:
    """A path as the first word of ExecStart=: systemd.service(5), “Command lines”; `%` is systemd.unit(5)'s.

    ValueError where systemd starts no program of such a name.
    """
    if _REFUSED.search(str(path)):
        raise ValueError("systemd starts no program with quotes, backslashes or control characters in its path")
    text = str(path).replace("%", "%%")
    return text if " " not in text else f'"{text}"'


def hidden(path: PurePath) -> str | None:
    """The setting of the unit that hides a path from the service; None where the service sees it."""
    return next((setting for top, setting in _HIDDEN.items() if path.is_relative_to(top)), None)


def closed(modes: Iterable[tuple[PurePath, int]]) -> PurePath | None:
    """Of paths with their modes the first that a stranger, which the service's user is, may not enter or run."""
    return next((path for path, mode in modes if not mode & 0o001), None)
