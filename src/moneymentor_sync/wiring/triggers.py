"""The script of `mmsync triggers`: which tables the datasets read, asked of the database, and the SQL for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.reading_tables import Readings, read_tables
from moneymentor_sync.core.errors import DatabaseUnreachableError, MmsyncError, QueryError
from moneymentor_sync.core.reads import Reads, TableName, without_asking
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.trigger_sql import install_sql, remove_sql

_NAME_THEM = 'name its tables in the dataset: `tables = ["…"]`.'

_AS_STORED = (
    "Correct the dataset's `tables`. They are named as PostgreSQL stores them: in lower case, "
    "where they were created without quotes."
)


@dataclass(frozen=True, slots=True)
class Script:
    """`sql` is empty where there is nothing to run; `notes` are for the person, a line each."""

    sql: str
    notes: tuple[str, ...] = ()


def install_script(config: Config, chosen: Sequence[Dataset]) -> Script:
    """Raises DatabaseUnreachableError and QueryError where a dataset's tables are not known or not there."""
    if (none_needed := _none_needed(config)) is not None:
        return none_needed
    readings, notes = _readings(config, chosen)
    _refuse_unknown(readings)
    _refuse_missing(readings)
    unheard = readings.unheard(readings.reads)
    notes += [f"note: dataset '{name}': {why}; {_NAME_THEM}" for name, why in unheard.items()]
    tables = _by_table(readings.reads)
    if not tables:
        needed = "no trigger is needed: none of the datasets reads a table."
        possible = "no trigger can be made: no table is known that tells of a change."
        return Script("", (*notes, possible if unheard else needed))
    return Script(install_sql(tables), tuple(notes))


def remove_script(config: Config, named: Sequence[Dataset]) -> Script:
    """`named` are the datasets whose triggers are to go; empty for all triggers there are. Raises as above."""
    if (none_needed := _none_needed(config)) is not None:
        return none_needed
    if not named:
        return _remove_all(config)
    names = {one.name for one in named}
    others = [one for one in config.datasets if one.name not in names]  # one that is off may be switched on
    readings, notes = _readings(config, [*named, *others])
    _refuse_unknown(readings)
    mine = _by_table({name: one for name, one in readings.reads.items() if name in names})
    theirs = _by_table({name: one for name, one in readings.reads.items() if name not in names})
    kept = {table: datasets for table, datasets in theirs.items() if table in mine}
    return Script(remove_sql(mine.keys() - kept.keys(), (), kept=kept), tuple(notes))


def _remove_all(config: Config) -> Script:
    """With the function go also triggers on tables that nobody can name any more."""
    readings, notes = _readings(config, config.datasets, whatever_is_known=True)
    tables = _by_table(readings.reads).keys() | readings.told
    schemas: Collection[str | None] = {one.schema for one in tables} | readings.schemas
    return Script(remove_sql(tables, schemas or {None}, kept={}), tuple(notes))


def _none_needed(config: Config) -> Script | None:
    kind = make_url(config.database.url).get_backend_name()
    if kind == "sqlite":
        return Script(
            "", ("no trigger is needed: of a SQLite file the daemon sees by itself that it has changed.",)
        )
    if kind != "postgresql":
        hint = "Have the application notify the daemon: `POST /sync/notify`, or `moneymentor_sync.asgi.notify`."
        raise MmsyncError(f"a {kind} database cannot tell of its changes", hint=hint)
    return None


def _readings(
    config: Config, datasets: Sequence[Dataset], *, whatever_is_known: bool = False
) -> tuple[Readings, list[str]]:
    """What the datasets read, by the database's word, else as far as the configuration says."""
    try:
        return read_tables(DatabaseSource(config.database), datasets), []
    except DatabaseUnreachableError as error:
        known = {one.name: without_asking(one) for one in datasets}
        unknown = [name for name, reads in known.items() if reads is None]
        if unknown and not whatever_is_known:
            names = ", ".join(f"'{name}'" for name in unknown)
            what = f"which tables the query reads of {'dataset' if len(unknown) == 1 else 'datasets'} {names}"
            raise DatabaseUnreachableError(
                f"{error}; without it nobody knows {what}", hint=f"{error.hint} Or {_NAME_THEM}"
            ) from error
        note = f"warning: {error}; the tables are named as the configuration knows them."
        return Readings({name: reads for name, reads in known.items() if reads is not None}), [note]


def _refuse_unknown(readings: Readings) -> None:
    for error in readings.failed.values():
        raise QueryError(str(error), hint=f"{error.hint} Or {_NAME_THEM}") from error


def _refuse_missing(readings: Readings) -> None:
    """Rather than print what fails when it is run."""
    for name, reads in readings.reads.items():
        if reads.missing:
            tables = ", ".join(sorted(map(str, reads.missing)))
            raise QueryError(f"dataset '{name}': there is no table {tables}", hint=_AS_STORED)


def _by_table(reads: Mapping[str, Reads]) -> dict[TableName, list[str]]:
    """The datasets that read each table."""
    found: dict[TableName, list[str]] = {}
    for name, one in reads.items():
        for table in one.tables:
            found.setdefault(table, []).append(name)
    return found
