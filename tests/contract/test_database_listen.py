"""Listening to a real PostgreSQL: what is told of, what happens when the connection goes, and who is deaf."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import Engine, make_url
from tests.databases import PostgresqlServer, WritableDatabase
from tests.listeners import PATIENCE, QUICK, dataset, listening

from moneymentor_sync.adapters import database_listen, listen_link
from moneymentor_sync.adapters.database_errors import Place
from moneymentor_sync.adapters.database_listen import DatabaseListener
from moneymentor_sync.adapters.ears import Waker
from moneymentor_sync.adapters.listen_link import Link, tell_from_elsewhere
from moneymentor_sync.adapters.reading_tables import KnownTables
from moneymentor_sync.core.reads import TableName
from moneymentor_sync.core.trigger_sql import install_sql

A, B = dataset("of_a", "SELECT id FROM v"), dataset("of_b", "SELECT id FROM b")


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> WritableDatabase:
    made = postgresql_server.new_database()
    made.run(
        "CREATE TABLE a (id int)", "CREATE TABLE b (id int)", "CREATE TABLE c (id int)",
        "CREATE VIEW v AS SELECT id FROM a",
        install_sql({TableName("public", table): ["x"] for table in "abc"}),
    )  # fmt: skip
    return made


def kill_listener(database: WritableDatabase) -> None:
    rows = database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'mmsync listen'"
    )
    assert rows == [(True,)], "there is one, and it can be told from others"


def test_a_change_is_told_of_for_the_datasets_that_read_its_table(database: WritableDatabase) -> None:
    with listening(database.url, [A, B]) as (listener, told):
        assert told.change() is None, "what came before it listened is synced once"
        said = told.until_said("realtime.listening")
        assert (said["tables"], said["untold"]) == (["public.a", "public.b"], [])
        database.run("INSERT INTO a VALUES (1)")
        assert told.change() == {"of_a"}
        database.run("INSERT INTO c VALUES (1)")
        database.run("UPDATE b SET id = 1")
        assert told.change() == {"of_b"}, "a table that nobody reads is nothing"
        hearing = listener.hearing
        assert (hearing.source, hearing.state, hearing.error) == ("listen", "listening", None)
        assert hearing.since and hearing.last_change


def test_a_listener_that_is_killed_listens_again_and_everything_is_synced_once(database: WritableDatabase) -> None:
    with listening(database.url, [A, B]) as (_, told):
        assert told.change() is None
        for _ in range(2):
            kill_listener(database)
            assert "was lost" in told.until_said("realtime.lost")["message"]
            assert told.change() is None
            database.run("INSERT INTO a VALUES (1)")
            assert told.change() == {"of_a"}
        assert told.changes.empty()


def test_a_server_that_goes_and_comes_back_is_listened_to_again(
    database: WritableDatabase, postgresql_server: PostgresqlServer
) -> None:
    with proxy(postgresql_server) as way, listening(way.url(database), [A]) as (listener, told):
        assert told.change() is None
        way.close_door()
        said = told.until_said("realtime.lost")
        assert said["error"] == "database_unreachable"
        assert told.until_said("realtime.lost")["message"] != said["message"], "each reason is said once"
        assert listener.hearing.state == "lost"
        assert listener.hearing.error
        way.open_door()
        told.until_said("realtime.listening")
        assert told.change() is None
        assert listener.hearing.error is None


def test_who_is_told_nothing_says_so(database: WritableDatabase, postgresql_server: PostgresqlServer) -> None:
    rhythm = replace(QUICK, arrival=0.3)
    with proxy(postgresql_server, swallows=True) as way, listening(way.url(database), [A], rhythm) as (one, told):
        said = told.until_said("realtime.deaf")
        assert "delivers nothing" in said["message"]
        assert "direct" in said["hint"]
        deaf = one.hearing
        assert deaf.state == "deaf"
        assert told.changes.empty(), "nothing is known of changes, so nothing is told"
        way.swallows = False
        assert told.change() is None, "it tries again"
        assert one.hearing.state == "listening"


def test_a_standby_is_told_apart_and_seldom_tried(
    database: WritableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Standby(Link):
        def __init__(self, connection: Connection) -> None:
            raise psycopg.errors.ReadOnlySqlTransaction("cannot execute LISTEN during recovery")

    monkeypatch.setattr(listen_link, "Link", Standby)
    with listening(database.url, [A], replace(QUICK, first_deaf_wait=3600.0)) as (one, told):
        said = told.until_said("realtime.deaf")
        assert "is a standby" in said["message"]
        assert "primary's URL" in said["hint"]
        assert one.hearing.state == "deaf"


def test_who_becomes_deaf_notices(database: WritableDatabase, postgresql_server: PostgresqlServer) -> None:
    rhythm = replace(QUICK, arrival=0.3, life=0.1)
    with proxy(postgresql_server) as way, listening(way.url(database), [A], rhythm) as (_, told):
        assert told.change() is None
        way.swallows = True
        assert "any more" in told.until_said("realtime.lost")["message"]


def test_a_server_that_does_not_move_is_left(database: WritableDatabase) -> None:
    rhythm = replace(QUICK, arrival=0.3, life=0.1)
    with listening(database.url, [A], rhythm) as (_, told):
        assert told.change() is None
        ((pid,),) = database.rows(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'mmsync listen'"
        )
        os.kill(pid, signal.SIGSTOP)
        try:
            assert "any more" in told.until_said("realtime.lost")["message"]
            assert told.change() is None
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_password_is_never_told(database: WritableDatabase, postgresql_server: PostgresqlServer) -> None:
    url = make_url(database.url).set(host="127.0.0.1", port=1, query={}, password="s3cr3t")
    with listening(url.render_as_string(False), [A]) as (listener, told):
        said = told.until_said("realtime.lost")
        assert "s3cr3t" not in f"{said} {listener.hearing}"


def test_it_never_writes_and_never_stays_in_a_transaction(database: WritableDatabase) -> None:
    database.run("ALTER DATABASE " + str(database.engine.url.database) + " SET default_transaction_read_only = on")
    with listening(database.url, [A], replace(QUICK, life=0.05)) as (_, told):
        assert told.change() is None
        query = (
            "SELECT state, backend_xmin IS NULL FROM pg_stat_activity"
            " WHERE application_name = 'mmsync listen' AND datname = current_database() AND state = 'idle'"
        )
        assert database.rows(query) == [("idle", True)]


def test_tables_without_a_trigger_are_named_until_they_have_one(database: WritableDatabase) -> None:
    database.run("CREATE TABLE late (id int)")
    with listening(database.url, [dataset("d", "SELECT id FROM late")], replace(QUICK, life=3600.0)) as (one, told):
        assert told.until_said("realtime.listening")["untold"] == ["public.late"]
        database.run(install_sql({TableName("public", "late"): ["d"]}))
        until_told_of_all(one)  # the script tells that it has been run


def until_told_of_all(one: DatabaseListener) -> None:
    for _ in range(int(PATIENCE / 0.05)):
        if not one.hearing.untold:
            return
        threading.Event().wait(0.05)
    raise AssertionError("it looks no more")


def test_triggers_that_come_during_a_proof_are_not_overheard(
    database: WritableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.run("CREATE TABLE late (id int)")

    def tell(engine: Engine, word: str) -> None:
        database.run(install_sql({TableName("public", "late"): ["d"]}))
        tell_from_elsewhere(engine, word)

    monkeypatch.setattr(database_listen, "tell_from_elsewhere", tell)
    with listening(database.url, [dataset("d", "SELECT id FROM late")], replace(QUICK, life=3600.0)) as (one, told):
        assert told.until_said("realtime.listening")["untold"] == ["public.late"], "as it was before the proof"
        until_told_of_all(one)


def test_without_a_word_the_queries_are_seldom_looked_at(
    database: WritableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.run("CREATE TABLE late (id int)")
    looks, lives = [], threading.Semaphore(0)
    look, tell = KnownTables.look, Link.tell

    def looked(tables: KnownTables) -> frozenset[str]:
        looks.append(1)
        return look(tables)

    def telling(link: Link, word: str) -> None:
        lives.release()
        tell(link, word)

    monkeypatch.setattr(KnownTables, "look", looked)
    monkeypatch.setattr(Link, "tell", telling)
    with listening(database.url, [dataset("d", "SELECT id FROM late")], replace(QUICK, life=0.01)):
        for _ in range(5):
            assert lives.acquire(timeout=PATIENCE)
        assert looks == [1]


def test_a_query_that_is_mended_is_listened_for(database: WritableDatabase) -> None:
    broken = dataset("broken", "SELECT id FROM later")
    with listening(database.url, [A, broken], replace(QUICK, life=0.05, look=0.05)) as (_, told):
        said = told.until_said("realtime.unheard")
        assert (said["dataset"], "tables = " in said["hint"]) == ("broken", True)
        assert told.change() is None
        database.run("CREATE TABLE later (id int)")
        assert told.change() == {"broken"}, "what was in it before is synced"


def test_what_cannot_tell_is_said_and_what_is_disabled_is_nobodys_concern(database: WritableDatabase) -> None:
    database.run("CREATE MATERIALIZED VIEW m AS SELECT id FROM a")
    datasets = [
        dataset("of_m", "SELECT id FROM m"),
        dataset("of_nothing", "SELECT 1 AS id"),
        dataset("off", "SELECT id FROM nowhere", enabled=False),
        dataset("also_off", "SELECT id FROM a", enabled=False),
    ]
    with listening(database.url, datasets) as (listener, told):
        said = told.until_said("realtime.unheard")
        assert (said["dataset"], "public.m" in said["message"]) == ("of_m", True)
        said = told.until_said("realtime.unheard")
        assert (said["dataset"], "names no table" in said["message"]) == ("of_nothing", True)
        name, fields = told.events.get(timeout=PATIENCE)
        assert (name, fields["untold"]) == ("realtime.listening", [])
        assert told.change() is None
        database.run("INSERT INTO a VALUES (1)")
        assert told.change() == {"also_off"}, "a switch may have turned it on"
        assert listener.hearing.unheard == ("of_m", "of_nothing")


def test_stopping_ends_it_at_once_also_while_it_waits_to_connect(database: WritableDatabase) -> None:
    with listening(database.url, [A], replace(QUICK, life=3600.0)) as (listener, told):
        assert told.change() is None
        assert listener.stop()
        assert listener.stop(), "twice is once"
    gone = make_url(database.url).set(host="127.0.0.1", port=1, query={}).render_as_string(False)
    with listening(gone, [A], replace(QUICK, first_wait=3600.0, longest_wait=3600.0)) as (listener, told):
        told.until_said("realtime.lost")
        assert listener.stop()
        assert told.changes.empty()


def test_stopped_while_it_connects_it_asks_nothing(
    database: WritableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakers: queue.Queue[Waker] = queue.Queue()
    looks: list[KnownTables] = []

    def look(tables: KnownTables) -> frozenset[str]:
        looks.append(tables)
        return frozenset()

    @contextmanager
    def linked(engine: Engine, place: Place) -> Iterator[Link]:
        assert wakers.get(timeout=PATIENCE).wait(PATIENCE), "it is stopped while this goes on"
        with listen_link.linked(engine, place) as link:
            yield link

    monkeypatch.setattr(database_listen, "linked", linked)
    monkeypatch.setattr(KnownTables, "look", look)
    with listening(database.url, [A]) as (listener, _):
        wakers.put(listener._ears.waker)
        assert listener.stop()
        assert looks == []


# --- a way to the server that can be shut, or that keeps notifications -------------------------------------------


class Way:
    """A TCP port before the server's socket. `swallows` keeps notifications to itself, as a pooler does that lends
    connections by the transaction: LISTEN succeeds, and nothing comes."""

    def __init__(self, target: str, *, swallows: bool) -> None:
        self.swallows = swallows
        self._target = target
        self._pairs: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._door: socket.socket | None = None
        self._port = 0
        self.open_door()

    def url(self, database: WritableDatabase) -> str:
        query = {"sslmode": "disable", "gssencmode": "disable"}
        url = make_url(database.url).set(host="127.0.0.1", port=self._port, query=query)
        return url.render_as_string(hide_password=False)

    def open_door(self) -> None:
        door = socket.create_server(("127.0.0.1", self._port))
        self._port = door.getsockname()[1]
        self._door = door
        self._start(lambda: self._welcome(door))

    def close_door(self) -> None:
        """Nobody gets in, and who is in is thrown out."""
        assert self._door is not None
        for one in (self._door, *self._pairs):
            _shut(one)
        self._door = None
        self._pairs.clear()

    def end(self) -> None:
        if self._door is not None:
            self.close_door()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _start(self, work: object) -> None:
        thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _welcome(self, door: socket.socket) -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._pairs += [client, server]
            self._start(lambda c=client, s=server: self._to_server(c, s))
            self._start(lambda c=client, s=server: self._to_client(s, c))

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                server.sendall(data)
        except OSError:
            pass
        _shut(server)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        """Message by message: a kind, a length that counts itself, and the rest."""
        try:
            with server.makefile("rb") as messages:
                while head := messages.read(5):
                    body = messages.read(int.from_bytes(head[1:], "big") - 4)
                    if not (self.swallows and head[:1] == b"A"):  # NotificationResponse
                        client.sendall(head + body)
        except OSError:
            pass
        _shut(client)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def proxy(server: PostgresqlServer, *, swallows: bool = False) -> Iterator[Way]:
    made = Way(str(next(Path(server.directory).glob(".s.PGSQL.*[0-9]"))), swallows=swallows)
    try:
        yield made
    finally:
        made.end()
