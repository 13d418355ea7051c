"""Rows set aside: the same again, from memory or from a file without a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from moneymentor_sync.adapters.spool import Spool


@pytest.mark.parametrize("memory", [1, 10_000_000])
def test_records_come_back_in_order_any_number_of_times(memory: int) -> None:
    spool = Spool(memory)
    records = [(number, "ü" * (number % 7), None, number / 3) for number in range(2_500)]
    spool.extend(records[:1_200])
    for record in records[1_200:]:
        spool.append(record)
    assert list(spool) == records
    assert list(spool) == records
    assert len(spool) == 2_500
    spool.close()


def test_appending_while_reading_is_seen() -> None:
    spool = Spool()
    spool.extend([1])
    reader = iter(spool)
    assert next(reader) == 1
    spool.extend([2])
    assert list(reader) == [2]
    spool.close()


def test_nothing_set_aside_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    spool = Spool(1)
    spool.extend(["personal data" * 100])
    assert list(tmp_path.iterdir()) == []
    assert list(spool) == ["personal data" * 100]
    spool.close()
