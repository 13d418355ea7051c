"""A real Prometheus on loopback, which scrapes and has the rules of docs/ loaded; and promtool."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

PATIENCE = 60.0
MISSING = next((f"there is no {one}: Debian has it in `prometheus`" for one in ("prometheus", "promtool")
                if shutil.which(one) is None), "")  # fmt: skip
"""Why what needs it is skipped; empty where it is there."""


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def promtool(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE)


class Prometheus:
    """One that runs; `get` asks its HTTP API."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._url, self._process, self._log = url, process, log

    def get(self, path: str, **query: str) -> Any:
        """The `data` of an answer. An error of its own, or a warning, fails the test."""
        try:
            with urlopen(f"{self._url}/api/v1/{path}?{urlencode(query)}", timeout=PATIENCE) as answer:
                found = json.load(answer)
        except HTTPError as error:
            raise AssertionError(f"{path} {query}: {error.read().decode()}") from error
        assert found["status"] == "success" and not found.get("warnings"), found
        return found["data"]

    def value(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def until(self, condition: Callable[[], object], what: str) -> None:
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.1)):
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            if condition():
                return
            pause.wait(0.1)
        raise AssertionError(f"not within {PATIENCE:g} s: {what}\n{self._log.read_text()[-3000:]}")

    def answers(self) -> bool:
        try:
            with urlopen(f"{self._url}/-/ready", timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running(folder: Path, scraped: str, rules: Path) -> Iterator[Prometheus]:
    """Scrapes `scraped` (host:port) as job `mmsync` each second, and evaluates the rules as often."""
    folder.mkdir()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{rules}']\n"
        f"scrape_configs: [{{job_name: mmsync, static_configs: [{{targets: ['{scraped}']}}]}}]\n"
    )
    address, log = f"127.0.0.1:{free_port()}", folder / "log"
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}", "--log.level=warn",
    ]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
    try:
        made = Prometheus(f"http://{address}", process, log)
        made.until(made.answers, "Prometheus is ready")
        yield made
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
