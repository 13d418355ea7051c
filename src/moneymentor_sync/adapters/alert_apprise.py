"""Addresses of Apprise's: chat, mail, telephone and a hundred services more, each by one URL.

Nearly everything in such a URL may be a token, the place of the host included: an address is called by its number
and its scheme alone. Apprise logs what it sends and where to; none of that is let through.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from moneymentor_sync.core.alert_messages import Message
from moneymentor_sync.core.errors import AlertError, ConfigError

from .alert_http import SECONDS, key_of

INSTALL = "pip install 'moneymentor-sync[alerts]'"
_PATH = "alerts.urls"


def apprise_addresses(urls: Sequence[str]) -> tuple[AppriseAddress, ...]:
    """One for each URL. Raises ConfigError where Apprise is not installed or does not know a URL."""
    if not urls:
        return ()
    try:
        import apprise
    except ImportError as error:
        raise ConfigError(
            [f"{_PATH}: Apprise is not installed, which sends to these"],
            hint=f"Install it with `{INSTALL}`, or use `[alerts] webhook`, which needs nothing.",
        ) from error
    logger = logging.getLogger("apprise")
    logger.propagate, logger.handlers[:] = False, [logging.NullHandler()]
    asset = apprise.AppriseAsset(app_id="mmsync", app_desc="mmsync", async_mode=False)
    made, problems = [], []
    for number, url in enumerate(urls, 1):
        sender, scheme = apprise.Apprise(asset=asset), url.partition(":")[0]
        with (
            warnings.catch_warnings(),
            suppress(Exception),
        ):  # a plugin may fall over what it cannot read; the text may quote the URL
            warnings.simplefilter("ignore")  # all plugins are loaded here, with what is deprecated in them
            sender.add(url)
        if len(sender):
            made.append(AppriseAddress(f"apprise {number} ({scheme})", key_of(url), sender.notify))
        else:
            problems.append(f"{_PATH}: Apprise cannot read number {number} ({scheme}://…)")
    if problems:
        hint = "See https://github.com/caronc/apprise/wiki for how the service's URL is made."
        raise ConfigError(problems, hint=hint)
    return tuple(made)


class AppriseAddress:
    """Sends in a thread of its own, since Apprise's time-outs are those of single steps; while one is stuck, no
    other is begun."""

    def __init__(self, name: str, key: str, notify: Callable[..., Any], *, seconds: float = SECONDS) -> None:
        self.name, self.key = name, key
        self._notify = notify
        self._seconds = seconds
        self._stuck: threading.Thread | None = None

    def send(self, message: Message) -> None:
        if self._stuck is not None and self._stuck.is_alive():
            raise AlertError(f"{self.name}: it still hangs")
        done: list[bool] = []
        thread = threading.Thread(target=self._send, args=(message, done), name="mmsync-apprise", daemon=True)
        thread.start()
        thread.join(self._seconds)
        self._stuck = thread if thread.is_alive() else None
        if self._stuck is not None:
            raise AlertError(f"{self.name}: no answer within {self._seconds:g} s")
        if done != [True]:
            raise AlertError(f"{self.name}: it was not accepted")

    def _send(self, message: Message, done: list[bool]) -> None:
        kind = {"error": "failure", "warning": "warning", "info": "info"}[message.severity]
        kind = "success" if message.event == "recovery" else kind
        with suppress(Exception):  # whatever a plugin raises is a failure, and its text may quote the URL
            text = message.text
            done.append(bool(self._notify(body=text, title=message.title, notify_type=kind, body_format="text")))
