"""README's Python is what it says: it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run(block: str, **known: Any) -> dict[str, Any]:
    exec(compile(block, str(README), "exec"), known)
    return known


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMSYNC_SOCKET", str(tmp_path / "nobody.sock"))


def test_a_backend_beside_the_daemon() -> None:
    app = run(BLOCKS[0], TOKEN=b"secret")["app"]
    assert isinstance(app, FastAPI)
    with TestClient(app) as client:
        assert client.post("/users", json={}).status_code == 200
        assert client.get("/sync/status").status_code == 403
        answer = client.get("/sync/status", headers={"authorization": "Bearer secret"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_running")


def test_a_backend_with_the_service_in_it() -> None:
    known = run(BLOCKS[1])
    assert isinstance(known["app"], FastAPI)
    assert known["service"].__class__.__name__ == "BackgroundSyncService"


def test_these_are_all() -> None:
    assert len(BLOCKS) == 2
