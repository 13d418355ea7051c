"""Those who are told how it goes, and that one of them who fails holds up nobody."""

from __future__ import annotations

from typing import Any

from moneymentor_sync.core.errors import DatabaseUnreachableError, LockHeldError
from moneymentor_sync.core.ports import RunResult
from tests.daemon_double import Bench


class Written:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def began(self, run_id: str, trigger: str) -> None:
        self.told.append(("began", (run_id, trigger)))

    def ended(self, run: RunResult) -> None:
        self.told.append(("ended", (run.run_id, run.outcome)))

    def looked(self, status: dict[str, Any]) -> None:
        self.told.append(("looked", status["health"]["level"]))

    def stopped(self, status: dict[str, Any]) -> None:
        self.told.append(("stopped", status["is_running"]))


class Failing(Written):
    def ended(self, run: RunResult) -> None:
        raise ValueError("secret@example.com")


def test_a_run_is_told_of_from_its_beginning_to_its_end() -> None:
    witness = Written()
    bench = Bench(witnesses=[witness]).start()
    (_, (run_id, trigger)) = witness.told[1]
    assert trigger == "start"
    assert witness.told == [
        ("looked", "healthy"),
        ("began", (run_id, "start")),
        ("ended", (run_id, "ok")),
        ("looked", "healthy"),
    ]
    bench.daemon.check_health()
    bench.daemon.say_goodbye()
    assert witness.told[4:] == [("looked", "healthy"), ("stopped", True)]


def test_the_status_they_get_is_that_after_the_run() -> None:
    witness = Written()
    bench = Bench(witnesses=[witness])
    down = DatabaseUnreachableError("no")
    bench.engine.fails = {one.name: down for one in bench.daemon.config.datasets}
    bench.start()
    assert [one for one in witness.told if one[0] != "began"][1:3] == [
        ("ended", (witness.told[1][1][0], "failed")),
        ("looked", "unhealthy"),
    ]


def test_a_run_that_met_anothers_lock_has_no_end() -> None:
    witness = Written()
    bench = Bench(witnesses=[witness])
    bench.engine.raises = LockHeldError("somebody has it")
    bench.daemon.prepare()
    assert bench.daemon.serve_next()
    assert "ended" not in [what for what, _ in witness.told]
    assert witness.told[-1][0] == "looked"


def test_one_that_fails_is_logged_without_its_words_and_the_others_are_told() -> None:
    witness = Written()
    bench = Bench(witnesses=[Failing(), witness]).start()
    assert "ended" in [what for what, _ in witness.told]
    (fields,) = [fields for event, fields in bench.events if event == "witness.failed"]
    assert (fields["witness"], fields["error"]) == ("Failing", "ValueError")
    assert "secret" not in str(fields)
