"""This machine: state file, socket, clock and locks. Pure: what was seen goes in, a check comes out."""

from __future__ import annotations

from moneymentor_sync.core.errors import MetricsFileError

from .facts import Place, PortSeen, SocketSeen, StateSeen
from .result import Check, failed, ok, skipped, warning

STATE = "state file"
BACKUPS = "backups"
SOCKET = "socket"
CLOCK = "clock"
PORT = "metrics port"
TEXTFILE = "metrics textfile"

MOST_SOCKET_BYTES = 107
"""unix(7): sun_path has 108 bytes, one of them for the NUL at the end."""
LEAST_FREE_BYTES = 20_000_000
LITTLE_FREE_BYTES = 200_000_000
CLOCK_WARNING_SECONDS = 60
CLOCK_FAILURE_SECONDS = 300
"""Google refuses a token's request that was signed by a clock which is off by more."""


def _unusable(place: Place) -> str | None:
    """Why no file can be made there; None where it can."""
    if not place.is_directory:
        return f"{place.nearest} is not a directory"
    if not place.writable:
        return f"directory {place.nearest} is not writable for this user"
    return None


def state_check(seen: StateSeen, newest: int) -> Check:
    """The state file; `newest` is the schema version that this mmsync writes."""
    path, elsewhere = seen.place.path, "Set `[state] path` (or MMSYNC_STATE) to a file of its own."
    problem = seen.problem or _unusable(seen.place)
    if problem:
        return failed(STATE, f"{path}: {problem}", "Mend that, or set `[state] path` (or MMSYNC_STATE) elsewhere.")
    if not seen.ours:
        return failed(STATE, f"{path} is a database, but not a state file of mmsync", elsewhere)
    if seen.version is not None and seen.version > newest:
        return failed(
            STATE,
            f"{path} is of version {seen.version}; this mmsync knows up to {newest}",
            "Upgrade mmsync, or give this version a state file of its own.",
        )
    if not seen.writable:
        return failed(STATE, f"{path} is not writable for this user", "Give the file to the user that runs mmsync.")
    return _room(seen, newest)


def _room(seen: StateSeen, newest: int) -> Check:
    path, free = seen.place.path, seen.place.free_bytes
    found = f"{path} can be made" if not seen.exists else f"{path}, version {seen.version}"
    if seen.version is not None and seen.version < newest:
        found += f" (the next sync makes it version {newest})"
    if free is None:
        return ok(STATE, found)
    found += f"; {_size(free)} free on its disk"
    hint = "Free some space on its disk."
    if free < LEAST_FREE_BYTES:
        return failed(STATE, found, hint)
    return warning(STATE, found, hint) if free < LITTLE_FREE_BYTES else ok(STATE, found)


def _size(count: int) -> str:
    return f"{count / 1e9:,.0f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def backup_check(place: Place) -> Check:
    """Where the daily backups go; `place` is of a file in that directory."""
    directory = place.path.parent
    problem = _unusable(place)
    if problem:
        return failed(BACKUPS, f"{directory}: {problem}", "Mend that, or set `[backup] directory` elsewhere.")
    found = f"they go to {directory}"
    if place.free_bytes is None:
        return ok(BACKUPS, found)
    found += f"; {_size(place.free_bytes)} free on its disk"
    hint = "Free some space on its disk, or keep fewer (`keep_daily`, `keep_weekly`)."
    return warning(BACKUPS, found, hint) if place.free_bytes < LITTLE_FREE_BYTES else ok(BACKUPS, found)


def socket_check(seen: SocketSeen) -> Check:
    """Where the daemon's control socket is to be."""
    path = seen.place.path
    hint = "Set `[control] socket` (or MMSYNC_SOCKET) to a short path in a directory of this user's."
    size = len(str(path).encode(errors="surrogateescape"))
    if size > MOST_SOCKET_BYTES:
        return failed(SOCKET, f"{path} is {size} bytes long; a socket's path may have {MOST_SOCKET_BYTES}", hint)
    if seen.occupant == "socket":  # whose the directory is was then for the daemon to judge
        return ok(SOCKET, f"{path} is there: a daemon uses it, or did")
    problem = _unusable(seen.place)
    if problem is None and seen.place.nearest == path.parent and not seen.place.owned:
        problem = f"directory {path.parent} belongs to another user"
    if problem is None and seen.occupant == "file":
        problem = "something that is no socket stands there"
    if problem:
        return failed(SOCKET, f"{path}: {problem}", hint)
    return ok(SOCKET, f"{path} can be made")


def port_check(seen: PortSeen) -> Check:
    """`[metrics] listen`."""
    if seen.ours:
        return ok(PORT, f"{seen.address} answers: a daemon has it")
    if seen.problem:
        hint = (
            "End what listens there (`ss -ltnp` shows it), or set another `[metrics] listen`; no daemon starts so."
        )
        return failed(PORT, f"{seen.address}: {seen.problem}", hint)
    return ok(PORT, f"{seen.address} is free")


def textfile_check(seen: Place) -> Check:
    """`[metrics] textfile`, whose directory is node_exporter's, and not for us to make."""
    problem = _unusable(seen)
    if seen.nearest != seen.path.parent:
        problem = f"there is no directory {seen.path.parent}"
    if problem:
        return warning(TEXTFILE, f"{seen.path}: {problem}", MetricsFileError.default_hint)
    return ok(TEXTFILE, f"{seen.path} can be written")


def clock_check(skew: float | None) -> Check:
    """`skew` is this machine's clock less Google's, in seconds; None where Google gave no time."""
    if skew is None:
        return skipped(CLOCK, "Google gave no answer whose time could be compared")
    off = abs(skew)
    side = "ahead of" if skew > 0 else "behind"
    hint = "Set the clock: `timedatectl set-ntp true`. Google refuses tokens signed by a clock minutes off."
    if off > CLOCK_FAILURE_SECONDS:
        return failed(CLOCK, f"{off:,.0f} s {side} Google's", hint)
    if off > CLOCK_WARNING_SECONDS:
        return warning(CLOCK, f"{off:,.0f} s {side} Google's", hint)
    return ok(CLOCK, "agrees with Google's" if off < 2 else f"{off:.0f} s {side} Google's")


def lock_check(name: str, holder: str | None) -> Check:
    """One sync at a time for each spreadsheet; `holder` is None where the lock is free."""
    if holder is None:
        return ok(name, "free: no other mmsync works on the spreadsheet")
    return warning(
        name,
        f"held by {holder}, which works on the spreadsheet now",
        "Another sync has to wait until that one has finished.",
    )
