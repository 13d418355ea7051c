"""The steps that ask Google: key and token, and for each spreadsheet who may edit, its tabs and its room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial

from google.oauth2.service_account import Credentials

from moneymentor_sync.adapters.google_client import SCOPES, GoogleClient, load_credentials
from moneymentor_sync.adapters.google_keys import known_accounts
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import TabInfo, Tick, Wanted
from moneymentor_sync.core.settings import Dataset, GoogleSettings, ServiceAccount
from moneymentor_sync.core.tabs import find_tab

from .account import CREDENTIALS, TOKEN, access_check, key_check, spreadsheet_check, token_check
from .facts import Extent, Spreadsheet, TabSeen
from .foresight import Foresee
from .places import see_key
from .result import Check, Step
from .survey import METADATA_SCOPE, Survey
from .tabs import (
    cells_check,
    left_alone,
    mark_check,
    needed_cells,
    pool_mark_check,
    status_check,
    tab_check,
    tab_step,
    used_cells,
)


@dataclass(slots=True)
class Account:
    """A service account, its steps, and clients that act as it. `clock` gives UNIX seconds. `key` is which of a
    pool, with a `label` that tells its steps' names apart; the first has none.

    `skew` is this machine's clock less Google's in seconds, by the last answer; None before there was one.
    """

    settings: GoogleSettings
    clock: Callable[[], float]
    tick: Tick
    key: ServiceAccount
    label: str = ""
    skew: float | None = None
    _credentials: Credentials | None = None

    def steps(self) -> Iterator[Step]:
        yield Step(self._credentials_step, self._read_key)
        yield Step(self.token_step, self._obtain_token, (self._credentials_step,))

    @property
    def token_step(self) -> str:
        return f"{TOKEN}{self.label}"

    @property
    def _credentials_step(self) -> str:
        return f"{CREDENTIALS}{self.label}"

    @property
    def email(self) -> str:
        return str(self._key.service_account_email)

    def open(self, spreadsheet_id: str) -> GoogleClient:
        """A client for the spreadsheet, to be closed by the caller; makes no call."""
        return GoogleClient(self.settings, spreadsheet_id, self._key)

    def compare_clocks(self, client: GoogleClient) -> None:
        """Right after a call: what its answer, or refusal, says of the time."""
        try:
            if client.date:
                self.skew = self.clock() - parsedate_to_datetime(client.date).timestamp()
        except ValueError:
            return  # no date that anybody could read: then there is none to compare

    def _read_key(self) -> Check:
        """Raises CredentialsError."""
        settings, scopes = self.settings, (*SCOPES, METADATA_SCOPE)
        if self.label:
            known_accounts(settings.accounts)  # no account twice
        self._credentials = load_credentials(self.key, scopes, endpoint=settings.api_endpoint)
        return key_check(self._credentials_step, see_key(self.key, self.email))

    def _obtain_token(self) -> Check:
        """Raises CredentialsError, UnavailableError."""
        self.tick(TOKEN, "checking", 0, None)
        with closing(self.open("")) as client:
            try:
                client.obtain_token()
            finally:
                self.compare_clocks(client)
        return token_check(self.token_step)

    @property
    def _key(self) -> Credentials:
        assert self._credentials is not None  # noqa: S101 - whatever uses it needs the step that reads it
        return self._credentials


@dataclass(slots=True)
class SpreadsheetChecks:
    """The steps of one spreadsheet. `known` has the tabs that datasets were last written to, `coming` the ids of
    those that may have been made since, `extents` what their queries give; `suffix` tells the steps' names apart
    where there are several spreadsheets; `foresee` plans a dataset whose tab something else has filled."""

    account: Account
    spreadsheet_id: str
    datasets: tuple[Dataset, ...]
    extents: Mapping[str, Extent]
    known: Mapping[str, KnownTab]
    coming: Mapping[str, tuple[int, ...]]
    suffix: str = ""
    foresee: Foresee | None = None
    others: tuple[Account, ...] = ()
    """Further accounts of a pool: each is to be an editor, too."""
    status: Dataset | None = None
    """What fills the tab that tells readers how fresh the others are, where there is one."""
    _survey: Survey | None = None
    _seen: Spreadsheet = field(default_factory=lambda: Spreadsheet("", ()))
    _tabs: Mapping[int, TabSeen] | None = None

    def steps(self) -> Iterator[Step]:
        """The connection is closed when they have all been taken."""
        reachable, access, cells = (self._named(step) for step in ("spreadsheet", "access", "cells"))
        try:
            yield Step(reachable, self._look, (TOKEN,))
            yield Step(access, self._access, (reachable,))
            for other in self.others:
                name = f"{access}{other.label}"
                yield Step(name, partial(self._access_of, other, name), (other.token_step,))
            for dataset in self.datasets:
                yield Step(tab_step(dataset.name), partial(self._tab, dataset), (reachable,))
            if self.status is not None:
                yield Step(self._named("status tab"), partial(self._status_tab, self.status), (reachable,))
            yield Step(cells, self._cells, (reachable,))
        finally:
            if self._survey is not None:
                self._survey.client.close()

    def _named(self, step: str) -> str:
        return f"{step}{self.suffix}"

    def _look(self) -> Check:
        """Raises DestinationError."""
        account = self.account
        account.tick("spreadsheet", "checking", 0, None)
        self._survey = Survey(account.open(self.spreadsheet_id))
        try:
            self._seen = self._survey.spreadsheet()
        finally:
            account.compare_clocks(self._survey.client)
        others = left_alone(self._seen.tabs, map(self._find, self._filled))
        return spreadsheet_check(self._named("spreadsheet"), self.spreadsheet_id, self._seen, others)

    def _access(self) -> Check:
        name, email = self._named("access"), self.account.email
        check = access_check(name, email, self._open.sharing())
        if check.status != "ok":
            return check
        return mark_check(name, self._seen.tabs, self._seen.protections, email) or check

    def _access_of(self, other: Account, name: str) -> Check:
        """Raises DestinationError, which names the account: where it may not even see the spreadsheet."""
        with closing(other.open(self.spreadsheet_id)) as client:
            survey = Survey(client)
            seen = survey.spreadsheet()
            check = access_check(name, other.email, survey.sharing())
        if check.status != "ok":
            return check
        return pool_mark_check(name, seen.tabs, seen.protections, other.email) or check

    def _tab(self, dataset: Dataset) -> Check:
        """Raises DestinationError."""
        return tab_check(
            dataset,
            self.extents.get(dataset.name),
            self._look_at(dataset),
            self._seen.protections,
            self.known.get(dataset.name),
            self.account.email,
            self.foresee,
        )

    def _status_tab(self, dataset: Dataset) -> Check:
        """Raises DestinationError."""
        name, known = self._named("status tab"), self.known.get(dataset.name)
        return status_check(name, dataset, self._look_at(dataset), self._seen.protections, known)

    def _look_at(self, dataset: Dataset) -> TabSeen | None:
        """The dataset's tab; the headers of all are read with the first one. Raises DestinationError."""
        if self._tabs is None:
            found = (self._find(one) for one in self._filled)
            self._tabs = self._open.tabs(info for info in found if info is not None)
        info = self._find(dataset)
        return None if info is None else self._tabs.get(info.sheet_id, TabSeen(info, (), empty=True))

    @property
    def _filled(self) -> tuple[Dataset, ...]:
        return self.datasets if self.status is None else (*self.datasets, self.status)

    def _cells(self) -> Check:
        needed = [
            needed_cells(self.extents[one.name], self._find(one)) if one.name in self.extents else None
            for one in self.datasets
        ]
        limit = self.account.settings.max_cells
        return cells_check(self._named("cells"), used_cells(self._seen.tabs), needed, limit)

    def _find(self, dataset: Dataset) -> TabInfo | None:
        name = dataset.name
        wanted = Wanted(name, dataset.tab, self.known.get(name), self.coming.get(name, ()))
        return find_tab(wanted, self._seen.tabs)

    @property
    def _open(self) -> Survey:
        assert self._survey is not None  # noqa: S101 - the steps that use it need the one that opens it
        return self._survey
