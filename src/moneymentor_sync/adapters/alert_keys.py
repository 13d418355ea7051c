"""Keys: whether the service accounts' keys will do for much longer.

A key that was deleted or disabled goes on working until its last access token ends, within the hour. So now and
then a token is asked for anew, with credentials read anew: that costs nothing of the Sheets quota.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from moneymentor_sync.core.alert_conditions import KeyTrouble
from moneymentor_sync.core.errors import CredentialsError, MmsyncError
from moneymentor_sync.core.settings import GoogleSettings, ServiceAccount

from .google_keys import key_info

SECONDS = 3.0
"""The silence that a request for a token may have; all of it may take three times as long."""
_MEND = (
    "Make a new key at https://console.cloud.google.com/iam-admin/serviceaccounts (or enable the account again), "
    "put it in the place of the old one, and run `mmsync reload`. Syncs go on until the last access token ends."
)
_ANOTHER = "If that was meant, run `mmsync reload`; else put the old file back."


@dataclass(frozen=True, slots=True)
class _InUse:
    """A key as it was when it came into use; None where its file could not be read then."""

    account: ServiceAccount
    whose: str
    seal: bytes | None


class KeyWatch:
    """Of one thread."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._endpoint: str | None = None
        self._keys: tuple[_InUse, ...] = ()
        self._refused: dict[str, KeyTrouble] = {}

    def use(self, settings: GoogleSettings) -> None:
        self._endpoint = settings.api_endpoint
        self._keys = tuple(_InUse(one, _whose(one), _seal(one.file)) for one in settings.accounts)
        here = {one.whose for one in self._keys}
        self._refused = {
            whose: one for whose, one in self._refused.items() if whose in here
        }  # till Google says more

    def files(self) -> Sequence[KeyTrouble]:
        return [trouble for one in self._keys if (trouble := _file_trouble(one)) is not None]

    def tokens(self) -> Sequence[KeyTrouble]:
        for one in self._keys:
            try:
                self._obtain(one)
            except CredentialsError as error:
                if _file_trouble(one) is None:  # else it is the file that is told of, and another key than in use
                    self._refused[one.whose] = KeyTrouble(one.whose, "refused", f"{error}.", _MEND)
            except MmsyncError:
                pass  # the network, or Google: that says nothing of the key
            else:
                self._refused.pop(one.whose, None)
        return [*self._refused.values()]

    def _obtain(self, one: _InUse) -> None:
        import google_auth_httplib2  # slow to load, as all of Google's: not before the daemon says that it is ready

        from .google_client import load_credentials
        from .google_errors import TRANSPORT_ERRORS, Whom, bad_answer, translate
        from .google_transport import ApiTransport

        credentials = load_credentials(one.account, endpoint=self._endpoint)
        transport = ApiTransport(self._endpoint, self._seconds)
        try:
            credentials.refresh(google_auth_httplib2.Request(transport))
        except TRANSPORT_ERRORS as error:
            raise translate(error, Whom(one.whose, "")) from error
        except (TypeError, KeyError, ValueError) as error:  # HTML in the place of a token: a proxy's
            raise bad_answer() from error
        finally:
            transport.close()


def _whose(account: ServiceAccount) -> str:
    """The account's address, as far as it can be read."""
    with suppress(MmsyncError):
        found = key_info(account, None).get("client_email")
        if isinstance(found, str) and found:
            return found
    return str(account.file) if account.file else "the environment"


def _seal(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None


def _file_trouble(one: _InUse) -> KeyTrouble | None:
    path = one.account.file
    if path is None or one.seal is None:
        return None
    try:
        same = hashlib.sha256(path.read_bytes()).digest() == one.seal
    except OSError as error:
        text = (
            f"{path}: {(error.strerror or type(error).__name__).lower()}. Syncs go on with the key that was read."
        )
        hint = "Put it back, readable by the user that mmsync runs as, before the daemon is started again."
        return KeyTrouble(one.whose, "missing", text, hint)
    if same:
        return None
    return KeyTrouble(one.whose, "changed", f"{path} is not what it was when it was read.", _ANOTHER)
