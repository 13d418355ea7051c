"""One sandbox for all integration tests; a spreadsheet, a database and a state file for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.integration.embedded_house import House

from .workbench import Workbench


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), quota=None) as box:
        yield box


@pytest.fixture
def bench(box: Sandbox, tmp_path: Path) -> Iterator[Workbench]:
    yield Workbench(box, tmp_path)
    box.faults.clear()
    box.hooks.clear()


@pytest.fixture
def house(box: Sandbox, tmp_path: Path) -> Iterator[House]:
    yield House(tmp_path, box)
    box.faults.clear()
    box.hooks.clear()
