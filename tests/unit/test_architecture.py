"""Imports run one way, and the core stays without I/O."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import moneymentor_sync

ROOT = Path(moneymentor_sync.__file__).parent
LAYERS: dict[str, set[str]] = {
    "core": set(),
    "sync": {"core"},
    "adapters": {"core"},
    "demo": {"core"},
    "sandbox": set(),
    "daemon": {"core", "sync"},
    "control": {"core"},
    "wiring": {"core", "sync", "adapters", "daemon", "control"},
    "embedded": {"core", "adapters", "control", "daemon", "wiring"},
    "asgi": {"core", "adapters", "control"},
    "checks": {"core", "adapters", "sync", "wiring"},
    "cli": {"core", "sync", "adapters", "wiring", "daemon", "control", "sandbox", "demo", "checks"},
}
"""What each part may import of the others; whoever is not named here may not be imported by it."""
NOT_IN_CORE = {"os", "io", "time", "random", "socket", "sqlite3", "subprocess", "threading", "secrets", "tempfile"}


def imports_of(path: Path) -> set[str]:
    """The absolute names that a module imports."""
    package = ["moneymentor_sync", *path.relative_to(ROOT).with_suffix("").parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.update({module} | {f"{module}.{alias.name}" for alias in node.names})
    return found


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in ROOT.rglob("*.py"):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if part not in ("__init__", "__main__"):
            found.append((part, path))
    return found


def test_every_part_imports_only_what_lies_below_it() -> None:
    wrong = []
    for part, path in modules():
        for name in imports_of(path):
            pieces = name.split(".")
            if pieces[0] == "moneymentor_sync" and len(pieces) > 1 and (ROOT / pieces[1]).with_suffix("") != ROOT:
                other = pieces[1]
                if other in LAYERS and other != part and other not in LAYERS[part]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong
    assert {part for part, _ in modules()} <= set(LAYERS)


def test_the_core_is_the_standard_library_without_io() -> None:
    wrong = []
    for part, path in modules():
        for name in imports_of(path) if part == "core" else ():
            top = name.split(".")[0]
            if top != "moneymentor_sync" and (top not in sys.stdlib_module_names or top in NOT_IN_CORE):
                wrong.append(f"{path.name} imports {name}")
    assert not wrong


def test_the_check_itself_sees_imports() -> None:
    assert "moneymentor_sync.core.errors.MmsyncError" in imports_of(ROOT / "sync" / "patience.py")
