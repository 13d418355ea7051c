"""The keys of service accounts, as they are written down; without Google's libraries, which are slow to import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from moneymentor_sync.core.budget import Account, project_of
from moneymentor_sync.core.errors import CredentialsError
from moneymentor_sync.core.settings import ServiceAccount

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no password


def key_info(account: ServiceAccount, endpoint: str | None) -> dict[str, Any]:
    """The key in the form of Google's key files; it may still lack something. Raises CredentialsError.

    `endpoint` is as for `google_client.load_credentials`.
    """
    stand_in = endpoint is not None and endpoint.startswith("http://")  # allowed to this machine alone
    token_uri = f"{endpoint}/token" if stand_in else TOKEN_URI
    return _from_file(account.file) if account.file else _from_environment(account, token_uri)


def known_accounts(accounts: Sequence[ServiceAccount]) -> tuple[Account, ...]:
    """Whose keys they are, in their order, and of which project. Raises CredentialsError, also where two are of one
    account: it would be taken to have twice the quota that it has."""
    found: dict[str, Account] = {}
    for one in accounts:
        info = key_info(one, None)
        email = str(info.get("client_email") or "")
        if not email:
            raise CredentialsError(f"the key file {one.file} is no service-account key: {what_is_missing(info)}")
        if email in found:
            raise CredentialsError(
                f"the key file {one.file} is of {email}, of which another one is in the pool already",
                hint="Name each account once in `[google] credentials_files`.",
            )
        found[email] = Account(email, str(info.get("project_id") or project_of(email)))
    return tuple(found.values())


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CredentialsError(
            f"the key file {path} cannot be read: {error.strerror}",
            hint="Set `[google] credentials_file` or GOOGLE_APPLICATION_CREDENTIALS to the service account's "
            "JSON key, readable by the user that mmsync runs as.",
        ) from error
    except UnicodeDecodeError as error:
        raise CredentialsError(f"the key file {path} is not JSON", hint="Download the key as JSON.") from error
    try:
        info = json.loads(content)
    except ValueError as error:
        raise CredentialsError(f"the key file {path} is not JSON", hint="Download the key as JSON.") from error
    if not isinstance(info, dict) or info.get("type", "service_account") != "service_account":
        raise CredentialsError(
            f"the key file {path} is no service-account key",
            hint="An OAuth client secret will not do: make a service account and a JSON key for it.",
        )
    return info


def _from_environment(account: ServiceAccount, token_uri: str) -> dict[str, Any]:
    if not account.client_email or not account.private_key:
        raise CredentialsError(
            "no Google credentials are configured",
            hint="Set `[google] credentials_file`, or GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_CLIENT_EMAIL and "
            "GOOGLE_PRIVATE_KEY.",
        )
    return {
        "type": "service_account",
        "client_email": account.client_email,
        "private_key": account.private_key,
        "token_uri": token_uri,
    }


def what_is_missing(info: dict[str, Any]) -> str:
    missing = [name for name in ("client_email", "private_key", "token_uri") if not info.get(name)]
    return f"{', '.join(missing)} is missing" if missing else "its private key cannot be read"
