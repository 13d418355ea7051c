"""Watch on PostgreSQL: listens, finds out whom a changed table concerns, and connects again when it must.

What happened while nobody listened is not known, so that each time it begins to listen everything is synced once.
That it hears is proved, not believed: a pooler that lends connections by the transaction takes LISTEN and delivers
nothing. So a word is sent from another connection first, and one to itself from time to time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy.engine import make_url

from ..core.daemon_ports import Changed
from ..core.errors import DatabaseUnreachableError, MmsyncError
from ..core.events import Emit
from ..core.realtime import Hearing
from ..core.settings import DatabaseSettings, Dataset
from ..core.trigger_sql import OTHER_TRIGGERS
from .database import DatabaseSource
from .database_errors import place_of
from .ears import Ears, WatchThread
from .listen_link import DeafError, Link, linked, listening_engine, tell_from_elsewhere
from .reading_tables import KnownTables

_DEAF_HINT = (
    "Behind a pooler in transaction mode (pgbouncer, Supabase's port 6543) give a direct or a session-mode URL; "
    "or set `[database] listen = false`. Until then the intervals sync."
)
_GATHER_SECONDS = 0.05
"""What arrives within so long is taken together, so that a stream of changes costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: for a word to arrive, between two words to itself, and the shortest and the longest wait before it
    connects anew; longer ones where it was deaf, which mostly lasts, but may also have been a moment's weakness.
    `look` lie between two looks for triggers that were missing and queries that failed, if nobody tells of it."""

    arrival: float = 10.0
    life: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    first_deaf_wait: float = 30.0
    longest_deaf_wait: float = 600.0
    look: float = 600.0


@dataclass(frozen=True, slots=True)
class Chances:
    """Clocks and randomness: UNIX seconds, monotonic seconds, a number in [0, 1)."""

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    chance: Callable[[], float]


class DatabaseListener:
    """Raises ConfigError for a URL that cannot be used."""

    def __init__(
        self,
        settings: DatabaseSettings,
        datasets: Sequence[Dataset],
        changed: Changed,
        emit: Emit,
        chances: Chances,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        url = make_url(settings.url)
        self._engine = listening_engine(url)
        self._place = place_of(url, settings.statement_timeout_seconds, (psycopg.Error, psycopg.Warning))
        self._monotonic, self._chance = chances.monotonic, chances.chance
        self._rhythm = rhythm
        self._ears = Ears("listen", changed, emit, chances.clock)
        self._tables = KnownTables(DatabaseSource(settings), datasets, self._ears.say)
        self._thread = WatchThread("listen", self._ears, self._work)
        self._words = 0
        self._failures = 0
        self._other_triggers = False
        self._looked_at = 0.0

    @property
    def hearing(self) -> Hearing:
        return self._ears.hearing

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> bool:
        return self._thread.stop()

    # --- from one connection to the next --------------------------------------------------------------------

    def _work(self) -> None:
        """One connection, from its beginning to its end, and the wait before the next one."""
        try:
            with linked(self._engine, self._place) as link:
                self._listen(link)
        except MmsyncError as error:
            deaf = isinstance(error, DeafError)
            self._ears.lost(error, deaf=deaf)
            self._ears.waker.wait(self._next_wait(deaf=deaf))

    def _next_wait(self, *, deaf: bool) -> float:
        rhythm = self._rhythm
        first = rhythm.first_deaf_wait if deaf else rhythm.first_wait
        longest = rhythm.longest_deaf_wait if deaf else rhythm.longest_wait
        doubled: float = first * 2.0 ** min(self._failures, 20)
        self._failures += 1
        return min(doubled, longest) * (0.5 + 0.5 * self._chance())

    def _listen(self, link: Link) -> None:
        if self._ears.waker.woken:
            return  # while it connected
        self._look()
        self._prove(link)
        self._failures = 0
        self._ears.listening(self._tables.untold, self._tables.unheard, tables=self._tables.names)
        self._ears.missed(None)
        while True:
            if not self._other_triggers:
                self._hear_for(link, self._rhythm.life, OTHER_TRIGGERS)
            if self._ears.waker.woken:
                return
            self._prove_again(link)
            if self._other_triggers or self._may_be_whole_now:
                self._ears.missed(self._look())  # what they read now may have changed before
                self._ears.told_of(self._tables.untold, self._tables.unheard)

    def _look(self) -> frozenset[str]:
        """What is told from now on, of other triggers, comes after what is seen now."""
        self._other_triggers = False
        self._looked_at = self._monotonic()
        return self._tables.look()

    @property
    def _may_be_whole_now(self) -> bool:
        """Rarely: to look takes a connection and every query, and the scripts of triggers tell by themselves."""
        return not self._tables.whole and self._monotonic() >= self._looked_at + self._rhythm.look

    # --- proofs ---------------------------------------------------------------------------------------------

    def _prove(self, link: Link) -> None:
        word = self._word()
        tell_from_elsewhere(self._engine, word)
        if not self._arrives(link, word):
            raise DeafError(f"the {self._place.name} takes LISTEN, but delivers nothing", hint=_DEAF_HINT)

    def _prove_again(self, link: Link) -> None:
        """A sign of life."""
        word = self._word()
        link.tell(word)
        if not self._arrives(link, word):
            raise DatabaseUnreachableError(
                f"the {self._place.name} delivers nothing any more", hint="It is connected to again."
            )

    def _word(self) -> str:
        """One that nobody else has sent: no table's name begins with a question mark and has no dot."""
        self._words += 1
        return f"?mmsync {id(self):x} {self._words} {self._chance():.17f}".replace(".", "")

    def _arrives(self, link: Link, word: str) -> bool:
        return self._ears.waker.woken or self._hear_for(link, self._rhythm.arrival, word)

    # --- hearing --------------------------------------------------------------------------------------------

    def _hear_for(self, link: Link, seconds: float, word: str) -> bool:
        """Passes on what arrives within so many seconds; ends sooner, with True, when the word does."""
        end = self._monotonic() + seconds
        while True:
            payloads = link.received()
            self._ears.heard(self._tables.concerned(payloads))
            self._other_triggers |= OTHER_TRIGGERS in payloads  # also while a proof is waited for
            if word in payloads:
                return True
            left = end - self._monotonic()
            if left <= 0 or self._ears.waker.wait(left, link.descriptor):
                return self._ears.waker.woken
            self._ears.waker.wait(_GATHER_SECONDS)
