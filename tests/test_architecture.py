"""The house rules: imports only fall, and only a few modules know certain libraries."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "lit_clid"
FLOORS = [
    ["errors", "diffusion", "captions", "randomness", "drawing", "scenes", "critters", "scores", "rules", "evidence",
     "provenance", "quiet", "trainer", "console", "gradients", "views", "grid", "pages"],
    ["data", "targets", "demo", "oracle", "metrics", "calibration"],
    ["finetune", "defenses", "attacks", "report", "plots", "samples"],
    ["config", "auditor", "utility", "comparison"],
    ["measure", "training", "sweep", "experiment"],
]  # fmt: skip
SIDEWAYS = {
    ("scenes", "drawing"), ("critters", "drawing"), ("rules", "evidence"), ("data", "demo"), ("targets", "demo"),
    ("report", "plots"), ("config", "auditor"), ("diffusion", "gradients"), ("sweep", "measure"),
    ("defenses", "attacks"), ("finetune", "defenses"), ("finetune", "attacks"), ("finetune", "samples"),
    ("experiment", "measure"), ("experiment", "training"),
}  # fmt: skip
"""Neighbours on one floor that may know each other."""
JUDGING = [
    "metrics",
    "calibration",
    "report",
    "plots",
    "scores",
    "rules",
    "evidence",
    "comparison",
    "pages",
]


def imports(file: Path) -> set[str]:
    """Every module name imported anywhere in a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_files() -> list[tuple[str, Path]]:
    return [
        (file.relative_to(PACKAGE).parts[0].removesuffix(".py"), file)
        for file in sorted(PACKAGE.rglob("*.py"))
    ]


def floor(module: str) -> int:
    return next(k for k, names in enumerate(FLOORS) if module in names)


@pytest.mark.parametrize(
    ("module", "file"),
    [m for m in module_files() if m[0] != "__init__"],
    ids=lambda v: str(v)[-40:],
)
def test_imports_fall(module: str, file: Path) -> None:
    own = {name.split(".")[1] for name in imports(file) if name.startswith("lit_clid.")} - {
        module,
        "errors",
    }
    for other in own:
        lower = floor(other) < floor(module)
        assert lower or (module, other) in SIDEWAYS, (
            f"{file.name} on floor {floor(module)} imports {other}"
        )


def test_the_judging_wing_needs_no_model() -> None:
    for module, file in module_files():
        if module in JUDGING:
            assert not {n.split(".")[0] for n in imports(file)} & {
                "lightning",
                "diffusers",
                "transformers",
            }, file


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("diffusers", {"targets", "demo", "quiet", "finetune"}),
        ("transformers", {"targets", "demo", "quiet", "utility"}),
        ("datasets", {"data"}),
        ("omegaconf", {"config"}),
        ("xgboost", {"rules"}),
        ("kornia", {"defenses"}),
        ("opacus", {"defenses"}),
    ],
)
def test_only_its_own_modules_know_a_library(library: str, allowed: set[str]) -> None:
    knowing = {
        module
        for module, file in module_files()
        if library in {n.split(".")[0] for n in imports(file)}
    }
    assert knowing <= allowed


def test_nothing_unpickles() -> None:
    for module, file in [
        *module_files(),
        ("train", PACKAGE.parent / "train.py"),
        ("audit", PACKAGE.parent / "audit.py"),
    ]:
        text = file.read_text(encoding="utf-8")
        assert "pickle" not in text, module
        assert "weights_only=False" not in text, module
        assert "trust_remote_code" not in text, module
