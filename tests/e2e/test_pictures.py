"""The pictures of docs/images are taken anew, in short, and have what the ones that are shown have."""

from __future__ import annotations

import re

import pytest
from docs.screenshots import IMAGES, PICTURES, take, words_of

SHOWN = {path.stem: path.read_text(encoding="utf-8") for path in sorted(IMAGES.glob("*.svg"))}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return take(tmp_path_factory.mktemp("pictures"), syncs=6)


def skeleton(svg: str) -> set[str]:
    """Its words, without the figures and bars that differ from one run to the next."""
    words = re.sub(r"[▁-▏░×─]+|[\d:.,%]+", " ", " ".join(words_of(svg)))
    return set(words.split()) - {"just", "now", "min"}  # as the machine is quick or slow


def test_there_is_one_of_each() -> None:
    assert SHOWN.keys() == PICTURES.keys()


def test_a_plan_is_the_same_to_the_letter(taken: dict[str, str]) -> None:
    assert words_of(taken["plan"]) == words_of(SHOWN["plan"])


@pytest.mark.parametrize("name", ["history", "status"])
def test_a_picture_taken_now_says_what_the_one_that_is_shown_says(taken: dict[str, str], name: str) -> None:
    now, shown = skeleton(taken[name]), skeleton(SHOWN[name])
    assert len(shown) > 20
    assert now == shown


def test_each_shows_what_it_is_there_to_show(taken: dict[str, str]) -> None:
    lines = {name: words_of(svg) for name, svg in taken.items()}
    assert re.match(
        r"Plan: \d+ to insert, \d+ to update, \d+ to delete in 2 of 2 tabs, \d+ cells", lines["plan"][0]
    )
    assert any("Money, Goals and Mindset! → Money, Goals and Mindset" in line for line in lines["plan"])
    assert any("put back, since people changed them: 1 cell" in line for line in lines["plan"])
    assert any(line.startswith("duration  6 runs, 2 failed") for line in lines["history"])
    assert any(re.search(r"quiz_responses: writing [\d,]+ of [\d,]+ \(\d+ %\)", line) for line in lines["status"])
    assert any("courses: disabled since" in line and "translated" in line for line in lines["status"])


@pytest.mark.parametrize("name", PICTURES)
def test_no_letter_is_broken(taken: dict[str, str], name: str) -> None:
    assert [svg.count("\ufffd") for svg in (SHOWN[name], taken[name])] == [0, 0]


@pytest.mark.parametrize("name", PICTURES)
def test_nobody_else_is_asked_for_anything(name: str) -> None:
    asked = re.findall(r"""(?:href|src)=|@import|url\((?!#)""", SHOWN[name])
    assert asked == []
