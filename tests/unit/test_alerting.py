"""Alerting without its thread: a daemon on doubles tells it, its steps are made by hand, addresses are lists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from moneymentor_sync.core.alert_conditions import KeyTrouble
from moneymentor_sync.core.alert_messages import Message
from moneymentor_sync.core.alert_ports import Addresses, Pending
from moneymentor_sync.core.alerts import NOTHING, Memory
from moneymentor_sync.core.errors import AlertError, DatabaseUnreachableError, ShrinkRefusedError, StateError
from moneymentor_sync.core.events import unheard
from moneymentor_sync.core.pings import Ping
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.settings import AlertSettings, GoogleSettings
from moneymentor_sync.daemon.alert_outbox import MOST_MESSAGES, MOST_PINGS
from moneymentor_sync.daemon.alert_sender import AlertEdges
from moneymentor_sync.daemon.alerting import Alerting
from tests.daemon_double import Bench, Time, config_of

DOWN = DatabaseUnreachableError("the database cannot be reached", hint="Start it.")


class Told:
    """An address that takes everything, or fails as it is told."""

    def __init__(self, name: str) -> None:
        self.name, self.key = name, f"key of {name}"
        self.messages: list[Message] = []
        self.pings: list[Ping] = []
        self.fails: Exception | None = None
        self.tries = 0

    def send(self, message: Message) -> None:
        self._check()
        self.messages.append(message)

    def ping(self, ping: Ping) -> None:
        self._check()
        self.pings.append(ping)

    def _check(self) -> None:
        self.tries += 1
        if self.fails is not None:
            raise self.fails


class Kept:
    """A store in memory; what is untold is not kept."""

    def __init__(self) -> None:
        self.known: Memory = NOTHING
        self.messages: dict[int, Pending] = {}
        self.broken = False

    def memory(self) -> Memory:
        self._check()
        return self.known

    def pending(self) -> list[Pending]:
        return list(self.messages.values())

    def save(self, memory: Memory, message: Pending | None) -> None:
        self._check()
        self.known = {key: one for key, one in memory.items() if one.told is not None}
        if message is not None:
            self.messages[message.id] = message

    def sent(self, number: int, waiting: frozenset[str]) -> None:
        self._check()
        if waiting and number in self.messages:
            self.messages[number] = replace(self.messages[number], waiting=waiting)
        else:
            self.messages.pop(number, None)

    def _check(self) -> None:
        if self.broken:
            raise StateError("the disk is full")


class KeysDouble:
    def __init__(self) -> None:
        self.in_files: list[KeyTrouble] = []
        self.of_tokens: list[KeyTrouble] = []
        self.used: list[GoogleSettings] = []
        self.asked = 0

    def use(self, settings: GoogleSettings) -> None:
        self.used.append(settings)

    def files(self) -> Sequence[KeyTrouble]:
        return self.in_files

    def tokens(self) -> Sequence[KeyTrouble]:
        self.asked += 1
        return self.of_tokens


class Stage:
    """A daemon with alerting; `settle` makes every step that is due. A second one on the same `store`
    is a restart."""

    def __init__(
        self, store: Kept | None = None, time: Time | None = None, *, healthy: bool = True, failures: int = 1
    ) -> None:
        self.hook, self.mail, self.switch = Told("webhook h"), Told("apprise 1 (mailto)"), Told("ping p")
        self.addresses: Callable[[AlertSettings], Addresses] = lambda _settings: Addresses(
            (self.hook, self.mail), self.switch
        )
        self.store, self.keys = store or Kept(), KeysDouble()
        self.settings = AlertSettings(webhook="https://h", ping="https://p", settle=120.0, remind_after=3_600.0)
        config = replace(config_of("a", "b", max_consecutive_failures=failures), alerts=self.settings)
        self.events: list[tuple[str, dict[str, object]]] = []
        self.time = time or Time()
        edges = AlertEdges(self.store, lambda settings: self.addresses(settings), self.keys, "db1")
        self.alerting = Alerting(
            config, edges, self.emit, clock=lambda: self.time.wall, monotonic=lambda: self.time.mono
        )
        self.alerting._thread = _NoThread()  # type: ignore[assignment]
        self.bench = Bench(config, witnesses=[self.alerting])
        self.bench.time.wall, self.bench.time.mono = self.time.wall, self.time.mono
        self.time = self.bench.time
        self.alerting.follow(lambda: self.bench.daemon.config)
        if not healthy:
            self.fail()
        self.bench.start()
        self.settle()

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def fail(self, *datasets: str) -> None:
        self.bench.engine.fails = dict.fromkeys(datasets or ("a", "b"), DOWN)

    def settle(self) -> None:
        self.alerting.serve(0.0)
        while self.alerting._sender._outbox.due_in() == 0.0:
            self.alerting.serve(0.0)

    def passes(self, seconds: float, step: float = 60.0) -> None:
        """Time goes by, with a health check each minute."""
        while seconds > 0:
            self.bench.pass_time(min(step, seconds))
            seconds -= step
            self.bench.daemon.check_health()
            self.settle()

    @property
    def told(self) -> list[str]:
        return [one.event for one in self.hook.messages]


class _NoThread:
    def join(self, _seconds: float) -> None:
        """Its steps are the test's."""


def test_a_database_that_goes_is_one_alert_and_one_recovery() -> None:
    stage = Stage()
    stage.passes(1_000)
    assert stage.told == []
    stage.fail()
    stage.passes(660)
    assert stage.told == ["alert"]
    assert "the database cannot be reached" in stage.hook.messages[0].title
    stage.bench.engine.fails = {}
    stage.passes(2_000)
    assert stage.told == ["alert", "recovery"]
    assert stage.mail.messages == stage.hook.messages
    stage.passes(90_000)
    assert stage.told == ["alert", "recovery"]


def test_a_failure_that_lasts_is_told_and_again_when_it_opens_the_breaker() -> None:
    stage = Stage(failures=3)
    stage.fail()
    stage.passes(2_000)
    stage.bench.engine.fails = {}
    stage.passes(3_000)
    told = [(one.event, one.severity, sorted(item.key for item in one.items)) for one in stage.hook.messages]
    assert told == [
        ("alert", "warning", ["health:warning"]),
        ("alert", "error", ["breaker", "health"]),
        ("recovery", "info", ["breaker", "health", "health:warning"]),
    ]


def test_what_lasts_is_told_again_after_its_time_and_stale_when_it_is() -> None:
    stage = Stage()
    stage.fail()
    stage.passes(20_000)
    kinds = [tuple(sorted({item.kind for item in one.items})) for one in stage.hook.messages]
    assert stage.told[0] == "alert"
    assert {"reminder"} == {one.event for one in stage.hook.messages if one.event != "alert"}
    assert sum("stale" in kind for kind in kinds if kind) >= 1
    alerts = [item.key for one in stage.hook.messages for item in one.items if item.event == "alert"]
    assert len(alerts) == len(set(alerts))
    assert {"stale:a", "stale:b"} <= set(alerts)


def test_a_restart_in_between_repeats_nothing() -> None:
    first = Stage()
    first.fail()
    first.passes(1_000)
    assert first.told == ["alert"]
    second = Stage(first.store, first.time, healthy=False)
    second.passes(600)
    assert second.told == []
    second.bench.engine.fails = {}
    second.passes(2_000)
    assert second.told == ["recovery"]


def test_what_could_not_be_sent_before_the_end_is_sent_after_the_next_start_to_whom_it_was_not() -> None:
    first = Stage()
    first.hook.fails = AlertError("webhook h: it answers 500")
    first.fail()
    first.passes(900)
    assert len(first.mail.messages) == 1
    second = Stage(first.store, first.time, healthy=False)
    assert [one.title for one in second.hook.messages] == [first.mail.messages[0].title]
    assert second.mail.messages == []
    assert second.store.messages == {}


def test_one_address_that_fails_is_tried_again_ever_later_and_holds_up_no_other() -> None:
    stage = Stage()
    stage.hook.fails = AlertError("webhook h: it answers 500", hint="Look there.")
    stage.fail()
    stage.passes(900)
    assert (len(stage.mail.messages), stage.told) == (1, [])
    waits = [fields["again_in"] for event, fields in stage.events if event == "alert.failed"]
    assert waits == sorted(waits) and waits[0] == 5.0  # type: ignore[type-var]
    assert stage.alerting.seen.error == "webhook h: it answers 500"
    stage.hook.fails = None
    stage.passes(400)
    assert stage.told[:1] == ["alert"]
    assert stage.alerting.seen.error is None


def test_a_bug_in_an_address_is_logged_without_its_words() -> None:
    stage = Stage()
    stage.hook.fails = ValueError("https://secret")
    stage.fail()
    stage.passes(900)
    (fields, *_) = [fields for event, fields in stage.events if event == "alert.failed"]
    assert "secret" not in str(fields)
    assert len(stage.mail.messages) == 1


def test_a_message_is_dropped_after_a_day_and_where_too_many_wait() -> None:
    stage = Stage()
    stage.hook.fails = AlertError("webhook h: no")
    stage.fail()
    stage.passes(90_000, step=300)
    assert [fields["reason"] for event, fields in stage.events if event == "alert.dropped"][:1] == [
        "it is a day old"
    ]
    outbox = stage.alerting._sender._outbox
    message = stage.mail.messages[0]
    outbox.take_in(
        [
            Pending(1_000 + n, stage.time.wall, message, frozenset({stage.hook.key}))
            for n in range(MOST_MESSAGES + 5)
        ]
    )
    assert len(outbox._lines[stage.hook.key].waiting) == MOST_MESSAGES


def test_pings_tell_of_each_run_and_old_ones_are_forgotten() -> None:
    stage = Stage()
    assert stage.switch.pings == ["start", "success"]
    stage.fail()
    stage.passes(300)
    assert stage.switch.pings == ["start", "success", "start", "fail"]
    stage.bench.engine.fails = {}
    stage.switch.fails = AlertError("ping p: no answer within 10 s")
    stage.passes(6_000)
    assert len(stage.alerting._sender._outbox._pings) <= MOST_PINGS
    stage.switch.fails = None
    stage.switch.pings.clear()
    stage.passes(600)
    assert 0 < len(stage.switch.pings) <= MOST_PINGS + 4


def test_a_refusal_is_told_until_a_sync_of_it_succeeds_also_over_a_restart() -> None:
    stage = Stage()
    stage.bench.engine.fails = {"a": ShrinkRefusedError("all 30 rows would be deleted")}
    stage.passes(300)
    assert [one.dataset for one in stage.hook.messages] == ["a"]
    stage.fail("a")  # something else: that says nothing of what was refused
    second = Stage(stage.store, stage.time)
    second.fail("a")
    assert second.told == []
    assert "guard:a" in {one.condition.key for one in stage.alerting.seen.active}
    second.bench.engine.fails = {}
    second.passes(600)
    assert second.told == ["recovery"]


def test_a_sync_that_finds_nothing_to_change_ends_a_refusal_too() -> None:
    stage = Stage()
    stage.bench.engine.fails = {"a": ShrinkRefusedError("all 30 rows would be deleted")}
    stage.passes(300)
    result = DatasetResult("a", "A", "unchanged", rows=3)
    stage.alerting.ended(RunResult("r1", stage.time.wall, 1.0, "retry", (result,)))
    stage.settle()
    assert stage.alerting._sender._refusals == {}


def test_what_waits_for_somebody_who_is_no_longer_told_is_forgotten_after_a_start() -> None:
    first = Stage()
    first.hook.fails = first.mail.fails = AlertError("no")
    first.fail()
    first.passes(700)
    (number,) = first.store.messages
    gone = {f"key of {one.name}" for one in (first.hook, first.mail)}
    assert first.store.messages[number].waiting == gone
    first.store.messages[number] = replace(first.store.messages[number], waiting=frozenset({"key of another"}))
    Stage(first.store, first.time)
    assert first.store.messages == {}


def test_keys_are_looked_after_and_told_of() -> None:
    stage = Stage()
    stage.passes(1_700)
    assert (stage.keys.asked, len(stage.keys.used)) == (0, 1)
    stage.keys.of_tokens = [KeyTrouble("sync@p", "refused", "Google does not accept the key.", "Make a new key.")]
    stage.passes(200)
    assert stage.keys.asked == 1
    assert "the key of sync@p will stop working within the hour" in stage.hook.messages[0].title
    stage.keys.of_tokens = []
    stage.passes(2_100)
    assert stage.told == ["alert", "recovery"]
    stage.keys.in_files = [KeyTrouble("sync@p", "missing", "No such file.", "Put it back.")]
    stage.passes(300)
    assert "cannot be read: the next start will fail" in stage.hook.messages[2].title
    stage.bench.on_disk = replace(stage.bench.daemon.config)
    stage.keys.in_files = []
    stage.bench.daemon.operations.reload(by=None)
    stage.settle()
    assert len(stage.keys.used) == 2


def test_a_key_is_accepted_again_only_when_google_has_said_so() -> None:
    stage = Stage()
    stage.keys.of_tokens = [KeyTrouble("sync@p", "refused", "Google does not accept the key.", "Make a new key.")]
    stage.passes(2_000)
    assert stage.told == ["alert"]
    stage.bench.on_disk = replace(stage.bench.daemon.config)
    stage.bench.daemon.operations.reload(by=None)
    stage.passes(600)
    assert (stage.told, stage.keys.asked) == (["alert"], 2), "asked anew soon, and it is no better"
    second = Stage(stage.store, stage.time)
    second.keys.of_tokens = stage.keys.of_tokens
    second.passes(600)
    assert (second.told, second.keys.asked) == ([], 1)
    second.keys.of_tokens = []
    second.bench.on_disk = replace(second.bench.daemon.config)
    second.bench.daemon.operations.reload(by=None)
    second.passes(240)
    assert second.told == ["recovery"], "a mended one is told soon"


def test_what_is_stale_does_not_become_fresh_by_being_switched_off() -> None:
    stage = Stage(failures=100)
    stage.fail("a")
    stage.passes(4_500)
    assert "stale:a" in stage.alerting._sender._memory
    stage.bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    stage.passes(3_000)
    items = [(item.key, item.event) for one in stage.hook.messages for item in one.items]
    assert ("stale:a", "recovery") not in items
    assert ("stale:b", "alert") not in items, "nor is anything told that got old meanwhile"
    stage.bench.engine.fails = {}
    stage.bench.daemon.operations.enable(None, reason=None, for_seconds=None, by=None)
    stage.passes(600)
    assert "a: fresh again" in [item.title for item in stage.hook.messages[-1].items]


def test_a_reload_takes_new_addresses_at_once_and_drops_what_waits_for_old_ones() -> None:
    stage = Stage()
    stage.hook.fails = AlertError("webhook h: no")
    stage.fail()
    stage.passes(900)
    other = Told("webhook other")
    stage.addresses = lambda _settings: Addresses((other,), None)
    config = stage.bench.daemon.config
    stage.bench.on_disk = replace(config, alerts=replace(config.alerts, webhook="https://other"))
    stage.bench.daemon.operations.reload(by=None)
    stage.bench.engine.fails = {}
    stage.passes(2_000)
    assert [one.event for one in other.messages] == ["recovery"]
    assert stage.store.messages == {}


def test_with_nobody_to_tell_nothing_is_kept_or_sent() -> None:
    stage = Stage()
    config = stage.bench.daemon.config
    stage.addresses = lambda _settings: Addresses()
    stage.bench.on_disk = replace(config, alerts=AlertSettings())
    stage.bench.daemon.operations.reload(by=None)
    stage.fail()
    stage.passes(2_000)
    assert (stage.told, stage.store.known) == ([], {})


def test_a_full_disk_loses_notes_and_no_message() -> None:
    stage = Stage()
    stage.store.broken = True
    stage.fail()
    stage.passes(900)
    assert stage.told[:1] == ["alert"]
    assert any(event == "state.failed" for event, _ in stage.events)
    stage.store.broken = False
    stage.passes(60)
    assert set(stage.store.known) == {one.condition.key for one in stage.alerting.seen.active}, "it is made up for"


def test_a_state_file_that_cannot_be_read_at_first_is_read_later_and_repeats_nothing() -> None:
    first = Stage()
    first.fail()
    first.passes(900)
    first.store.broken = True
    second = Stage(first.store, first.time, healthy=False)
    assert any(event == "state.failed" for event, _ in second.events)
    first.store.broken = False
    second.passes(400)
    assert second.told == []
    second.bench.engine.fails = {}
    second.passes(2_000)
    assert second.told == ["recovery"]


def test_a_state_file_that_can_never_be_read_keeps_nobody_from_being_told() -> None:
    store = Kept()
    store.broken = True
    stage = Stage(store, healthy=False)
    stage.passes(600)
    assert stage.told == ["alert"]


def test_the_end_sends_what_waits_and_tells_nothing_of_itself() -> None:
    stage = Stage()
    stage.fail()
    stage.bench.pass_time(900)
    stage.bench.daemon.say_goodbye()
    stage.alerting.close()
    while stage.alerting.serve(0.0):
        pass
    assert stage.told == ["alert"]


def test_looks_of_a_daemon_that_stops_prove_nothing() -> None:
    stage = Stage()
    stage.fail()
    stage.passes(900)
    before = len(stage.hook.messages)
    stage.bench.daemon.stop()
    stage.bench.daemon.check_health()
    stage.settle()
    assert len(stage.hook.messages) == before


def test_a_bug_in_a_step_ends_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    waits: list[float] = []

    def serve(wait: float) -> bool:
        waits.append(wait)
        if len(waits) == 1:
            raise ValueError("secret")
        return False

    monkeypatch.setattr(stage.alerting, "serve", serve)
    stage.alerting.work()
    assert waits[1] >= 10.0
    (fields,) = [fields for event, fields in stage.events if event == "witness.failed"]
    assert "secret" not in str(fields)


class Hanging(Told):
    """Takes a message, and comes back only when it is let go."""

    def __init__(self) -> None:
        super().__init__("webhook h")
        self.asked, self.free = threading.Event(), threading.Event()

    def send(self, message: Message) -> None:
        self.asked.set()
        self.free.wait(60)
        super().send(message)


def test_an_address_that_never_answers_holds_up_no_run_and_no_end() -> None:
    hook, store, time = Hanging(), Kept(), Time()
    config = replace(config_of("a", "b", max_consecutive_failures=1), alerts=AlertSettings(webhook="https://h"))
    edges = AlertEdges(store, lambda _settings: Addresses((hook,)), KeysDouble(), "db1")
    alerting = Alerting(config, edges, unheard, clock=time.clock, monotonic=time.monotonic)
    bench = Bench(config, witnesses=[alerting])
    alerting.follow(lambda: bench.daemon.config)
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    bench.start()
    assert hook.asked.wait(60), "the thread is sending"
    bench.engine.fails = {}
    bench.pass_time(200 * 300.0)
    assert len(bench.synced) > 150
    bench.daemon.say_goodbye()
    alerting.close(0.0)
    assert (hook.messages, hook.free.is_set()) == ([], False), "all of it while that one request hung"
    assert alerting._thread is not None and alerting._thread.is_alive()
    assert [one.waiting for one in store.messages.values()] == [{hook.key}], "and it is kept for the next start"
    hook.free.set()
    alerting._thread.join(60)
    assert not alerting._thread.is_alive()
    assert len(hook.messages) == 1
