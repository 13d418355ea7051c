"""`GET /metrics` on a TCP port: over real HTTP, for every user of the machine, and for pages in their browsers."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import tests.browser
from tests.browser import browser, missing
from tests.contract.control_double import PATIENCE, Events, everything, statuses

from moneymentor_sync.control.limits import Limits
from moneymentor_sync.control.metrics_port import MetricsPort, answers_for
from moneymentor_sync.control.peers import is_trusted, peer_of
from moneymentor_sync.core.errors import ConfigError

TEXT = "# TYPE mmsync_up gauge\nmmsync_up 1.0\n"
HTTP_1_0 = b"GET /metrics HTTP/1.0\r\n\r\n"


class Port:
    """A port that is served, and what was asked of the daemon behind it."""

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0), limits: Limits | None = None) -> None:
        self.events = Events()
        self.now = 100.0
        self.rendered = 0
        self.raises: Exception | None = None
        self.served = MetricsPort(address, self._text, self.events, limits=limits, clock=lambda: self.now)

    def _text(self) -> str:
        self.rendered += 1
        if self.raises is not None:
            raise self.raises
        return TEXT

    def ask(self, method: str = "GET", path: str = "/metrics", **headers: str) -> http.client.HTTPResponse:
        host, port = self.served.address
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.body = answer.read()  # type: ignore[attr-defined]
            return answer
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.served.address, PATIENCE)


@contextmanager
def serving(limits: Limits | None = None) -> Iterator[Port]:
    port = Port(limits=limits)
    try:
        port.served.start()
        yield port
    finally:
        port.served.stop(PATIENCE)


@pytest.fixture
def port() -> Iterator[Port]:
    with serving() as made:
        yield made


def test_it_gives_the_metrics_as_text_that_no_page_may_use(port: Port) -> None:
    answer = port.ask()
    assert (answer.status, answer.body) == (200, TEXT.encode())  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not {name for name in answer.headers if name.lower().startswith("access-control")}
    head = port.ask("HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(TEXT)), b"")  # type: ignore[attr-defined]
    with port.connect() as old:
        old.sendall(HTTP_1_0)
        assert TEXT.encode() in everything(old)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/healthz", 404),
        ("GET", "/sync/status", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/metrics?name[]=up", 200),
        ("POST", "/sync/force", 404),
        ("POST", "/metrics", 405),
        ("OPTIONS", "/metrics", 405),
        ("DELETE", "/metrics", 405),
    ],
)
def test_there_is_nothing_else(port: Port, method: str, path: str, status: int) -> None:
    answer = port.ask(method, path)
    assert answer.status == status
    if status != 200:
        assert set(json.loads(answer.body)["error"]) == {"code", "message", "hint"}  # type: ignore[attr-defined]
        assert port.rendered == 0


@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("127.0.0.1:9464", True),
        ("127.0.0.1", True),
        ("127.8.9.1:80", True),
        ("localhost:9464", True),
        ("LOCALHOST", True),
        ("[::1]:9464", True),
        ("evil.example:9464", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1.nip.io:9464", False),
        ("localhost.evil.example", False),
        ("localhost@evil.example", False),
        ("192.168.1.5:9464", False),
        ("0.0.0.0:9464", False),
        ("[fe80::1]:9464", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_page_whose_name_was_made_to_mean_this_machine_gets_nothing(port: Port, host: str, answers: bool) -> None:
    assert answers_for(host) is answers
    answer = port.ask(Host=host)
    assert answer.status == (200 if answers else 403)
    assert port.rendered == (1 if answers else 0)


def test_one_good_name_beside_a_bad_one_is_not_enough(port: Port) -> None:
    with port.connect() as sly:
        sly.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert statuses(everything(sly))[0] in (400, 403)
    with port.connect() as sly:  # a proxy's form: what counts is the Host, as browsers send it
        sly.sendall(b"GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        sly.shutdown(socket.SHUT_WR)
        assert statuses(everything(sly)) == [403]
    assert port.rendered == 0


def test_however_many_ask_it_renders_once_a_second(port: Port) -> None:
    for _ in range(20):
        assert port.ask().status == 200
    assert port.rendered == 1
    port.now += 1.0
    port.ask()
    assert port.rendered == 2


def test_a_bug_is_told_the_log_and_nobody_else(port: Port) -> None:
    port.raises = ValueError("secret@example.com")
    answer = port.ask()
    assert (answer.status, b"secret" in answer.body) == (500, False)  # type: ignore[attr-defined]
    (fields,) = port.events.named("control.failed")
    assert (fields["path"], fields["error"]) == ("/metrics", "ValueError")
    port.raises = None
    assert port.ask().status == 200


def test_it_has_the_bounds_of_the_channel() -> None:
    with serving(Limits(receive_seconds=0.2)) as port:
        with port.connect() as half:
            half.sendall(b"GET /metrics HTTP/1.1\r\nHost: local")
            assert statuses(everything(half)) == [408]
        with port.connect() as large:
            large.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n")
            assert statuses(everything(large)) == [431]
        assert port.events.seen == []


def test_of_itself_it_has_few_places_so_that_a_flood_leaves_descriptors_to_the_channel() -> None:
    with serving() as port:
        assert port.served._server._limits.connections == 8 < Limits().connections


def test_who_only_keeps_a_place_gives_it_away() -> None:
    with (
        serving(Limits(PATIENCE, PATIENCE, PATIENCE, crowded_seconds=0.0, connections=4)) as port,
        ExitStack() as held,
    ):
        silent = [held.enter_context(port.connect()) for _ in range(3)]
        assert port.ask().status == 200
        assert everything(silent[0]) == b""


def test_the_kernel_knows_nobody_there(port: Port) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            peer = peer_of(accepted)
    assert peer.uid == -1
    assert not is_trusted(peer, 0)


def test_a_port_that_somebody_has_is_refused_with_what_to_do(port: Port) -> None:
    host, number = port.served.address
    with pytest.raises(ConfigError) as refused:
        Port((host, number))
    assert f"metrics.listen: 127.0.0.1:{number} cannot be had: Address already in use" in str(refused.value)
    assert f"sport = :{number}" in refused.value.hint
    assert refused.value.exit_code == 78


def test_a_port_can_be_had_again_at_once_after_its_daemon_ended() -> None:
    with serving() as port:
        address = port.served.address
        with port.connect() as asking:
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert asking.recv(100)
            port.served.stop(PATIENCE)  # it closes first, and so it is its side that stays in TIME_WAIT
    again = Port(address)
    again.served.stop()
    assert "metrics" not in {thread.name for thread in threading.enumerate()}


def test_localhost_and_ipv6_are_addresses_too() -> None:
    for host, bound in (("localhost", "127.0.0.1"), ("::1", "::1")):
        try:
            port = Port((host, 0))
        except ConfigError as error:
            assert host == "::1", error
            pytest.skip(f"this machine has no IPv6: {error}")
        port.served.start()
        assert port.served.address[0] == bound
        assert port.ask().status == 200
        port.served.stop(PATIENCE)


def test_a_page_in_a_real_browser_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: Port
) -> None:
    if missing() is not None:
        pytest.skip(f"{missing()} is not installed: rebinding was not tried in a browser")
    rebound = "--host-resolver-rules=MAP evil.example 127.0.0.1"  # what an attacker's name server would answer
    monkeypatch.setattr(tests.browser, "ARGUMENTS", (*tests.browser.ARGUMENTS, rebound))
    number = port.served.address[1]
    read = "return document.body ? document.body.innerText : ''"
    fetched = """
    const [url, done] = arguments;
    fetch(url).then(answer => answer.text()).then(done, error => done("refused: " + error.name));
    """
    with browser(tmp_path / "profile") as window:
        window.open(f"http://evil.example:{number}/metrics")
        assert "not_allowed" in window.run(read)
        assert port.rendered == 0
        crossed = window.run_async(fetched, f"http://127.0.0.1:{number}/metrics")
        assert crossed == "refused: TypeError", "another origin may ask, and is not told the answer"
        window.open(f"http://127.0.0.1:{number}/metrics")
        assert "mmsync_up 1.0" in window.run(read), "who sits at the machine may look"
