"""A call that never ends is ended, and one that does is left alone."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import httplib2
import pytest

from moneymentor_sync.adapters.deadline import Deadline
from moneymentor_sync.adapters.google_transport import ApiTransport


def test_what_ends_in_time_is_not_cut() -> None:
    cut: list[int] = []
    with Deadline(30.0, lambda: cut.append(1)) as deadline:
        pass
    assert not cut and not deadline.passed


def test_what_does_not_is_cut_until_it_is_over() -> None:
    twice = threading.Semaphore(0)
    with Deadline(0.01, twice.release) as deadline:
        assert twice.acquire(timeout=60)
        assert twice.acquire(timeout=60)
    assert deadline.passed


def test_google_sending_a_byte_at_a_time_does_not_hold_a_call_for_ever(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        transport = ApiTransport(f"http://127.0.0.1:{server.getsockname()[1]}", 0.2)
        with pytest.raises(TimeoutError):
            transport.request("https://sheets.googleapis.com/v4/spreadsheets/x")
        stop.set()
        transport.close()
        thread.join(60)


def test_an_answer_that_was_cut_at_its_very_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """httplib2 may take what it has for all of it."""
    transport, time_is_over = ApiTransport("http://127.0.0.1:9", 0.001), threading.Event()
    monkeypatch.setattr(transport, "_cut", time_is_over.set)

    def cut(*_: object, **__: object) -> tuple[httplib2.Response, bytes]:
        assert time_is_over.wait(60)
        return httplib2.Response({"status": "200"}), b'{"sheets":'

    monkeypatch.setattr(httplib2.Http, "request", cut)
    with pytest.raises(TimeoutError, match="took too long"):
        transport.request("https://sheets.googleapis.com/v4/spreadsheets/x")
