"""Everybody who is told, by real HTTP on loopback: what arrives there, and what becomes of every kind of no."""

from __future__ import annotations

import builtins
import json
import socket
import threading
import tomllib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.receiver import Receiver, receiving

from moneymentor_sync.adapters.alert_apprise import AppriseAddress, apprise_addresses
from moneymentor_sync.adapters.alert_http import OneRequest
from moneymentor_sync.adapters.alert_ping import PingSwitch
from moneymentor_sync.adapters.alert_webhook import Webhook
from moneymentor_sync.core.alert_messages import Message, check_message, message_of
from moneymentor_sync.core.alert_ports import Address
from moneymentor_sync.core.alerts import Condition, Notice
from moneymentor_sync.core.errors import AlertError, ConfigError
from moneymentor_sync.core.settings import AlertSettings
from moneymentor_sync.wiring.alerts import open_addresses

SECRET = "s3cret-token"
CONDITION = Condition(
    "guard:people", "guard", "error", "people: the sync was refused", "people: syncs again",
    "Why <b>so</b> – & how", "Do that.", "people",
)  # fmt: skip
ALERT = message_of([Notice("alert", CONDITION, 1_800_000_000.0)], "db1", 1_800_000_060.0)


def webhook(receiver: Receiver) -> Webhook:
    return Webhook(f"{receiver.url}/hook/{SECRET}?key={SECRET}")


def json_url(receiver: Receiver) -> str:
    return receiver.url.replace("http", "json") + f"/hook/{SECRET}"


def apprise(receiver: Receiver) -> AppriseAddress:
    (one,) = apprise_addresses([json_url(receiver)])
    return one


MAKE: list[Callable[[Receiver], Address]] = [webhook, apprise]
each = pytest.mark.parametrize("make", MAKE)


@each
def test_a_message_arrives(make: Callable[[Receiver], Address]) -> None:
    with receiving() as receiver:
        make(receiver).send(ALERT)
        (got,) = receiver.got
    assert got.method == "POST"
    assert got.path.startswith(f"/hook/{SECRET}")
    assert ALERT.title in got.json["title"]


@each
@pytest.mark.parametrize("status", [302, 307, 404, 500, 503])
def test_a_no_is_an_error_without_the_address(make: Callable[[Receiver], Address], status: int) -> None:
    with receiving([status], location="http://127.0.0.1:1/elsewhere") as receiver:
        address = make(receiver)
        with pytest.raises(AlertError) as error:
            address.send(ALERT)
        assert receiver.got
    assert SECRET not in f"{error.value} {error.value.hint} {address.name} {address.key} {error.value.__cause__}"
    assert str(error.value).startswith(f"{address.name}: ")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed_with_a_secret(status: int) -> None:
    with receiving() as other, receiving([status], location=f"{other.url}/") as receiver:
        with pytest.raises(AlertError, match="it has moved"):
            webhook(receiver).send(ALERT)
        with pytest.raises(AlertError, match="it has moved"):
            PingSwitch(receiver.url).ping("start")
        assert other.got == []


@each
def test_after_a_failure_the_next_try_is_a_try_of_its_own(make: Callable[[Receiver], Address]) -> None:
    with receiving([500, 200]) as receiver:
        address = make(receiver)
        with pytest.raises(AlertError):
            address.send(ALERT)
        address.send(ALERT)
        assert len(receiver.got) == 2


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_who_does_not_listen_is_told_as_such() -> None:
    with pytest.raises(AlertError, match=r"webhook 127\.0\.0\.1: connection refused"):
        Webhook(f"{closed_port()}/{SECRET}").send(ALERT)
    with pytest.raises(AlertError):
        apprise_addresses([f"{closed_port().replace('http', 'json')}/{SECRET}"])[0].send(ALERT)


def test_a_user_and_a_password_in_the_address_are_sent_as_such() -> None:
    with receiving() as receiver:
        url = receiver.url.replace("://", "://ops:p%40ss%3Aword@")
        Webhook(f"{url}/hook").send(ALERT)
        PingSwitch(f"{url}/uuid").ping("start")
    assert [one.path for one in receiver.got] == ["/hook", "/uuid/start"]
    assert {one.headers["authorization"] for one in receiver.got} == {"Basic b3BzOnBAc3M6d29yZA=="}
    assert {one.headers["host"] for one in receiver.got} == {receiver.url.removeprefix("http://")}


def test_who_takes_a_message_and_says_nothing_is_asked_once_in_one_try() -> None:
    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        taken.append(connection.recv(65_536))

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        with pytest.raises(AlertError, match="it gave no answer"):
            Webhook(f"http://127.0.0.1:{server.getsockname()[1]}/hook").send(ALERT)
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert len(taken) == 1


def test_one_that_hangs_is_left_after_its_time() -> None:
    with receiving() as receiver:
        receiver.hold()
        with pytest.raises(AlertError, match="webhook: no answer within"):
            OneRequest("webhook", seconds=0.2).ask(receiver.url, "POST", b"{}")


def test_one_that_answers_a_byte_now_and_then_is_left_after_its_time() -> None:
    """Each byte begins the time-out of a socket anew; that of the whole request it does not."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                while not stop.wait(0.05):
                    try:
                        peer.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(AlertError, match="no answer within"):
            OneRequest("ping", seconds=0.5).ask(f"http://127.0.0.1:{listener.getsockname()[1]}/", "GET")
        stop.set()
        thread.join()


def test_one_of_apprises_that_hangs_is_left_and_not_asked_again_meanwhile() -> None:
    free, asked = threading.Event(), []

    def notify(**_: object) -> bool:
        asked.append(1)
        return free.wait(60)

    address = AppriseAddress("apprise 1 (json)", "k", notify, seconds=0.1)
    with pytest.raises(AlertError, match="no answer within"):
        address.send(ALERT)
    with pytest.raises(AlertError, match="still hangs"):
        address.send(ALERT)
    assert asked == [1]
    free.set()
    assert address._stuck is not None
    address._stuck.join()
    address.send(ALERT)
    assert asked == [1, 1]


def test_nothing_is_sent_to_whom_no_certificate_vouches_for(tmp_path: Path) -> None:
    with receiving(certificate=self_signed(tmp_path)) as receiver:
        for send in (Webhook(receiver.url).send, lambda _: PingSwitch(receiver.url).ping("start")):
            with pytest.raises(AlertError, match=r"its certificate is not trusted: self.signed certificate"):
                send(ALERT)
        assert receiver.got == []


def self_signed(folder: Path) -> Path:
    """A certificate for this machine that nobody has signed, with its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_this_machine_is_reached_without_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", closed_port())
    with receiving() as receiver:
        webhook(receiver).send(ALERT)
        assert len(receiver.got) == 1


# --- the dead man's switch ----------------------------------------------------------------------------------


def test_a_switch_is_asked_by_its_addresses_with_their_query() -> None:
    with receiving() as receiver:
        switch = PingSwitch(f"{receiver.url}/p/{SECRET}/?create=1&x=a%2Fb")
        for ping in ("start", "success", "fail"):
            switch.ping(ping)
        assert [(one.method, one.path) for one in receiver.got] == [
            ("GET", f"/p/{SECRET}/start?create=1&x=a%2Fb"),
            ("GET", f"/p/{SECRET}/?create=1&x=a%2Fb"),
            ("GET", f"/p/{SECRET}/fail?create=1&x=a%2Fb"),
        ]
    assert switch.name == "ping 127.0.0.1"


# --- the webhook's JSON -------------------------------------------------------------------------------------

TEXT: dict[str, Any] = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}
SEVERITY = {"enum": ["info", "warning", "error"]}
ITEM: dict[str, Any] = {
    "key": TEXT, "event": {"enum": ["alert", "reminder", "recovery"]}, "kind": TEXT, "severity": SEVERITY,
    "title": TEXT, "text": TEXT, "hint": TEXT, "dataset": {"type": ["string", "null"]}, "since": MOMENT,
    "lasted_seconds": {"type": ["number", "null"]},
}  # fmt: skip
BODY: dict[str, Any] = {
    "version": {"const": 1}, "event": {"enum": ["alert", "reminder", "recovery", "test"]}, "severity": SEVERITY,
    "title": TEXT, "text": TEXT, "hint": TEXT, "dataset": {"type": ["string", "null"]}, "since": MOMENT,
    "at": MOMENT, "instance": TEXT, "items": {"type": "array", "items": {
        "type": "object", "properties": ITEM, "required": [*ITEM], "additionalProperties": False}},
}  # fmt: skip
SCHEMA = {"type": "object", "properties": BODY, "required": [*BODY], "additionalProperties": False}
"""Stable: a later version has more keys, never fewer."""


@pytest.mark.parametrize(
    "message",
    [
        ALERT,
        message_of([Notice("recovery", CONDITION, 1_800_000_000.0, 1_800_000_600.0)], "db1", 1_800_000_700.0),
        check_message("db1", 1_800_000_000.0),
    ],
)
def test_a_webhook_gets_the_documented_json(message: Message) -> None:
    with receiving() as receiver:
        webhook(receiver).send(message)
        (got,) = receiver.got
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(got.json)
    assert got.json == message.document()


# --- what cannot work is found before it is needed ----------------------------------------------------------


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "apprise":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as error:
        open_addresses(AlertSettings(urls=(f"json://127.0.0.1/{SECRET}",)))
    assert "pip install 'moneymentor-sync[alerts]'" in error.value.hint
    assert open_addresses(AlertSettings(webhook="http://127.0.0.1/x", ping="http://127.0.0.1/y")).switch is not None


def test_a_url_that_apprise_does_not_know_is_named_by_its_number_alone() -> None:
    with pytest.raises(ConfigError) as error:
        apprise_addresses(["json://127.0.0.1/x", f"nothing-of-that-name://{SECRET}@h", f"mailto://{SECRET}"])
    assert [problem.partition(" (")[0] for problem in error.value.problems] == [
        "alerts.urls: Apprise cannot read number 2", "alerts.urls: Apprise cannot read number 3",
    ]  # fmt: skip
    assert SECRET not in str(error.value) + error.value.hint


def test_apprise_logs_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with receiving([500]) as receiver, pytest.raises(AlertError):
        apprise(receiver).send(ALERT)
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


# --- what the documentation shows ---------------------------------------------------------------------------

DOCS = Path(__file__).parents[2] / "docs" / "operating.md"


def shown(kind: str) -> str:
    """The block of that language in the section about alerts."""
    section = DOCS.read_text(encoding="utf-8").partition("\n## Alerts\n")[2].partition("\n## ")[0]
    return section.partition(f"```{kind}\n")[2].partition("```")[0]


def test_the_documented_json_is_what_a_webhook_gets() -> None:
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(json.loads(shown("json")))


def test_the_documented_addresses_can_be_used() -> None:
    settings = tomllib.loads(shown("toml"))["alerts"]
    found = open_addresses(AlertSettings(urls=tuple(settings["urls"]), ping=settings["ping"]))
    assert [one.name for one in found.told] == ["apprise 1 (slack)", "apprise 2 (mailto)"]
    assert found.switch is not None and found.switch.name == "ping hc-ping.com"
