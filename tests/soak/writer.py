"""The application at work: inserts, updates, deletes, new keys, bursts, transactions that are taken back."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import psycopg

from .database import Database, add_profile, bump_profiles
from .figures import Figures
from .tables import code

MOST = {"entries": 4_000, "labels": 600, "user_profiles": 900}
LEAST = {"entries": 1_500, "labels": 150, "user_profiles": 300}
_PAUSE = (0.05, 1.2)
_TRIES = 600


class Writer:
    """One thread that writes; each act is one transaction, or a burst of them."""

    def __init__(self, database: Database, figures: Figures, rng: random.Random) -> None:
        self._database, self._figures, self._rng = database, figures, rng
        self._number = 100_000
        self._retired: list[str] = []
        self._stop = threading.Event()

    def work(self, stop: threading.Event) -> None:
        self._stop = stop
        while not stop.wait(self._rng.uniform(*_PAUSE)):
            acts, weights = zip(*_ACTS, strict=True)
            act = self._rng.choices(acts, weights)[0]
            try:
                act(self)
            except psycopg.Error as error:
                self._figures.count("database transactions lost", type(error).__name__)
                self._learn(stop)
            else:
                self._figures.count("database transactions", act.__name__)

    def _learn(self, stop: threading.Event) -> None:
        """What became of a transaction that a restart cut off is for the database to say."""
        while not stop.wait(0.1):
            with suppress(psycopg.Error):
                self._database.look()
                return

    # --- rows -----------------------------------------------------------------------------------------------

    def _some(self, dataset: str, most: int) -> list[str]:
        keys = sorted(self._database.keys[dataset])
        return self._rng.sample(keys, min(len(keys), self._rng.randint(1, most)))

    def _bump(self, dataset: str, keys: Sequence[str]) -> None:
        with self._database.connection() as connection:
            if dataset == "user_profiles":
                bump_profiles(connection, keys)
            elif dataset == "entries":
                query = "UPDATE entries SET revision = revision + 1 WHERE id = ANY(%s)"
                connection.execute(query, ([int(key) for key in keys],))
            else:
                connection.execute("UPDATE labels SET revision = revision + 1 WHERE code = ANY(%s)", (list(keys),))

    def _any(self) -> str:
        return self._rng.choice(list(MOST))

    def update_a_few(self) -> None:
        dataset = self._any()
        self._bump(dataset, self._some(dataset, 5))

    def update_many(self) -> None:
        dataset = self._any()
        self._bump(dataset, self._some(dataset, len(self._database.keys[dataset]) // 5))

    def update_all(self) -> None:
        dataset = self._any()
        self._bump(dataset, sorted(self._database.keys[dataset]))

    def burst(self) -> None:
        for _ in range(self._rng.randint(20, 60)):
            self._bump("entries", self._some("entries", 2))

    def insert(self) -> None:
        self._insert(self._any(), self._rng.randint(1, 10))

    def insert_many(self) -> None:
        self._insert("entries", self._rng.randint(200, 600))

    def _insert(self, dataset: str, count: int) -> None:
        if len(self._database.keys[dataset]) + count > MOST[dataset]:
            return
        new: list[str] = []
        with self._database.connection() as connection:
            for _ in range(count):
                self._number += 1
                if dataset == "user_profiles":
                    new.append(add_profile(connection))
                elif dataset == "entries":
                    connection.execute("INSERT INTO entries (id, revision) VALUES (%s, 1)", (self._number,))
                    new.append(str(self._number))
                else:
                    new.append(code(self._number))
                    connection.execute("INSERT INTO labels (code, revision) VALUES (%s, 1)", (new[-1],))
        self._database.changed(dataset, come=new)

    def delete(self) -> None:
        dataset = self._any()
        self._delete(dataset, self._some(dataset, 4))

    def delete_many(self) -> None:
        dataset = self._any()
        self._delete(dataset, self._some(dataset, len(self._database.keys[dataset]) // 12))

    def _delete(self, dataset: str, keys: Sequence[str]) -> None:
        if len(self._database.keys[dataset]) - len(keys) < LEAST[dataset]:
            return
        self._database.leaving(dataset, keys)
        with self._database.connection() as connection:
            self._remove(connection, dataset, keys)
        self._database.changed(dataset, gone=keys)
        if dataset == "entries":
            self._retired += keys

    @staticmethod
    def _remove(connection: psycopg.Connection, dataset: str, keys: Sequence[str]) -> None:
        if dataset == "user_profiles":
            connection.execute("DELETE FROM users WHERE id = ANY(%s::uuid[])", (list(keys),))
        elif dataset == "entries":
            connection.execute("DELETE FROM entries WHERE id = ANY(%s)", ([int(key) for key in keys],))
        else:
            connection.execute("DELETE FROM labels WHERE code = ANY(%s)", (list(keys),))

    def bring_back(self) -> None:
        """A key that was deleted stands for a new row."""
        keys = [key for key in self._retired[-3:] if key not in self._database.keys["entries"]]
        with self._database.connection() as connection:
            for key in keys:
                connection.execute("INSERT INTO entries (id, revision) VALUES (%s, 7)", (int(key),))
        self._database.changed("entries", come=keys)

    def change_a_key(self) -> None:
        self._number += 1
        old = self._some("entries", 1)[0]
        self._database.leaving("entries", [old])
        with self._database.connection() as connection:
            connection.execute("UPDATE entries SET id = %s WHERE id = %s", (self._number, int(old)))
        self._database.changed("entries", come=[str(self._number)], gone=[old])

    def empty_for_a_while(self) -> None:
        """All rows go and come again as they were: an empty result is refused, so no row may leave the tab. That
        they were away is not said to those who look on."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT code, revision FROM labels").fetchall()
        self._database.may_be_empty("labels")
        with suppress(psycopg.Error), self._database.connection() as connection:
            connection.execute("DELETE FROM labels")
        self._stop.wait(self._rng.uniform(1.0, 4.0))
        for _ in range(_TRIES):  # also where the server is away: nobody else brings them back
            with suppress(psycopg.Error), self._database.connection() as connection:
                query = "INSERT INTO labels (code, revision) VALUES (%s, %s) ON CONFLICT DO NOTHING"
                connection.cursor().executemany(query, rows)
                connection.commit()
                return
            threading.Event().wait(0.1)

    def take_back(self) -> None:
        """A transaction that deletes and changes everything, and is rolled back."""
        with self._database.connection() as connection:
            connection.execute("UPDATE entries SET revision = revision + 1000")
            connection.execute("DELETE FROM labels")
            connection.rollback()

    def one_transaction_over_all(self) -> None:
        """Rows of all tables change together: the tabs must not show a mixture of two revisions in a row."""
        entries, labels = self._some("entries", 30), self._some("labels", 30)
        with self._database.connection() as connection:
            bump_profiles(connection, self._some("user_profiles", 30))
            connection.execute(
                "UPDATE entries SET revision = revision + 1 WHERE id = ANY(%s)", ([int(key) for key in entries],)
            )
            connection.execute("UPDATE labels SET revision = revision + 1 WHERE code = ANY(%s)", (labels,))


_ACTS: list[tuple[Callable[[Writer], None], float]] = [
    (Writer.update_a_few, 12),
    (Writer.update_many, 1.5),
    (Writer.update_all, 0.3),
    (Writer.burst, 1),
    (Writer.insert, 5),
    (Writer.insert_many, 0.5),
    (Writer.delete, 5),
    (Writer.delete_many, 0.6),
    (Writer.bring_back, 1),
    (Writer.change_a_key, 2),
    (Writer.empty_for_a_while, 0.4),
    (Writer.take_back, 1),
    (Writer.one_transaction_over_all, 2),
]
"""What happens how often."""
