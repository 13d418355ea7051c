"""Makes docs/configuration.md of the code and of sync.toml.example: `python docs/reference.py [--to FILE]`.

What a setting does is told in the example's comments; its type, default and variables are the code's.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from moneymentor_sync.core.config import SETTINGS
from moneymentor_sync.core.config_layers import Setting
from moneymentor_sync.core.settings import Column, Dataset

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "sync.toml.example"
PAGE = ROOT / "docs" / "configuration.md"
BY_PATH = {setting.path: setting for setting in SETTINGS}
_HEAD = """\
# Configuration

<!-- Made by docs/reference.py of the code and of sync.toml.example; change those. -->

Settings come from flags, the environment (a `.env` file beside `sync.toml` counts as environment; real variables
win), `sync.toml`, and defaults, in that order. `sync.toml` is the file of `-c`, else of `MMSYNC_CONFIG`, else
`./sync.toml`, else `/etc/mmsync/sync.toml`; where the environment says enough, none is needed. An unknown key, a
wrong type or a value out of range is an error, and `mmsync check` names all of them at once. A relative path in the
file starts at the file's directory, one in the environment at the working directory. `mmsync reload` has the daemon
read it again; a change in `[state]`, `[control]`, `[log]`, `[cluster]` and `[metrics]` waits for its next start.
"""
_DATASETS = """\
## [[datasets]]

A dataset is one query that fills one tab; each is an entry of its own. The two built-in ones, `user_profiles` and
`course_statistics`, need none: an entry of the same name changes what it names.
"""
KINDS = {
    "alert_urls": "A list of URLs",
    "api_endpoint": "A URL",
    "boolean": "`true` or `false`",
    "cluster_url": "A URL",
    "credentials_file": "A path",
    "credentials_files": "A list of paths",
    "database_url": "A URL",
    "duration": 'A time such as `"90s"`, `"15m"`, `"2h"` or `"1d"`',
    "hash_key": "Text",
    "http_url": "A URL",
    "loopback_address": "An address of this machine, `host:port`",
    "names": "A list of names",
    "path": "A path",
    "principals": 'A list of users and groups (`"@group"`)',
    "short_name": "A name",
    "spreadsheet_id": "A spreadsheet's id or address",
    "tab_title": "A tab's title",
    "timezone": "An IANA name",
    "_metrics_file": "A path",
    "_socket": "A path",
    "_time_of_day": 'A time of day, `"HH:MM"`',
}
"""What each reader of `core.config_values` and its neighbours takes, in words."""


@dataclass(frozen=True, slots=True)
class Block:
    """Settings that are told of together, in the order of the example."""

    keys: tuple[str, ...]
    words: str


def sections(text: str) -> dict[str, list[Block]]:
    """The example's tables, each with its blocks; `[[datasets]]` is the first one that has a query."""
    found: dict[str, list[Block]] = {}
    for name, body in re.findall(r"(?ms)^(\[\[?\w+\]?\])\n(.*?)(?=^\[|^# ---|\Z)", text):
        found.setdefault(name, list(blocks(body)))
    return found


def blocks(body: str) -> Iterator[Block]:
    """Comments, each with the keys that follow it before the next one."""
    words: list[str] = []
    keys: list[str] = []
    inside = ""
    for line in body.splitlines():
        if inside:  # a value of several lines
            inside = "" if line.rstrip().endswith(inside) else inside
            continue
        key = re.match(r"#?(\w+) = (.*)", line)
        if line.startswith("# "):
            if keys:
                yield Block(tuple(keys), " ".join(words))
                words, keys = [], []
            words.append(line[2:].strip())
        elif key:
            keys.append(key[1])
            inside = {'"""': '"""', "[": "]"}.get(key[2].strip(), "")
    if keys:
        yield Block(tuple(keys), " ".join(words))


def page() -> str:
    found = sections(EXAMPLE.read_text(encoding="utf-8"))
    own = found.pop("[[datasets]]")
    parts = [_HEAD]
    for name, its in found.items():
        parts.append(f"## {name}\n")
        parts += [settings(name.strip("[]"), block) for block in its]
    parts.append(_DATASETS)
    parts += [of_dataset(block) for block in own]
    return "\n".join(parts)


def settings(table: str, block: Block) -> str:
    """Settings of one table that are told of together."""
    its = [BY_PATH[f"{table}.{key}"] for key in block.keys]
    lines = [f"### {', '.join(f'`{key}`' for key in block.keys)}", "", plain(block.words, its), ""]
    lines += [f"- {fact}" for fact in facts(its)]
    return "\n".join(lines) + "\n"


def facts(its: Sequence[Setting[Any]]) -> Iterator[str]:
    for setting in its:
        name = f"`{setting.path.partition('.')[2]}`: " if len(its) > 1 else ""
        default = "none" if setting.default in (None, "") else f"`{toml(setting.default, kind(setting))}`"
        environment = "; environment: " + ", ".join(f"`{one}`" for one in setting.variables)
        yield f"{name}{kind(setting)}; default: {default}{environment if setting.variables else ''}"


def kind(setting: Setting[Any]) -> str:
    """What it takes, by its reader; the bounds are those that the reader holds it to."""
    outer = setting.read.__qualname__.partition(".")[0]
    bounds = inspect.getclosurevars(setting.read).nonlocals
    if outer == "choice":
        return "One of " + ", ".join(f'`"{one}"`' for one in bounds["options"])
    if outer in ("number", "whole_number"):
        words = "A whole number" if outer == "whole_number" else "A number"
        return f"{words} from {bounds['minimum']:,.15g} to {bounds['maximum']:,.15g}" if bounds else words
    return KINDS[outer]


def toml(value: Any, kind: str = "") -> str:
    """A default as the file would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, float) and kind.startswith("A time"):
        units = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
        unit, name = next((unit, name) for unit, name in units if not value % unit)
        return f'"{value / unit:g}{name}"'
    return f"{value:.15g}" if isinstance(value, int | float) else f'"{value}"'


def of_dataset(block: Block) -> str:
    own = {field.name: field.default for field in fields(Dataset)}
    lines = [f"### {', '.join(f'`{key}`' for key in block.keys)}", "", plain(block.words, ()), ""]
    [key] = block.keys
    default = own[key]
    if key == "columns":
        lines.append(
            "- A column as a table takes "
            + ", ".join(f"`{field.name}`" for field in fields(Column) if field.name != "varies")
        )
    elif key == "query" or (default is MISSING and key != "spreadsheet_id"):
        lines.append("- Needed" + (", or `table` in its place" if key == "query" else ""))
    elif default is not None and not re.search(r"Default: ", block.words):
        lines.append(f"- Default: `{toml(default)}`")
    return "\n".join(lines).rstrip() + "\n"


def plain(words: str, its: Sequence[Setting[Any]]) -> str:
    """A comment as Markdown; variables that stand in brackets and nothing else are told below it."""
    names = "|".join(one for setting in its for one in setting.variables)
    if names:
        words = re.sub(rf"\s*\((?:(?:{names})(?:, )?)+\)", "", words)
    parts = re.split(r"(`[^`]*`)", words)
    return "".join(part if part.startswith("`") else re.sub(r"([*<])", r"\\\1", part) for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the configuration's reference.")
    parser.add_argument("--to", type=Path, default=PAGE, metavar="FILE", help="else docs/configuration.md")
    to: Path = parser.parse_args().to
    to.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{to}\n")


if __name__ == "__main__":
    main()
