"""Who is at the other end of the socket, and whether the settings let them ask.

The kernel says who it is. Names are looked up once, when the daemon starts: a directory service that hangs must
not hold up an answer later. The decision itself is pure.
"""

from __future__ import annotations

import grp
import pwd
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import ControlSettings

from .operator import Peer

ROOT = 0
Lookup = Callable[[str], int]
"""The number of a user's or a group's name. Raises KeyError."""

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))
_SO_PEERGROUPS = 59  # unix(7), Linux 4.13; Python has no name for it
_GROUPS_BYTES = 1024  # the most that Python's getsockopt takes: 256 groups


class Connected(Protocol):
    """What is needed of a connected Unix socket: a real one, or what asyncio lets one see of it."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...


def peer_of(connected: Connected) -> Peer:
    """The process that connected, as it was at that moment. `groups` has its own and its supplementary groups.

    Of a TCP connection the kernel knows nobody: the number of its user is -1.
    """
    pid, uid, gid = _CREDENTIALS.unpack(
        connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return Peer(pid, uid, frozenset({gid}) | _supplementary(connected))


def _supplementary(connected: Connected) -> frozenset[int]:
    try:
        raw = connected.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:  # more groups than fit, or a kernel without the option: then only its own group counts
        return frozenset()
    return frozenset(struct.unpack(f"{len(raw) // 4}I", raw))


@dataclass(frozen=True, slots=True)
class Circle:
    """Users and groups by number."""

    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()

    def has(self, peer: Peer) -> bool:
        return peer.uid in self.uids or not self.gids.isdisjoint(peer.groups)


@dataclass(frozen=True, slots=True)
class Access:
    """The settings with every name looked up. None is everybody whom the socket's mode lets in."""

    own_uid: int
    readers: Circle | None = None
    changers: Circle | None = None

    def may_read(self, peer: Peer) -> bool:
        """Whether the peer may see: everybody where no readers are named; whoever may change may read."""
        return self.readers is None or self.readers.has(peer) or self._named_changer(peer) or self._trusted(peer)

    def may_change(self, peer: Peer) -> bool:
        """Whether the peer may change: where no changers are named, whoever may read.

        So naming readers alone shuts everybody else out, instead of letting all change what few may see.
        """
        if self.changers is None:
            return self.may_read(peer)
        return self._named_changer(peer) or self._trusted(peer)

    def _named_changer(self, peer: Peer) -> bool:
        return self.changers is not None and self.changers.has(peer)

    def _trusted(self, peer: Peer) -> bool:
        return is_trusted(peer, self.own_uid)


def is_trusted(peer: Peer, own_uid: int) -> bool:
    """Whether it is root or the daemon's own user, who could do anything to the daemon anyway."""
    return peer.uid in (ROOT, own_uid)


def access_of(
    settings: ControlSettings,
    own_uid: int,
    *,
    find_user: Lookup = lambda name: pwd.getpwnam(name).pw_uid,
    find_group: Lookup = lambda name: grp.getgrnam(name).gr_gid,
) -> Access:
    """Looks the settings' names up; `own_uid` is the daemon's. May wait for a directory service.

    Raises ConfigError with every name that this machine does not know.
    """
    look = _Names(find_user, find_group)
    access = Access(
        own_uid,
        look.circle("control.readers", settings.readers),
        look.circle("control.changers", settings.changers),
    )
    if look.problems:
        raise ConfigError(look.problems)
    return access


class _Names:
    """Turns names into numbers, and keeps what is wrong with them."""

    def __init__(self, find_user: Lookup, find_group: Lookup) -> None:
        self._find_user = find_user
        self._find_group = find_group
        self.problems: list[str] = []

    def circle(self, path: str, names: Sequence[str]) -> Circle | None:
        """Whom the names mean; None where there are none."""
        if not names:
            return None
        users = [name for name in names if not name.startswith("@")]
        groups = [name.removeprefix("@") for name in names if name.startswith("@")]
        return Circle(
            self._numbers(path, "user", users, self._find_user),
            self._numbers(path, "group", groups, self._find_group),
        )

    def _numbers(self, path: str, kind: str, names: Iterable[str], find: Lookup) -> frozenset[int]:
        found = set()
        for name in names:
            try:
                found.add(int(name) if name.isascii() and name.isdigit() else find(name))
            except KeyError:
                self.problems.append(f"{path}: there is no {kind} {name!r} on this machine")
        return frozenset(found)
