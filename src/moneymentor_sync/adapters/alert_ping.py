"""Switch: a dead man's switch such as Healthchecks.io's, which raises the alarm when it hears nothing."""

from __future__ import annotations

from moneymentor_sync.core.pings import Ping, address_of

from .alert_http import OneRequest, host_of


class PingSwitch:
    """Asked by GET, which every such service takes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = f"ping {host_of(url)}"

    def ping(self, ping: Ping) -> None:
        OneRequest(self.name).ask(address_of(self._url, ping), "GET")
