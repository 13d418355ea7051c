"""Builds the site: `python docs/build.py [--to DIR]`. A warning, such as of a link to nowhere, is a failure.

Needs the extra `docs`: pip install '.[docs]'.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(to: Path) -> int:
    """The exit code of Sphinx; the pages are in `to` then, the first one `to/docs/index.html`."""
    from sphinx.cmd.build import main as sphinx

    options = [
        "-c",
        str(ROOT / "docs"),
        "-b",
        "html",
        "-W",
        "--keep-going",
        "-n",
        "-q",
        "-E",
        "-d",
        str(to / ".doctrees"),
    ]
    return int(sphinx([*options, str(ROOT), str(to)]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the site.")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "_build", metavar="DIR", help="else docs/_build")
    to: Path = parser.parse_args().to
    code = build(to)
    if not code:
        sys.stdout.write(f"{to / 'docs' / 'index.html'}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
