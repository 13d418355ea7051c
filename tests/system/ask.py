"""Run inside of the booted systemd: one GET of a Unix socket or a URL; prints `{"status", "body"}`, the body as
text where it is no JSON.

`ask.py SOCKET PATH` or `ask.py http://…`. What cannot be reached is `{"error"}`, the exception's name.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from urllib.parse import urlsplit


class OverSocket(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def ask(where: str, path: str | None) -> object:
    if path is not None:
        connection: http.client.HTTPConnection = OverSocket(where)
    else:
        url = urlsplit(where)
        connection = http.client.HTTPConnection(url.netloc, timeout=30)
        path = f"{url.path}?{url.query}"
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        is_json = (answer.getheader("content-type") or "").startswith("application/json")
        raw = answer.read().decode()
        return {"status": answer.status, "body": json.loads(raw) if is_json else raw}
    except OSError as error:
        return {"error": type(error).__name__}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)))
