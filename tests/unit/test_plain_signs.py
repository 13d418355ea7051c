"""What is written where a letter cannot be."""

from __future__ import annotations

import io
import json
import sys

import pytest

from moneymentor_sync.cli.plain_signs import fit_streams

SAID = "✓ ok → “Grüße” … 表 😀"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", SAID),
        ("latin-1", "+ ok > ?Grüße? ~ ? ?"),
        ("ascii", "+ ok > ?Gr??e? ~ ? ?"),
    ],
)
def test_what_looks_like_it_is_written(encoding: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    fit_streams({})
    sys.stdout.write(SAID)
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == written


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_a_document_says_the_same_in_any_letters(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    fit_streams({}, as_json=True)
    sys.stdout.write(json.dumps({"said": SAID}, ensure_ascii=False))
    sys.stdout.flush()
    assert json.loads(raw.getvalue().decode(encoding)) == {"said": SAID}
