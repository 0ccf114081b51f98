"""The house as its imports tell it: modules, rooms and floors. `draw_house` paints it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "lit_clid"
GROUND = (
    "errors", "files", "plain", "hub", "source", "asked", "about", "ids", "cells", "scores",
    "refused", "parquet", "tabular", "provenance", "randomness", "console", "terminal", "plugins",
)  # fmt: skip
DOORS = ("", "__main__", "sweep", "experiment")
FLOORS: tuple[tuple[str, ...], ...] = (
    GROUND,
    ("config",),
    ("data",),
    ("models",),
    ("training", "auditing", "judging"),
    ("commands",),
    DOORS,
)
"""From the ground up; imports only fall. The wings on one floor never know each other."""


def module_name(file: Path) -> str:
    """lit_clid/data/split.py → "data.split"; a package is called as its `__init__` is."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").rstrip(".")


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
"""Every module of the package by its name; "" is the package itself."""


def imports(file: Path) -> set[str]:
    """Every module that a file imports anywhere, those of the package as "lit_clid.…"."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}: a relative import"
            found |= {_imported(node.module, alias.name) for alias in node.names}
    return found


def _imported(module: str, name: str) -> str:
    whole = f"{module}.{name}"
    return whole if whole.removeprefix("lit_clid.") in MODULES else module


def own_imports(module: str) -> set[str]:
    """The package's modules that one of them imports, by their names within it."""
    own = [name for name in imports(MODULES[module]) if name.partition(".")[0] == "lit_clid"]
    return {name.partition(".")[2] for name in own} - {module}


def room(module: str) -> str:
    """The folder or loose file directly in the package."""
    return module.partition(".")[0]


def storey(module: str) -> int:
    """The number of a module's floor, the ground's is 0.

    Raises:
        StopIteration: if its room is on none.
    """
    return next(k for k, rooms in enumerate(FLOORS) if room(module) in rooms)


def summary(module: str) -> str:
    """The first sentence of a module's docstring, without what stands before a colon."""
    text = ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8"))) or ""
    first = re.split(r"\.(?:\s|$)", " ".join(text.split()))[0]
    said = re.sub(r"^(?:The )?\w+: ", "", first)
    return said[:1].upper() + said[1:]


def entered(name: str) -> set[str]:
    """The rooms that a room imports; all loose files of the ground are one, ""."""
    found: set[str] = set()
    for module in MODULES:
        if room(module) == name:
            found |= {room(other) for other in own_imports(module)} - {name}
    return {"" if other in GROUND else other for other in found}


def contents(name: str) -> Iterator[tuple[str, list[str]]]:
    """(package, names of the modules in it) for a room and each package in it."""
    packages = [m for m in MODULES if room(m) == name and _is_package(m)]
    for package in packages:
        inside = [m for m in MODULES if m.rpartition(".")[0] == package and m not in packages]
        names = [module.rpartition(".")[2] for module in inside]
        path = package.partition(".")[2].replace(".", "/")
        yield package, [f"{path}/", *names] if path else names


def _is_package(module: str) -> bool:
    return MODULES[module].name == "__init__.py"
