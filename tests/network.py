"""No test reaches further than this machine: where the right to it is there, the kernel sees to that.

pytest-socket keeps the test's own process in, as far as Python opens its sockets. A network namespace of its own
keeps in everything that is started from it, too: daemons, browsers, PostgreSQL.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000  # sched.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914  # netdevice(7)
_IFF_UP = 0x1
_IFREQ = "16sH14x"

ALONE = "loopback alone, in a network namespace: nothing that a test starts can reach further"
WATCHED = (
    "loopback alone, for this process (pytest-socket); there is no right to a network namespace for its children"
)


def stay_on_this_machine() -> str:
    """Moves this process, which has no threads yet, into a namespace that has only loopback; says what came of it.

    Raises OSError for anything but the lack of a right.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        number = ctypes.get_errno()
        if number == errno.EPERM:
            return WATCHED
        raise OSError(number, os.strerror(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack(_IFREQ, b"lo", 0)
        _, flags = struct.unpack(_IFREQ, fcntl.ioctl(handle, _SIOCGIFFLAGS, request))
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack(_IFREQ, b"lo", flags | _IFF_UP))
    return ALONE
