"""Who may ask: the decision, and the look-up of names."""

from __future__ import annotations

import os
import socket
import struct

import pytest

from moneymentor_sync.control.operator import Peer
from moneymentor_sync.control.peers import Access, access_of, peer_of
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import ControlSettings

USERS = {"alice": 1001, "bob": 1002}
GROUPS = {"staff": 50, "ops": 60}
DAEMON = 900


def access(readers: tuple[str, ...] = (), changers: tuple[str, ...] = ()) -> Access:
    return access_of(
        ControlSettings(readers, changers), DAEMON, find_user=USERS.__getitem__, find_group=GROUPS.__getitem__
    )


def peer(uid: int, *groups: int) -> Peer:
    return Peer(1, uid, frozenset(groups))


def may(access: Access, who: Peer) -> str:
    return ("read" if access.may_read(who) else "") + (" change" if access.may_change(who) else "")


ALICE, BOB, STAFF, DAVE = peer(1001), peer(1002, 60), peer(1003, 7, 50), peer(1004, 1001, 1002)


@pytest.mark.parametrize(
    ("readers", "changers", "expected"),
    [
        ((), (), ["read change"] * 4),
        ((), ("alice",), ["read change", "read", "read", "read"]),
        (("alice",), (), ["read change", "", "", ""]),
        (("@staff",), ("alice",), ["read change", "", "read", ""]),
        (("1001", "@50"), ("@ops", "1004"), ["read", "read change", "read", "read change"]),
        (("alice", "bob"), ("@staff", "bob"), ["read", "read change", "read change", ""]),
    ],
)
def test_who_may_what(readers: tuple[str, ...], changers: tuple[str, ...], expected: list[str]) -> None:
    found = access(readers, changers)
    assert [may(found, who) for who in (ALICE, BOB, STAFF, DAVE)] == expected


def test_root_and_the_daemons_own_user_always_may() -> None:
    for found in (access(), access(("alice",), ("alice",)), access(("alice",)), access((), ("alice",))):
        assert may(found, peer(0)) == may(found, peer(DAEMON)) == "read change"


def test_a_number_needs_no_entry_on_this_machine() -> None:
    assert may(access(("4294967294", "@4294967294")), peer(5, 4_294_967_294)) == "read change"


def test_every_unknown_name_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        access(("alice", "eve", "@nobody"), ("@staff", "@eve", "²"))
    assert caught.value.problems == (
        "control.readers: there is no user 'eve' on this machine",
        "control.readers: there is no group 'nobody' on this machine",
        "control.changers: there is no user '²' on this machine",
        "control.changers: there is no group 'eve' on this machine",
    )


def test_names_are_those_of_this_machine() -> None:
    found = access_of(ControlSettings(("root",), ("@root",)), DAEMON)
    assert may(found, peer(7, 0)) == "read change"
    assert may(found, peer(7, 7)) == ""


def test_the_kernel_says_who_is_connected() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert peer_of(one) == Peer(os.getpid(), os.getuid(), frozenset({os.getgid(), *os.getgroups()}))


class Kernel:
    """A connected socket whose peer has other groups than this process can have."""

    def __init__(self, groups: bytes | OSError) -> None:
        self._groups = groups

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        if optname == socket.SO_PEERCRED:
            return struct.pack("3i", 7, 1001, 100)
        if isinstance(self._groups, OSError):
            raise self._groups
        return self._groups


def test_groups_are_its_own_and_the_supplementary_ones() -> None:
    assert peer_of(Kernel(struct.pack("2I", 5, 4_000_000_000))).groups == {100, 5, 4_000_000_000}
    assert peer_of(Kernel(b"")).groups == {100}
    assert peer_of(Kernel(OSError("more than fit"))).groups == {100}
