"""Address: a URL of anybody's that gets each alert as JSON."""

from __future__ import annotations

import json

from moneymentor_sync.core.alert_messages import Message

from .alert_http import OneRequest, host_of, key_of


class Webhook:
    """Any success is an acceptance; the answer's body is not looked at."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = f"webhook {host_of(url)}"
        self.key = key_of(url)

    def send(self, message: Message) -> None:
        body = json.dumps(message.document(), ensure_ascii=False).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        OneRequest(self.name).ask(self._url, "POST", body, headers)
