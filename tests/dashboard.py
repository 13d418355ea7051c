"""The Grafana dashboard in docs/, as its tests look at it, and what Grafana puts in the place of its variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
BOARD: dict[str, Any] = json.loads((DOCS / "grafana" / "mmsync.json").read_text(encoding="utf-8"))
_BUILT_IN = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h"}


def panels() -> Iterator[dict[str, Any]]:
    """All but the headings of the rows."""
    yield from (one for one in BOARD["panels"] if one["type"] != "row")


def variables() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in BOARD["templating"]["list"]}


def filled_in(expression: str) -> str:
    """As Grafana asks it, with “All” chosen everywhere."""
    for name, value in _BUILT_IN.items():
        expression = expression.replace(name, value)
    for name, variable in variables().items():
        expression = expression.replace(f"${name}", variable.get("allValue", ""))
    assert "$" not in expression, f"a variable that there is not: {expression}"
    return expression


def expressions() -> list[tuple[str, str]]:
    """(where, PromQL) of every panel and annotation."""
    found = [(f"{one['title']} {target['refId']}", target["expr"]) for one in panels() for target in one["targets"]]
    noted = [(one["name"], one["expr"]) for one in BOARD["annotations"]["list"] if "expr" in one]
    return [(where, filled_in(one)) for where, one in (*found, *noted)]


def metrics_named(text: str) -> set[str]:
    """The names of mmsync's metrics in it, without what a histogram or a recording rule adds."""
    found = re.findall(r"(?<![\w:])mmsync_[a-z0-9_]+", text)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}
