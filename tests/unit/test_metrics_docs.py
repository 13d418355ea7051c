"""The table of metrics in docs/operating.md is made from the metrics themselves.

`python -m tests.unit.test_metrics_docs` prints it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.unit.test_metrics import Watched

DOCS = Path(__file__).parents[2] / "docs" / "operating.md"
_BACKUP = {"enabled": True, "last": "2027-01-15T08:00:00Z", "last_error": None, "next": "2027-01-16T03:30:00Z"}


def _texts() -> list[str]:
    watched = Watched()
    watched.bench.start()
    watched.bench.daemon.check_health()
    status = watched.bench.status | {"backup": _BACKUP}
    return [watched.metrics.text(status), watched.metrics.in_file(status)]


def table() -> list[str]:
    """A line for each metric of ours, in the order of the answer; those of the process have a line in the text."""
    lines: dict[str, str] = {}
    for text in _texts():
        for family in text_string_to_metric_families(text):
            if not family.name.startswith("mmsync_") or family.name.startswith("mmsync_process_"):
                continue
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
            shown = ", ".join(f"`{label}`" for label in labels)
            lines.setdefault(name, f"| `{name}` | {family.type} | {shown} | {family.documentation} |")
    return list(lines.values())


def documented() -> dict[str, str]:
    """The lines of the table, by the metrics' names."""
    lines = re.findall(r"(?m)^\| `(mmsync_\w+)` \|.*$", DOCS.read_text(encoding="utf-8"))
    whole = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `mmsync_")]
    return dict(zip(lines, whole, strict=True))


def test_every_metric_is_in_the_table_as_it_is() -> None:
    assert list(documented().values()) == table()


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
