"""What is written where a letter cannot be."""

from __future__ import annotations

import io
import json
import sys

import pytest

from moneymentor_sync.cli.letters import write_any_letter

SAID = "✓ ok → “Grüße” … 表 😀"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", SAID),
        ("latin-1", 'v ok -> "Grüße" ... \\u8868 \\ud83d\\ude00'),
        ("ascii", 'v ok -> "Gr\\u00fc\\u00dfe" ... \\u8868 \\ud83d\\ude00'),
    ],
)
def test_what_looks_like_it_is_written(encoding: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    write_any_letter(json_only=False)
    sys.stdout.write(SAID)
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == written


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_a_document_says_the_same_in_any_letters(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    write_any_letter(json_only=True)
    sys.stdout.write(json.dumps({"said": SAID}, ensure_ascii=False))
    sys.stdout.flush()
    assert json.loads(raw.getvalue().decode(encoding)) == {"said": SAID}
