"""What must not be seen is nowhere that mmsync writes to: whatever goes well or wrong, at any level of the log."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault
from tests.databases import PostgresqlServer

from .test_daemon import PATIENCE, House

PASSWORD = "S3cret-of-the-database"
HASH_KEY = "S3cret-of-the-pseudonyms-0123456789"
PERSON = "ada.canary@example.com"
SECOND = "bob.canary@example.com"
NAME = "Lovelace-Canary"
PASSWORD_HASH = "$2b$12$canary-of-the-hash"
TYPED = "typed-canary by a person"
CANARIES = (PASSWORD, HASH_KEY, PERSON, SECOND, NAME, PASSWORD_HASH, TYPED, "canary")

DATASETS = f"""
[privacy]
hash_key = "{HASH_KEY}"
[[datasets]]
name = "people"
tab = "People"
query = "SELECT email, name, iban FROM people"
key = ["email"]
columns = ["email", "name", {{ name = "iban", hash = true }}]
[[datasets]]
name = "miscast"
tab = "Miscast"
query = "SELECT email::integer AS id FROM people"
key = ["id"]
[[datasets]]
name = "everything"
tab = "Everything"
query = "SELECT * FROM people"
key = ["email"]
[[datasets]]
name = "twice"
tab = "Twice"
query = "SELECT email FROM people UNION ALL SELECT email FROM people"
key = ["email"]
[[datasets]]
name = "binary"
tab = "Binary"
query = "SELECT email, name::bytea AS name FROM people"
key = ["email"]
[[datasets]]
name = "raising"
tab = "Raising"
query = "SELECT email, told(name) AS name FROM people"
key = ["email"]
"""


class SecretHouse(House):
    """A daemon on PostgreSQL in which everything that has a value has one that can be told from anything else."""

    def __init__(self, folder: Path, box: Sandbox, server: PostgresqlServer) -> None:
        self.source = server.new_database()
        self.source.run(
            "CREATE TABLE people (email text, name text, iban text, password_hash text)",
            f"INSERT INTO people VALUES ('{PERSON}', '{NAME}', 'DE-canary', '{PASSWORD_HASH}')",
            f"INSERT INTO people VALUES ('{SECOND}', 'B', NULL, 'x')",
            "CREATE FUNCTION told(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'of %', $1; END $$",
        )
        super().__init__(folder, box)
        self.said: list[str] = []

    def configure(self, **sync: object) -> None:
        super().configure(enable_user_profiles=False, enable_course_stats=False, **sync)
        url = self.source.url.replace("postgres:@", f"postgres:{PASSWORD}@")
        assert PASSWORD in url
        text = self.config.read_text().replace(f"sqlite:///{self.database}", url).replace("= False", "= false")
        self.config.write_text(text + DATASETS)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = super().command(*arguments)
        self.said += [f"$ mmsync {' '.join(arguments)}\n", done.stdout, done.stderr]
        return done


@pytest.fixture
def house(tmp_path: Path, postgresql_server: PostgresqlServer) -> Iterator[SecretHouse]:
    folder = tmp_path / "h"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        made = SecretHouse(folder, box, postgresql_server)
        before = os.umask(0)  # whatever is private, is so by our own doing
        try:
            yield made
        finally:
            os.umask(before)
            if made.process is not None and made.process.poll() is None:
                made.kill()


def ask_for_everything(house: SecretHouse) -> None:
    for command in (
        "status",
        "status --json",
        "history",
        "history --json",
        "history --plot",
        "check",
        "check --json",
    ):
        house.command(*command.split())
    house.said.append(json.dumps([house.client.status(), house.client.history(None, 100)]))


def make_everything_go_wrong(house: SecretHouse) -> None:
    """One after the other; each is seen to have happened."""
    person = house.box.person(house.box.spreadsheet_id)
    house.command("force", "people")
    assert house.box.grid(house.box.spreadsheet_id, "People")[1][:2] == [PERSON, NAME]
    person.type_rows("People", 0, 4, [[TYPED], [TYPED]])
    person.note("People", 1, 1, TYPED)
    for fault in (Fault("html", on="write"), Fault("not_json", on="read"), Fault("status", on="write", status=400)):
        house.box.faults.add(fault)
        house.source.run("UPDATE people SET name = name || '.' WHERE name <> 'B'")
        house.command("force", "people")
        assert fault.fired
    person.type_rows("People", 1, 0, [[TYPED, TYPED], [TYPED, TYPED]])  # both keys and what might prove them
    assert house.command("force", "people").returncode == 1
    person.type_rows("People", 1, 0, [[PERSON], [SECOND]])
    person.type_rows("People", 0, 0, [[TYPED, TYPED]])  # the headers of them
    house.command("force", "people")
    person.type_rows("People", 0, 0, [["email", "name"]])
    house.source.run("DELETE FROM people")
    assert house.command("force", "people").returncode == 1
    house.source.run(f"INSERT INTO people VALUES ('{PERSON}', '{NAME}', NULL, '{PASSWORD_HASH}')")


def test_no_secret_and_nothing_of_anybody_is_written_down_or_said(house: SecretHouse) -> None:
    house.start("-v")
    house.synced()
    make_everything_go_wrong(house)
    house.command("force", "-v")
    ask_for_everything(house)
    assert house.process is not None
    process = Path(f"/proc/{house.process.pid}")
    house.said.append(process.joinpath("cmdline").read_bytes().decode())
    good = house.config.read_text()
    house.config.write_text(good.replace("interval_seconds = 3600", "interval_seconds = 0"))
    assert house.command("reload").returncode == 78
    house.config.write_text(good)
    house.end()
    house.command("sync", "--json")
    house.command("sync", "-v")
    ask_for_everything_without_a_daemon(house)
    house.said += [house.log.read_text(), *map(str, house.folder.rglob("*"))]
    key = json.loads(house.box.credentials_file.read_text())["private_key"]
    secrets = {line for line in key.splitlines() if len(line) > 20} | {"ya29.", *CANARIES}
    text = "\n".join(house.said)
    assert {secret: around(text, secret) for secret in secrets if secret in text} == {}
    for code in ("query", "key_not_unique", "denied_column", "unsupported_value", "key_damaged", "shrink_refused"):
        assert code in text, f"{code} happened, and was told"
    assert "Traceback" in text, "and an error was told as whoever mends it wants it"


def ask_for_everything_without_a_daemon(house: SecretHouse) -> None:
    for command in ("status --json", "history --json", "check"):
        house.command(*command.split())
    good = house.config.read_text()
    for wrong in ("//postgres:", "//nobody:"), ("@/", "@x@/"), ("@/", "@127.0.0.1:port/"), ("+psycopg:", "+none:"):
        house.config.write_text(good.replace(*wrong))
        for command in ("check -v", "check --json", "sync -v"):
            assert house.command(*command.split()).returncode in (1, 78)


def around(text: str, secret: str) -> str:
    """Where a secret was found, for whoever has to mend it."""
    at = text.index(secret)
    return text[max(0, at - 300) : at + 100]


def test_the_database_file_of_state_knows_nobody(house: SecretHouse) -> None:
    house.start()
    house.synced()
    make_everything_go_wrong(house)
    house.end()
    kept = [path.read_bytes() for path in (house.folder / "state").iterdir() if path.is_file()]
    assert any(b"people" in one for one in kept)
    assert {canary for canary in CANARIES for one in kept if canary.encode() in one} == set()


def test_what_is_made_is_for_its_owner_alone(house: SecretHouse) -> None:
    house.start()
    house.synced()
    made = [path for path in house.folder.rglob("*") if path not in (house.config, house.database, house.log)]
    kinds = {stat.S_IFMT(path.lstat().st_mode) for path in made}
    assert kinds == {stat.S_IFDIR, stat.S_IFREG, stat.S_IFSOCK}
    allowed = {stat.S_IFDIR: 0o700, stat.S_IFREG: 0o600, stat.S_IFSOCK: 0o660}
    loose = {
        str(path.relative_to(house.folder)): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in made
        if stat.S_IMODE(path.lstat().st_mode) & ~allowed[stat.S_IFMT(path.lstat().st_mode)]
    }
    assert loose == {}


def test_init_keeps_what_it_writes_to_its_owner(tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": f"postgresql://u:{PASSWORD}@h/d",
        "GOOGLE_SHEET_ID": "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe",
        "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", 'umask 0; exec "$@"', "sh", sys.executable, "-m", "moneymentor_sync", "init", "--yes"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert stat.S_IMODE((tmp_path / "sync.toml").stat().st_mode) == 0o600
