"""Everything in order: configuration, database, account, spreadsheets, this machine; each step may need others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.state_schema import MIGRATIONS
from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.errors import ClusterError, ConfigError, LeaseLostError
from moneymentor_sync.core.ports import Tick
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.sheet_status import status_dataset

from . import machine
from .account import CREDENTIALS, TOKEN
from .alerts import ALERTS, alerts_check
from .cluster import CLUSTER, cluster_check, known_to_fleet, see_cluster
from .database import DATABASE, DatabaseChecks
from .facts import Extent, StateSeen
from .foresight import foresight
from .google import Account, SpreadsheetChecks
from .places import see_place, see_port, see_socket, see_state
from .result import Check, Sequence, Step, counted, ok, refused, skipped, warning

CONFIGURATION = "configuration"
_OTHERS = (
    DATABASE, "query", "key", CREDENTIALS, TOKEN, "spreadsheet", "access", "tab", "cells",
    machine.STATE, machine.SOCKET, machine.CLOCK, "lock", ALERTS,
)  # fmt: skip
"""What cannot be tried without a configuration."""


def check_everything(load: Callable[[], Config], *, clock: Callable[[], float], tick: Tick) -> Iterator[Check]:
    """All checks, each as soon as it is made. `load` may raise ConfigError; `clock` gives UNIX seconds."""
    try:
        config = load()
    except ConfigError as error:
        yield refused(CONFIGURATION, error)
        for name in _OTHERS:
            yield skipped(name, f"not tried, since “{CONFIGURATION}” failed")
        return
    yield configuration_check(config)
    yield from _checkup(config, clock, tick)


def configuration_check(config: Config) -> Check:
    """A configuration that could be read: from where, and what of it is switched on."""
    source = str(config.file) if config.file is not None else "from the environment, without a sync.toml"
    enabled = len(_enabled(config))
    disabled = len(config.datasets) - enabled
    also = f", {disabled} disabled" if disabled else ""
    if not enabled:
        return warning(
            CONFIGURATION,
            f"{source}; no dataset is enabled{also}",
            "A sync does nothing then: set `enabled = true` for a dataset, or enable a built-in one in [sync].",
        )
    return ok(CONFIGURATION, f"{source}; {counted(enabled, 'dataset')} enabled{also}")


def _enabled(config: Config) -> tuple[Dataset, ...]:
    return tuple(dataset for dataset in config.datasets if dataset.enabled)


def _checkup(config: Config, clock: Callable[[], float], tick: Tick) -> Iterator[Check]:
    datasets, sequence = _enabled(config), Sequence()
    extents: dict[str, Extent] = {}
    rules = CellRules.of(config)
    yield from sequence.run(DatabaseChecks(config.database, datasets, rules, tick, extents).steps())
    account, *others = accounts(config, clock, tick)
    for one in (account, *others):
        yield from sequence.run(one.steps())
    statuses = _statuses(config)
    filled = (*datasets, *statuses.values())
    state = see_state(config.state_path, filled)
    known, coming = state.known, state.coming
    if config.cluster.url is not None:
        with suppress(ClusterError, LeaseLostError):  # its own step tells of it
            known, coming = known_to_fleet(config, filled) or (known, coming)
    foresee = foresight(config, tick)
    for spreadsheet_id, suffix in _spreadsheets(config).items():
        own = tuple(dataset for dataset in datasets if dataset.spreadsheet_id == spreadsheet_id)
        checks = SpreadsheetChecks(
            account,
            spreadsheet_id,
            own,
            extents,
            known,
            coming,
            suffix,
            foresee,
            tuple(others),
            statuses.get(spreadsheet_id),
        )
        yield from sequence.run(checks.steps())
    yield from sequence.run(_machine(config, state, account))
    yield from sequence.run([Step(ALERTS, partial(alerts_check, config.alerts))])


def accounts(config: Config, clock: Callable[[], float], tick: Tick) -> list[Account]:
    """The service account, or those of the pool, told apart by their key files."""
    first, *further = config.google.accounts
    return [
        Account(config.google, clock, tick, first),
        *(Account(config.google, clock, tick, one, f": {one.file}") for one in further),
    ]


def _spreadsheets(config: Config) -> dict[str, str]:
    """Those that a sync writes to (else the common one), each with what tells its steps' names apart."""
    common = config.google.spreadsheet_id
    ids = dict.fromkeys(dataset.spreadsheet_id for dataset in _enabled(config)) or dict.fromkeys(
        [common] if common else []
    )
    return {one: f": {one}" if len(ids) > 1 else "" for one in ids}


def _statuses(config: Config) -> dict[str, Dataset]:
    """What fills the status tab of each spreadsheet; nothing where nobody wants one."""
    wanted = _spreadsheets(config) if config.sheet.status else {}
    return {one: status_dataset(one, config.sheet.status_tab) for one in wanted}


def _machine(config: Config, state: StateSeen, account: Account) -> Iterator[Step]:
    yield Step(machine.STATE, partial(machine.state_check, state, len(MIGRATIONS)))
    if config.backup.enabled:
        directory = config.backup.directory or config.state_path.parent / "backups"
        yield Step(machine.BACKUPS, lambda: machine.backup_check(see_place(directory / "backup.xlsx")))
    yield Step(machine.SOCKET, lambda: machine.socket_check(see_socket(config.socket_path)))
    listen, textfile = config.metrics.listen, config.metrics.textfile
    if listen is not None:
        yield Step(machine.PORT, lambda: machine.port_check(see_port(listen)))
    if textfile is not None:
        yield Step(machine.TEXTFILE, lambda: machine.textfile_check(see_place(textfile)))
    yield Step(machine.CLOCK, lambda: machine.clock_check(account.skew))
    if config.cluster.url is not None:  # its members hold their spreadsheets for as long as they run
        yield Step(CLUSTER, lambda: cluster_check(see_cluster(config), config.cluster))
        return
    locks = LockFiles(config.state_path, "mmsync check")
    for spreadsheet_id, suffix in _spreadsheets(config).items():
        name = f"lock{suffix}"
        holder = partial(locks.holder, spreadsheet_id)
        yield Step(name, partial(_lock, name, holder))


def _lock(name: str, holder: Callable[[], str | None]) -> Check:
    return machine.lock_check(name, holder())
