"""What the commands that talk to the daemon make of its answers, and of the words on their own command line."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from moneymentor_sync.cli import console as console_streams
from moneymentor_sync.cli import daemon_access, status_screen, status_watch
from moneymentor_sync.cli.daemon_access import Document, last_runs
from moneymentor_sync.cli.history_command import joined, past_runs
from moneymentor_sync.cli.reload_command import said as reload_said
from moneymentor_sync.cli.run_display import run_as_json, run_from_json
from moneymentor_sync.cli.status_quick import Asked, parse
from moneymentor_sync.cli.status_recent import MOST
from moneymentor_sync.cli.status_screen import exit_code, known_status
from moneymentor_sync.cli.status_watch import watch_status
from moneymentor_sync.cli.switch_commands import said
from moneymentor_sync.core.client_places import ClientPlaces
from moneymentor_sync.core.errors import NotRunningError
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import Totals

from .screens import UP, status

PLACES = ClientPlaces(Path("/state.db"), Path("/control.sock"))


class Daemon:
    """The client's double: what it knows, or nobody there."""

    def __init__(self, *, runs: list[Document] | None = None, document: Document | None = None) -> None:
        self.runs, self.document = runs, document
        self.asked: list[tuple[str | None, int]] = []

    def history(self, dataset: str | None, limit: int) -> Document:
        self.asked.append((dataset, limit))
        if self.runs is None:
            raise NotRunningError("nobody")
        of = [
            one | {"datasets": [each for each in one["datasets"] if dataset in (None, each["dataset"])]}
            for one in self.runs
        ]
        return {"runs": [one for one in of if one["datasets"]][:limit]}

    def status(self) -> Document:
        if self.document is None:
            raise NotRunningError("nobody")
        return self.document


def meet(monkeypatch: pytest.MonkeyPatch, daemon: Daemon) -> Daemon:
    monkeypatch.setattr(daemon_access, "open_client", lambda places: daemon)
    monkeypatch.setattr(status_screen, "open_client", lambda places: daemon)
    return daemon


def test_the_verdict_is_the_exit_code() -> None:
    codes = {}
    for level in ("healthy", "warning", "degraded", "unhealthy"):
        document = status()
        document["statistics"]["health_status"] = level
        codes[level] = exit_code(document)
    assert codes == {"healthy": 0, "warning": 0, "degraded": 1, "unhealthy": 1}
    assert exit_code(status(is_running=False)) == 3


def test_the_last_known_state_is_what_there_is_without_a_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    last = status(is_running=False)
    meet(monkeypatch, Daemon())
    monkeypatch.setattr(status_screen, "last_status", lambda places: last)
    assert known_status(PLACES) is last
    monkeypatch.setattr(status_screen, "last_status", lambda places: None)
    with pytest.raises(NotRunningError):
        known_status(PLACES)
    meet(monkeypatch, Daemon(document=status()))
    assert known_status(PLACES) == status()


def test_watching_outlives_the_daemon_and_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=80, height=40, force_terminal=True, color_system=None)
    answers: list[Document | None] = [status(), None, status(next_mono=UP + 5)]

    def known(places: ClientPlaces) -> Document:
        document = answers.pop(0)
        if document is None:
            raise NotRunningError("nobody listens")
        return document

    def sleep(seconds: float) -> None:
        if not answers:
            raise KeyboardInterrupt

    monkeypatch.setattr(status_watch, "known_status", known)
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(status_watch, "places_to_look_at", lambda config: PLACES)
    monkeypatch.setattr(console_streams, "out", lambda: console)
    watch_status(None, as_json=False)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert shown.index("in 2 min 58 s") < shown.index("■ nobody listens") < shown.index("in 5 s")
    assert shown.count("Ctrl-C ends") == 3  # and not in what is left standing
    assert "Ctrl-C" not in shown[shown.rindex("in 5 s") :]


def test_the_last_runs_are_asked_for_again_only_when_there_was_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Told:
        def history(self, dataset: str | None, limit: int) -> Document:
            asked.append(limit)
            if len(asked) == 3:
                raise NotRunningError("gone")
            return {"runs": [{"run_id": str(len(asked))}]}

    monkeypatch.setattr(status_watch, "open_client", lambda places: Told())
    monkeypatch.setattr(status_watch, "last_runs", lambda places, dataset, limit: None)
    recent = status_watch.Recent()
    totals = [Totals(successful=count) for count in (1, 1, 2, 3, 3)]
    seen = [recent.runs(status(totals=total), PLACES) for total in totals]
    assert [[run["run_id"] for run in runs] for runs in seen] == [["1"], ["1"], ["2"], [], []]
    assert recent.runs(status(is_running=False), PLACES) == []
    assert asked == [MOST] * 3


def test_a_window_of_another_size_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [(80, 24)] * 4 + [(100, 30)] * 9
    slept: list[float] = []

    class Window:
        size = property(lambda self: sizes.pop(0))

    monkeypatch.setattr(time, "sleep", slept.append)
    status_watch._wait(cast("Console", Window()))
    assert sum(slept) < status_watch.EVERY_SECONDS / 2


# --- the status command's own words ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], Asked(None, frozenset())),
        (["--json", "--watch", "-v"], Asked(None, frozenset({"as_json", "watch", "verbose"}))),
        (["-c", "a.toml", "--verbose"], Asked(Path("a.toml"), frozenset({"verbose"}))),
        (["--json", "--config", "b.toml"], Asked(Path("b.toml"), frozenset({"as_json"}))),
    ],
)
def test_plain_words_need_no_parser(words: list[str], asked: Asked) -> None:
    assert parse(["status", *words]) == asked


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--js"], ["x"], ["-c"], ["-c", "--json"], ["-c", ""], ["--config=a.toml"], ["-vc", "a"], ["--"]],
)
def test_everything_else_goes_to_the_parser(words: list[str]) -> None:
    assert parse(["status", *words]) is None


def test_other_commands_go_to_the_parser() -> None:
    assert [parse(words) for words in ([], ["--version"], ["-v", "status"], ["sync"])] == [None] * 4


# --- switches and reload ---------------------------------------------------------------------------------


def switched(enabled: bool, **datasets: bool) -> Document:
    return {"sync_enabled": enabled, "datasets": datasets}


def test_what_is_now_the_case_with_syncing_as_a_whole() -> None:
    assert said(switched(True, a=True), []) == ["syncing is enabled"]
    assert said(switched(True, a=False, b=True, c=False), []) == ["syncing is enabled, but not of a, c"]
    assert said(switched(False), []) == ["syncing is disabled until `mmsync enable`"]
    assert said(switched(False), [], for_seconds=5400) == ["syncing is disabled for 1 h 30 min"]


def test_what_is_now_the_case_with_datasets() -> None:
    assert said(switched(True, a=True, b=False), ["b", "a"]) == [
        "b is disabled until `mmsync enable b`",
        "a is enabled",
    ]
    assert said(switched(True, b=False), ["b"], for_seconds=7200) == ["b is disabled for 2 h"]
    assert said(switched(False, a=True), ["a"])[1] == "syncing is disabled as a whole: `mmsync enable` turns it on"


def test_what_a_reload_changed() -> None:
    assert reload_said({"changed": [], "needs_restart": []}) == ["the configuration is as it was"]
    assert reload_said({"changed": ["sync.interval_seconds", "state.path"], "needs_restart": ["state.path"]}) == [
        "changed, and in use from now on:",
        "  sync.interval_seconds",
        "changed, but used only after a restart:",
        "  state.path",
        "  → `systemctl restart mmsync`",
    ]
    assert reload_said({"changed": ["state.path"], "needs_restart": ["state.path"]})[0].startswith(
        "nothing that can"
    )


# --- history ---------------------------------------------------------------------------------------------


def run(number: int, *datasets: str) -> Document:
    results = [{"dataset": name} for name in datasets]
    return {"run_id": str(number), "started_at": f"2026-03-14T12:0{number}:00Z", "datasets": results}


RUNS = [run(5, "a", "b"), run(4, "a"), run(3, "c"), run(2, "b"), run(1, "a", "c")]


def test_histories_of_datasets_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = meet(monkeypatch, Daemon(runs=RUNS))
    found = past_runs(PLACES, ["a", "b"], 3)["runs"]
    assert [(one["run_id"], [each["dataset"] for each in one["datasets"]]) for one in found] == [
        ("5", ["a", "b"]), ("4", ["a"]), ("2", ["b"]),
    ]  # fmt: skip
    assert daemon.asked == [("a", 3), ("b", 3)]
    assert past_runs(PLACES, [], 2)["runs"] == RUNS[:2]


def test_one_history_is_as_the_daemon_gave_it() -> None:
    document: dict[str, Any] = {"runs": RUNS, "more": 1}
    assert joined([document], 2) is document


def test_without_a_daemon_the_state_file_has_the_history(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    meet(monkeypatch, Daemon())
    monkeypatch.setattr(daemon_access, "last_runs", lambda places, dataset, limit: {"runs": RUNS[:limit]})
    assert past_runs(PLACES, [], 2) == {"runs": RUNS[:2]}
    assert "the daemon is not running" in capsys.readouterr().err
    monkeypatch.setattr(daemon_access, "last_runs", lambda places, dataset, limit: None)
    with pytest.raises(NotRunningError):
        past_runs(PLACES, [], 2)


def test_the_state_files_history(tmp_path: Path) -> None:
    from moneymentor_sync.adapters.state_file import StateFile

    places = ClientPlaces(tmp_path / "state.db", tmp_path / "s")
    assert last_runs(places, None, 5) is None
    store = StateFile(places.state_path)
    store.record(RunResult("r1", 1_700_000_000.0, 1.5, "schedule", (DatasetResult("a", "A", "synced", rows=3),)))
    store.close()
    found = last_runs(places, "a", 5)
    assert found is not None
    [one] = found["runs"]
    assert (one["run_id"], one["outcome"], one["datasets"][0]["rows"]) == ("r1", "ok", 3)


# --- results ---------------------------------------------------------------------------------------------


def test_a_run_survives_its_way_as_json() -> None:
    run = RunResult(
        "r1", 0.0, 1.5, "force",
        (
            DatasetResult("a", "A", "synced", rows=5, inserted=2, notes=("look",), put_back=1),
            DatasetResult("b", "B", "failed", error_code="query", error="no such table", hint="Mend it."),
        ),
    )  # fmt: skip
    document = run_as_json(run)
    assert (document["ok"], document["error"]) == (False, "b: no such table")
    assert run_from_json(document) == run


def test_what_another_version_says_beside_is_left_out() -> None:
    one = {"name": "a", "result": "synced", "rows": None, "new_in_2": {"x": 1}}
    run = run_from_json({"run_id": "r", "seconds": 1, "datasets": [one]})
    assert run.datasets == (DatasetResult("a", "a", "synced"),)
