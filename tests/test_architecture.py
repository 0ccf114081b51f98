"""The plan of the house (docs/architecture.md): imports only fall, wings do not know each other,
and what a room brings along is what it may.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import draw_house
import pytest
from house import DOORS, FLOORS, GROUND, MODULES, PACKAGE, imports, own_imports, room, storey

WINGS = FLOORS[-3]
NETWORKS = {"diffusers", "transformers", "kornia", "opacus", "peft", "datasets"}
DRAWN = {"matplotlib", "sklearn", "scipy", "xgboost", "jinja2", "markupsafe", "torchmetrics"}
LIGHT = NETWORKS | DRAWN | {"torch", "lightning", "numpy"}
"""What nothing light brings along."""
HOMES = {
    "torch": ("randomness", "data", "models", "training", "auditing", "commands"),
    "torchmetrics": ("auditing.shown", "auditing.utility"),
    "lightning": (
        "config.progress",
        "config.trainer",
        "data",
        "training",
        "auditing",
        "commands.trainings",
        "commands.gauge",
    ),
    "diffusers": ("models",),
    "transformers": ("models",),
    "tokenizers": ("models.demo",),
    "peft": ("models.lora",),
    "safetensors": ("models.lasting", "models.lora", "models.weights"),
    "huggingface_hub": (
        "hub",
        "data",
        "models.weights",
        "commands.cards",
        "commands.pushing",
    ),
    "datasets": ("data",),
    "kornia": ("training.defenses.images",),
    "opacus": ("training.defenses.dp",),
    "omegaconf": ("config.reading", "config.texts"),
    "yaml": ("config.reading", "config.texts"),
    "xgboost": ("judging.trees",),
    "sklearn": ("judging.calibration", "judging.discriminant", "judging.suspects"),
    "scipy": (
        "judging.controls.near",
        "judging.pooled",
        "judging.rates",
        "judging.showable",
        "judging.suspects",
    ),
    "matplotlib": ("judging.plots",),
    "pandas": ("judging.report.papers",),
    "jinja2": ("judging.pages",),
    "markupsafe": ("judging.pages", "judging.report", "judging.comparison"),
    "pyarrow": ("ids", "cells", "parquet", "tabular", "data", "auditing.shards"),
    "imagehash": ("data.blind",),
    "PIL": ("data", "models", "judging"),
    "pillow_heif": ("data.decoding",),
    "numpy": (
        "ids",
        "cells",
        "refused",
        "scores",
        "parquet",
        "tabular",
        "data",
        "models",
        "training",
        "auditing",
        "judging",
        "commands",
    ),
    "filelock": ("commands.holding",),
    "tqdm": ("config.progress", "data", "models", "commands.pretrain"),
}
"""Every library beside the standard one → the rooms and modules that may import it anywhere."""


def below(module: str, homes: Sequence[str]) -> bool:
    """True if a module is one of these or lies in one."""
    return any(module == home or module.startswith(f"{home}.") for home in homes)


def within(*homes: str, but: Sequence[str] = ()) -> list[str]:
    return [name for name in MODULES if below(name, homes) and name not in but]


def test_every_module_stands_on_a_floor() -> None:
    for module in MODULES:
        assert room(module) in {name for rooms in FLOORS for name in rooms}, module
    assert all(name in MODULES for rooms in FLOORS for name in rooms)


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_fall(module: str) -> None:
    """Wherever in a file they stand; within a room they are free, between neighbours there are
    none, save that the ground's files are one room, and so are the doors.
    """
    for other in own_imports(module) - {""}:
        together = [room(module), room(other)]
        same = together[0] == together[1] or any(set(together) <= {*r} for r in (GROUND, DOORS))
        assert same or storey(other) < storey(module), f"{module} imports {other}"


def test_no_imports_go_round_in_circles() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in sorted(own_imports(module)):
                visit(other, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_libraries_are_known_in_their_rooms_only(module: str) -> None:
    names = {name.partition(".")[0] for name in imports(MODULES[module])}
    for library in names - sys.stdlib_module_names - {"lit_clid"}:
        assert below(module, HOMES[library]), f"{module} imports {library}"


def brought(modules: Sequence[str]) -> set[str]:
    """What a fresh process has loaded after importing these."""
    lines = [f"import lit_clid.{name}".rstrip(".") for name in modules]
    code = "\n".join([*lines, "import sys", "print(*sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def barred(*rooms: str) -> set[str]:
    return {f"lit_clid.{name}" for name in rooms}


READERS = ("explained", "named", "reading", "schema")
OTHERS = {wing: barred("commands", *(each for each in WINGS if each != wing)) for wing in WINGS}
TABLES = barred("files", "scores", "about")
WALLS: dict[str, tuple[list[str], set[str]]] = {
    "the package": ([""], LIGHT | barred("errors")),
    "the doors": (["commands.line", "commands.table"], LIGHT - {"numpy"}),
    "config": (
        within("config.options", *(f"config.{name}" for name in READERS)),
        LIGHT | barred("scores", "randomness", "data"),
    ),
    "models": (within("models"), NETWORKS | DRAWN | {"lightning"} | barred(*WINGS, "commands")),
    "judging": (
        within("judging"),
        LIGHT - {"numpy"} | OTHERS["judging"] | barred("config", "data", "models", "randomness"),
    ),
    "rules": (["judging.rules"], LIGHT - {"numpy"} | TABLES),
    "evidence": (["judging.evidence"], LIGHT - {"numpy"} | TABLES | barred("errors")),
    "attacks": (
        within("auditing.attacks"),
        NETWORKS | DRAWN | {"lightning", "PIL", "pyarrow"} | OTHERS["auditing"] | TABLES
        | barred("provenance", "console", "config", "data", "models.load", "models.pipeline"),
    ),
    # Lightning's own metrics look for transformers, which is not barred here for that reason
    "data": (within("data"), {"diffusers", "datasets"} | barred("models", *WINGS, "commands")),
    "training": (within("training"), NETWORKS - {"transformers"} | OTHERS["training"]),
    "auditing": (within("auditing"), NETWORKS - {"transformers"} | OTHERS["auditing"]),
}  # fmt: skip
"""(modules that a fresh process imports, what must not come along)."""
ENTRANCES = ("the package", "the doors")
"""They load what is behind them when it is asked for."""


@pytest.mark.slow
@pytest.mark.parametrize("name", WALLS)
def test_walls(name: str) -> None:
    modules, absent = WALLS[name]
    known = brought(modules)
    assert f"lit_clid.{modules[0]}".rstrip(".") in known
    assert not known & absent


@pytest.mark.parametrize("name", [name for name in WALLS if name not in ENTRANCES])
def test_walls_hold_for_imports_within_functions_too(name: str) -> None:
    modules, absent = WALLS[name]
    reached, new = set(modules), set(modules)
    while new:
        new = set().union(*map(own_imports, new)) - reached
        reached |= new
    assert not {f"lit_clid.{module}" for module in reached} & absent


def test_attacks_and_rules_know_neither_files_nor_devices() -> None:
    for module in within("auditing.attacks", "judging.rules", "judging.evidence"):
        known = {name.partition(".")[0] for name in imports(MODULES[module])}
        assert not known & {"pathlib", "os", "io", "json", "shutil", "csv"}, module
        text = MODULES[module].read_text(encoding="utf-8")
        assert not [word for word in ("device", "cuda", ".to(", ".cpu(", "open(") if word in text]


@pytest.mark.parametrize("file", [*MODULES.values(), *PACKAGE.parent.glob("*.py")], ids=str)
def test_nothing_unpickles(file: Path) -> None:
    assert not imports(file) & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    text = file.read_text(encoding="utf-8").replace("trust_remote_code=False", "")
    for word in ("weights_only=False", "trust_remote_code", "allow_pickle=True"):
        assert word not in text
    for call in re.findall(r"torch\.load\(.*", text):
        assert "weights_only=True" in call


def test_the_picture_is_that_of_these_imports() -> None:
    """`make house` draws it again."""
    assert draw_house.OUT.read_text(encoding="utf-8") == draw_house.drawing()
