"""The tests' own promise: nothing goes further than this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from tests import conftest, network

SOMEWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737, TEST-NET-1)."""
ALONE = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x40000000) != 0)"
"""Ends with 0 where there is the right to a network namespace (CLONE_NEWNET)."""
CONNECT = f"import socket; socket.create_connection({SOMEWHERE}, 5)"


@pytest.mark.filterwarnings("ignore:A test tried to use")
def test_a_test_itself_cannot_connect() -> None:
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(SOMEWHERE)


def test_the_right_to_a_namespace_is_used_where_it_is_there() -> None:
    if subprocess.run([sys.executable, "-c", ALONE], check=False).returncode:
        pytest.skip("there is no right to a network namespace")
    assert conftest.reach == network.ALONE


def test_nor_can_what_it_starts() -> None:
    if conftest.reach != network.ALONE:
        pytest.skip(conftest.reach)
    done = subprocess.run([sys.executable, "-c", CONNECT], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in done.stderr
    devices = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in devices] == ["lo"]


def test_loopback_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
