"""The settings of [google]: which spreadsheet, whose keys, how much may be asked. Finds the service accounts' keys
among the layers; opens none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .config_addresses import (
    api_endpoint,
    client_email,
    credentials_file,
    credentials_files,
    private_key,
    spreadsheet_id,
)
from .config_layers import Layer, Layers, Setting
from .config_places import Places
from .config_values import InvalidValueError, number, whole_number
from .settings import GoogleSettings, ServiceAccount

_GOOGLE = GoogleSettings(spreadsheet_id=None, account=ServiceAccount())

SPREADSHEET_ID: Setting[str | None] = Setting(
    "google.spreadsheet_id", spreadsheet_id, None, ("GOOGLE_SHEET_ID", "GOOGLE_SHEETS_SPREADSHEET_ID")
)
CREDENTIALS_FILE: Setting[Path | None] = Setting(
    "google.credentials_file", credentials_file, None, ("GOOGLE_APPLICATION_CREDENTIALS",)
)
CREDENTIALS_FILES: Setting[tuple[Path, ...]] = Setting("google.credentials_files", credentials_files, ())
PROJECT_REQUESTS = Setting(
    "google.project_requests_per_minute", whole_number(1, 1_000_000), _GOOGLE.project_requests_per_minute
)
ACCOUNT_REQUESTS = Setting(
    "google.account_requests_per_minute", whole_number(1, 1_000_000), _GOOGLE.account_requests_per_minute
)
API_ENDPOINT: Setting[str | None] = Setting(
    "google.api_endpoint", api_endpoint, None, ("MMSYNC_GOOGLE_API_ENDPOINT",)
)
GOOGLE_TIMEOUT = Setting("google.timeout_seconds", number(0.1, 3600), _GOOGLE.timeout_seconds)
MAX_CELLS = Setting("google.max_cells", whole_number(1, 100_000_000), _GOOGLE.max_cells)

GOOGLE: tuple[Setting[Any], ...] = (
    SPREADSHEET_ID,
    CREDENTIALS_FILE,
    CREDENTIALS_FILES,
    PROJECT_REQUESTS,
    ACCOUNT_REQUESTS,
    API_ENDPOINT,
    GOOGLE_TIMEOUT,
    MAX_CELLS,
)


def google_settings(layers: Layers, places: Places) -> GoogleSettings:
    account, *further = _accounts(layers, places)
    return GoogleSettings(
        spreadsheet_id=layers.get(SPREADSHEET_ID),
        account=account,
        api_endpoint=layers.get(API_ENDPOINT),
        timeout_seconds=layers.get(GOOGLE_TIMEOUT),
        max_cells=layers.get(MAX_CELLS),
        further_accounts=tuple(further),
        project_requests_per_minute=layers.get(PROJECT_REQUESTS),
        account_requests_per_minute=layers.get(ACCOUNT_REQUESTS),
    )


def _accounts(layers: Layers, places: Places) -> tuple[ServiceAccount, ...]:
    """The environment's key before the file's: a key file, e-mail and PEM, then systemd's credential.

    The file has one key, or a pool of them; so has the command line. The environment has one at most.
    """
    file, files = layers.get(CREDENTIALS_FILE), layers.get(CREDENTIALS_FILES)
    layer, pool_layer = layers.layer(CREDENTIALS_FILE), layers.layer(CREDENTIALS_FILES)
    if layer is pool_layer is not Layer.DEFAULT:
        layers.problems.add(
            CREDENTIALS_FILES.path,
            f"set beside {CREDENTIALS_FILE.path}; keep one of them: the pool names all its keys",
        )
    pool = tuple(ServiceAccount(file=one) for one in files) or (ServiceAccount(),)
    if pool_layer > layer and pool_layer >= Layer.ENVIRONMENT:
        return pool
    if layer >= Layer.ENVIRONMENT:
        return (ServiceAccount(file=file),)
    pair = _account_from_variables(layers)
    if pair is not None:
        return (pair,)
    if places.google_credential is not None:
        return (ServiceAccount(file=places.google_credential),)
    if pool_layer > layer:
        return pool
    if layer is Layer.DEFAULT:
        layers.problems.add(
            CREDENTIALS_FILE.path,
            "missing; give the path of a service account's key here or in GOOGLE_APPLICATION_CREDENTIALS, "
            "or set GOOGLE_CLIENT_EMAIL and GOOGLE_PRIVATE_KEY",
        )
    return (ServiceAccount(file=file),)


def _account_from_variables(layers: Layers) -> ServiceAccount | None:
    """E-mail and PEM; None where neither is set. One without the other is a problem."""
    found: dict[str, str | None] = {}
    for name, read in (("GOOGLE_CLIENT_EMAIL", client_email), ("GOOGLE_PRIVATE_KEY", private_key)):
        if name in layers.environment:
            try:
                found[name] = read(layers.environment[name])
            except InvalidValueError as error:
                layers.problems.add(name, str(error))
                found[name] = None
    if not found:
        return None
    for name, other in (
        ("GOOGLE_CLIENT_EMAIL", "GOOGLE_PRIVATE_KEY"),
        ("GOOGLE_PRIVATE_KEY", "GOOGLE_CLIENT_EMAIL"),
    ):
        if name not in found:
            layers.problems.add(name, f"missing, while {other} is set; the two belong together")
    return ServiceAccount(
        client_email=found.get("GOOGLE_CLIENT_EMAIL"), private_key=found.get("GOOGLE_PRIVATE_KEY")
    )
