"""How a command reaches the daemon, and what is known where none runs. The only place that knows the channel."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .failures import say

if TYPE_CHECKING:
    from moneymentor_sync.core.client_places import ClientPlaces

Document = dict[str, Any]
"""A JSON object as the daemon gave it."""


class Client(Protocol):
    """A daemon, seen through its socket. Each call is one request; several may be made at once.

    Every method raises NotRunningError where nobody listens, and ControlError where the daemon refuses or its
    answer makes no sense; what names datasets raises UnknownDatasetError.
    """

    def status(self) -> Document: ...

    def force(
        self, datasets: Sequence[str] | None, *, allow_deletes: bool, wait: bool, timeout: float | None
    ) -> Document: ...

    def enable(self, datasets: Sequence[str] | None) -> Document: ...

    def disable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None
    ) -> Document: ...

    def history(self, dataset: str | None, limit: int) -> Document: ...

    def cluster(self) -> Document: ...

    def reload(self) -> Document:
        """Raises ConfigError, too."""
        ...


def find_places(config: Path | None, *, verbose: bool, only_to_look: bool = False) -> ClientPlaces:
    """Where the daemon is; says on stderr what could not be read. Raises ConfigError.

    `only_to_look` is as of `places_to_look_at`: whoever changes something must be sure whom they ask.
    """
    from moneymentor_sync.adapters.environment import NOT_IN_GROUP, SYSTEM_FILE, load_places

    places = places_to_look_at(config) if only_to_look else load_places(config)
    for reason in places.unread:
        say(f"note: {reason}; asking the daemon at {places.socket_path}")
    if any(reason.startswith(f"{SYSTEM_FILE}: ") for reason in places.unread):
        say(f"  → {NOT_IN_GROUP}")
    if verbose and not places.unread:
        say(f"asking the daemon at {places.socket_path}")
    return places


def places_to_look_at(config: Path | None) -> ClientPlaces:
    """Where the daemon is; where the file is no TOML, the one that answers at the usual place. Raises ConfigError.

    It runs on what it read when the file was right, and an operator in the middle of an edit wants to see it.
    """
    from moneymentor_sync.adapters.environment import load_places
    from moneymentor_sync.core.errors import ConfigError, MmsyncError

    try:
        return load_places(config)
    except ConfigError as broken:
        places = load_places(config, even_if_broken=True)
        try:
            open_client(places).status()
        except MmsyncError:
            raise broken from None
        return places


def open_client(places: ClientPlaces) -> Client:
    """The daemon's client; nothing is sent yet."""
    from moneymentor_sync.control.client import ControlClient

    return ControlClient(places.socket_path)


def last_status(places: ClientPlaces) -> Document | None:
    """The status document as the state file has it, with health `stopped`; None where there is no state file.

    Raises StateError.
    """
    from moneymentor_sync.adapters.last_state import last_status as read

    return read(places.state_path, time.time())


def last_runs(places: ClientPlaces, dataset: str | None, limit: int) -> Document | None:
    """Past runs, as the daemon's history gives them, out of the state file; None where there is none.

    Raises StateError.
    """
    from moneymentor_sync.adapters.state_ledger import Ledger

    if not os.access(places.state_path, os.R_OK):
        return None
    ledger = Ledger(places.state_path, read_only=True)
    return {"runs": ledger.runs(dataset, limit)} if ledger.is_current() else None
