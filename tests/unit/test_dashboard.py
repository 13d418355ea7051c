"""The Grafana dashboard in docs/: that Grafana takes it, and that there are the metrics it speaks of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import dashboard
from tests.dashboard import BOARD, DOCS, metrics_named, panels, variables
from tests.unit.test_metrics_docs import documented

NOT_IN_ITS_SCHEMA = {
    ("annotations", "builtIn"),
    ("annotations", "step"),
    ("annotations", "textFormat"),
    ("annotations", "titleFormat"),
    ("templating", "definition"),
}
"""What Grafana writes itself when it saves a dashboard, and its own description of one leaves out."""


def lost(given: Any, taken: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where what was understood of a document is not what was given."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key, value in given.items():
            yield from lost(value, taken[key], (*path, key)) if key in taken else [(*path, key)]
    elif isinstance(given, list) and isinstance(taken, list) and len(given) == len(taken):
        for one, other in zip(given, taken, strict=True):
            yield from lost(one, other, path)
    elif given != taken:
        yield path


def understood(board: dict[str, Any]) -> set[tuple[str, str]]:
    """What Grafana 10.1's own types lose of it: (which part, which key)."""
    sdk = pytest.importorskip("grafana_foundation_sdk.cog.plugins", reason="Grafana's types are not installed")
    sdk.register_default_plugins()
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    taken = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    return {(path[0], path[-1]) for path in lost(board, taken)}


def test_grafana_understands_all_of_it() -> None:
    assert understood(BOARD) <= NOT_IN_ITS_SCHEMA


@pytest.mark.parametrize("misspelt", ["fieldConfig", "gridPos", "description"])
def test_and_would_be_heard_to_lose_what_it_does_not_know(misspelt: str) -> None:
    board = json.loads(json.dumps(BOARD))
    panel = board["panels"][1]
    panel[misspelt.upper()] = panel.pop(misspelt)
    assert ("panels", misspelt.upper()) in understood(board)


def test_it_can_be_imported_anywhere_beside_others() -> None:
    assert (BOARD["uid"], BOARD["title"]) == ("mmsync", "mmsync")
    assert "id" not in BOARD, "that is the importing Grafana's to give"
    assert BOARD["schemaVersion"] >= 37, "as Grafana 10 has it; a newer one brings it up to date by itself"
    assert set(variables()) == {"datasource", "job", "instance", "dataset"}
    assert variables()["datasource"]["type"] == "datasource"
    uids = {source["uid"] for source in found("datasource", BOARD) if isinstance(source, dict)}
    assert uids == {"${datasource}", "-- Grafana --"}


def found(key: str, inside: Any) -> Iterator[Any]:
    """Every value of a key, however deep."""
    if isinstance(inside, dict):
        if key in inside:
            yield inside[key]
        inside = list(inside.values())
    if isinstance(inside, list):
        for one in inside:
            yield from found(key, one)


def test_every_panel_has_its_own_id_place_and_words() -> None:
    ids = [one["id"] for one in BOARD["panels"]]
    assert len(ids) == len(set(ids)) > 20
    taken: set[tuple[int, int]] = set()
    for one in BOARD["panels"]:
        at = one["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, one["title"]
        assert not cells & taken, f"{one['title']} lies on another"
        taken |= cells
    assert all(one["title"] and one["description"].endswith(".") for one in panels())


def test_every_target_asks_the_chosen_source_for_the_chosen_instances() -> None:
    for panel in panels():
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0, panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert target["expr"].count("{") == target["expr"].count('{job=~"$job",instance=~"$instance"')


def test_what_is_disabled_grows_no_older_than_it_may() -> None:
    shares = [one for _, one in dashboard.expressions() if re.search("age_seconds.*/.*stale_after", one)]
    assert len(shares) == 1
    assert re.search(r" and mmsync_dataset_enabled\{[^}]*\} == 1$", shares[0])


TEXTS = {
    "dashboard": " ".join(one for _, one in dashboard.expressions()),
    "rules": (DOCS / "prometheus" / "mmsync.rules.yml").read_text(encoding="utf-8"),
    "rules' tests": (DOCS / "prometheus" / "mmsync.rules_test.yml").read_text(encoding="utf-8"),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_there_is_every_metric_that_they_name(text: str) -> None:
    named = metrics_named(text)
    assert len(named) > 5
    assert all(name.startswith("mmsync_process_") for name in named - set(documented()))
