"""docs/configuration.md is made of the code and of the example's comments, and has every setting with both."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from docs.reference import BY_PATH, EXAMPLE, PAGE, blocks, kind, page, sections, toml

from moneymentor_sync.core.config import SETTINGS
from moneymentor_sync.core.settings import Dataset

TEXT = PAGE.read_text(encoding="utf-8")


def test_it_is_what_the_command_makes() -> None:
    assert page() == TEXT, "make it anew: python docs/reference.py"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.path)
def test_every_setting_is_there_with_what_it_is_and_does(setting: object) -> None:
    one = BY_PATH[setting.path]  # type: ignore[attr-defined]
    table, _, key = one.path.partition(".")
    section = TEXT.partition(f"## [{table}]\n")[2].split("\n## ")[0]
    entry = re.search(rf"(?ms)^### [^\n]*`{key}`[^\n]*\n\n(\S.*?)\n\n- (.*?)(?=^###|\Z)", section)
    assert entry is not None
    assert kind(one) in entry[2]
    assert all(f"`{variable}`" in entry[2] for variable in one.variables)
    assert len(entry[1]) > 20


def test_every_key_of_a_dataset_is_there() -> None:
    section = TEXT.partition("## [[datasets]]\n")[2]
    there = set(re.findall(r"(?m)^### `(\w+)`", section))
    assert there == {field.name for field in fields(Dataset)} - {"builtin", "deny", "table"}
    assert "or `table` in its place" in section


def test_comments_belong_to_the_keys_below_them() -> None:
    body = '# One thing.\na = 1\n\n# Two, on\n# two lines.\n#b = "x"\nc = [\n  "d = 1",\n]\n'
    body += '# The last.\ne = """\nf = 2\n"""\n'
    assert [(block.keys, block.words) for block in blocks(body)] == [
        (("a",), "One thing."),
        (("b", "c"), "Two, on two lines."),
        (("e",), "The last."),
    ]


def test_the_examples_tables_are_all_there() -> None:
    tables = {path.partition(".")[0] for path in BY_PATH}
    assert sections(EXAMPLE.read_text(encoding="utf-8")).keys() == {f"[{one}]" for one in tables} | {"[[datasets]]"}


def test_defaults_are_as_a_file_has_them() -> None:
    assert [toml(value) for value in (True, 5.0, 0.2, 10_000_000, "x", ("a", 1), ())] == [
        "true", "5", "0.2", "10000000", '"x"', '["a", 1]', "[]",
    ]  # fmt: skip
    assert [toml(value, "A time") for value in (86_400.0, 3_600.0, 120.0, 90.0)] == [
        '"1d"',
        '"1h"',
        '"2m"',
        '"90s"',
    ]
