"""Everything together: what there is, who acts in it, and when it ends."""

from __future__ import annotations

import random
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.messages import Request
from moneymentor_sync.sandbox.quota import Quota
from tests.databases import started_postgresql

from . import ending
from .database import Database
from .faults import Weather
from .figures import Figures
from .hazards import Hazards
from .keeper import Keeper
from .ledger import Ledger
from .person import Person
from .watch import Watch
from .writer import Writer

TIMEOUT = 4.0
"""Seconds that the daemon waits for Google."""
_GENEROUS = Quota(600, 600, 3000, 3000)
_BETWEEN = 0.12
"""How often a person edits right before a write of mmsync arrives, and half as often right after a read."""
_CONFIG = """
[database]
url = "{url}"
[google]
spreadsheet_id = "{spreadsheet}"
credentials_file = "{credentials}"
api_endpoint = "{endpoint}"
timeout_seconds = {timeout}
[sync]
interval_seconds = 1
max_retries = 3
retry_delay_seconds = 0.2
max_consecutive_failures = 4
health_check_interval = 5
stop_timeout_seconds = 5
debounce_seconds = 0.2
max_delay_seconds = 1
enable_course_stats = false
[state]
path = "state/state.db"
[control]
socket = "control.sock"
[[datasets]]
name = "entries"
tab = "Entries"
query = "SELECT id, revision, label, amount, share, done, day, comment FROM entries"
key = ["id"]
[[datasets]]
name = "labels"
tab = "Labels"
table = "labels"
key = ["code"]
"""


@dataclass(frozen=True)
class Options:
    minutes: float
    seed: int
    fault_rate: float
    folder: Path


class Scene:
    """The actors. Each has its own chance, made of the one seed, so that threads do not take each other's."""

    def __init__(self, options: Options, figures: Figures, box: Sandbox, database: Database) -> None:
        def chance(who: str) -> random.Random:
            return random.Random(f"{options.seed}:{who}")

        self.options, self.figures, self.box, self.database = options, figures, box, database
        self.keeper = Keeper(options.folder, figures)
        self.ledger = Ledger()
        self.watch = Watch(box, database, self.ledger, figures)
        self.person = Person(box, self.watch, self.ledger, figures, chance("person"))
        self.writer = Writer(database, figures, chance("writer"))
        self.hazards = Hazards(self.keeper, database, figures, chance("hazards"))
        self.weather = Weather(box.faults, options.fault_rate, TIMEOUT, chance("weather"))
        self._between = chance("between")

    def configure(self) -> None:
        self.keeper.config.write_text(
            _CONFIG.format(
                url=self.database.reader_url(),
                spreadsheet=self.box.spreadsheet_id,
                credentials=self.box.credentials_file,
                endpoint=self.box.url,
                timeout=TIMEOUT,
            )
        )

    def open_ears(self) -> None:
        hooks = self.box.hooks
        hooks.on_arrival(self.watch.arrived)
        hooks.on_change(self.watch.changed)
        hooks.on_arrival(self.hazards.arrived)
        hooks.before_write(self._maybe("between look and write", _BETWEEN))
        hooks.after_read(self._maybe("right after a look", _BETWEEN / 2))

    def _maybe(self, when: str, probability: float) -> Callable[[Request], None]:
        def hook(_request: Request) -> None:
            if self._between.random() < probability:
                self.person.act(when)

        return hook

    def play(self) -> None:
        """All at once, for as long as was asked for; then to the end."""
        stop, end = threading.Event(), threading.Event()
        with self._thread(self.keeper.work, end):
            try:
                self.weather.begin()
                with ExitStack() as actors:
                    for work in (self.writer.work, self.person.work, self.hazards.work):
                        actors.enter_context(self._thread(work, stop))
                    stop.wait(self.options.minutes * 60)
                self._end()
            finally:
                self.keeper.stop()
        ending.scan_log(self.keeper.log, self.box.credentials_file, self.figures)

    def _end(self) -> None:
        self.weather.end(self.figures)
        self.person.finish()
        self.database.look()
        ending.come_to_rest(self.keeper, self.figures, self.person.read_a_refusal)
        ending.compare_all(self.box, self.watch, self.database, self.ledger, self.figures)
        ending.read_syncs(self.keeper, self.figures)
        ending.count_requests(self.box, self.figures)

    @contextmanager
    def _thread(self, work: Callable[[threading.Event], None], stop: threading.Event) -> Iterator[None]:
        """Somebody at work until the block is left; their failure is one of the run."""

        def guarded() -> None:
            try:
                work(stop)
            except Exception as error:  # noqa: BLE001 - a bug of the soak itself: it must not pass for a good run
                self.figures.say("soak", traceback.format_exc())
                self.figures.differs(f"the soak itself failed: {type(error).__name__}")

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(120)


def run(options: Options) -> Figures:
    """One soak, from an empty database to the last comparison."""
    options.folder.mkdir(parents=True, exist_ok=True)
    figures = Figures(options.folder / "soak.log")
    with started_postgresql() as server, Sandbox(options.folder / "sheets", quota=_GENEROUS) as box:
        scene = Scene(options, figures, box, Database(server))
        scene.configure()
        prepared = scene.keeper.triggers()
        scene.database.source.run(prepared)
        scene.open_ears()
        scene.play()
    return figures
