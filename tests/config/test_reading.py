"""The configuration: every key known, layers in order, what is wrong named."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
import yaml
from runs import CONFIGS, DEMO

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.commands.reading import read
from lit_clid.config.options.trainer import TRAINER_KEYS
from lit_clid.config.schema import KEYS, Config
from lit_clid.errors import UserError


def test_the_demo_config_names_every_key() -> None:
    def keys(content: dict[str, object], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for key, value in content.items():
            nested = isinstance(value, dict) and f"{prefix}{key}" not in (
                "trainer",
                "attacks",
                "defenses",
                "grid.defenses",
            )
            found |= (
                keys(value, f"{prefix}{key}.") | {f"{prefix}{key}"}
                if nested
                else {f"{prefix}{key}"}
            )  # type: ignore[arg-type]
        return found

    text = DEMO.read_text(encoding="utf-8")
    left_out = set(re.findall(r"^# (\w+):", text, re.MULTILINE))
    assert left_out == {"attacks"}
    assert keys(yaml.safe_load(text)) | left_out == set(KEYS)


@pytest.mark.parametrize("file", sorted(CONFIGS.rglob("*.yaml")), ids=lambda f: f.name)
def test_every_config_is_valid(file: Path) -> None:
    config = read([str(file)])
    assert config.attacks
    assert all(name in config.plain["defenses"] for name in config.defenses.chosen)


def test_layers_override_in_order(tmp_path: Path) -> None:
    (tmp_path / "over.yaml").write_text("seed: 7\ndata: {members: 12}\nattacks: [loss]\n")
    config = read([str(DEMO), str(tmp_path / "over.yaml"), "seed=9", "finetune.learning_rate=1e-3"])
    assert (config.seed, config.data.members, config.data.nonmembers) == (9, 12, 256)
    assert (list(config.attacks), config.finetune.learning_rate) == (["loss"], 1e-3)
    assert all(
        not is_dataclass(f.type) or is_dataclass(getattr(config, f.name)) for f in fields(Config)
    )


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("data.membrs=3", "unknown key 'data.membrs'; did you mean 'data.members'"),
        ("membes=3", "unknown key 'membes'"),
        ("learning_rate=3", "did you mean 'finetune.learning_rate'"),
        ("trainer.max_stepz=3", "did you mean 'trainer.max_steps'"),
        ("data.members=many", "data.members: Value 'many'"),
        ("data.members=0", "data.members: 0 is not a positive number"),
        ("data.on_error=ignore", "data.on_error: 'ignore' is not one of fail, skip"),
        ("finetune.cache=yes", "finetune.cache: 'yes' is not one of auto"),
        ("finetune.checkpoints=[2, 1]", "must rise from above 0"),
        ("finetune.average_from=3", "the moving average off"),
        ("grid.keep=none", "grid.keep: 'none' is not one of all, last"),
        ("grid.seeds=[1, 1]", "each once; equal seeds make colliding cells"),
        ("grid.seeds=[-1]", "grid.seeds: [-1] must be 0 or more"),
        ("grid.part=3/2", "grid.part: '3/2' is not a part such as 2/8"),
        (
            "grid={defenses: {a: flip}, baseline: a}",
            "grid.defenses.a: 'flip' is not a list of overlays",
        ),
        ("grid={defenses: {a: []}, baseline: b}", "grid.baseline: no defense 'b' (found: a)"),
        (
            "grid={defenses: {a: []}, baseline: a, follow: [c]}",
            "grid.follow: c not among the defenses: a",
        ),
        ("grid={defenses: {../a: []}, baseline: ../a}", "'../a' must be a plain name"),
        ("utility.t=[500, 300]", "utility.t, utility.draws: [500, 300] must rise"),
        ("utility.samples=1", "0 or at least 2 images"),
        ("sweep.t=[500, 300]", "sweep.t: [500, 300] must rise"),
        ("sweep.draws=0", "at least one timestep"),
        ("audit.precision=fp8", "audit.precision: 'fp8' is not one of"),
        ("role=teacher", "role: 'teacher' is not one of target, shadow"),
        ("name=../up", "must be a plain folder name"),
        ("seed=[1", "not valid YAML"),
        ("nothing.yaml", "no such config file"),
        ("data=3", "data: is a section"),
        ("data={members: x}", "data.members: Value 'x'"),
    ],
)
def test_bad_arguments_are_named(argument: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        read([argument])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_broken_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [1\n")
    with pytest.raises(UserError, match=r"bad\.yaml: not valid YAML"):
        read([str(tmp_path / "bad.yaml")])


def test_names_are_built_once_and_kept_as_written() -> None:
    config = read(["attacks={loss: {t: 300}}", "defenses=[flip]"])
    assert config.attacks == {"loss": replace(ATTACKS["loss"], t=(300,))}
    again = replace(config, seed=9, name="other")
    assert again.attacks is config.attacks
    assert (again.plain["attacks"], again.plain["defenses"]) == (
        {"loss": {"t": 300}},
        {"flip": None},
    )
    assert (again.plain["seed"], config.plain["seed"]) == (9, 0)
    assert list(again.plain) == [key for key in KEYS if "." not in key]


def test_shipped_configurations_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(["configs/folder.yaml"]).name == "folder"
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "folder.yaml").write_text("name: own\n")
    assert read(["configs/folder.yaml"]).name == "own"
    with pytest.raises(UserError, match=r"^configs/nowhere\.yaml: no such config file"):
        read(["configs/nowhere.yaml"])


def test_the_trainer_s_keys_are_those_of_the_installed_lightning() -> None:
    import lightning as L

    parameters = inspect.signature(L.Trainer.__init__).parameters
    own = ("self", "callbacks", "logger")
    assert tuple(key for key in parameters if key not in own) == TRAINER_KEYS


@pytest.mark.slow
def test_reading_loads_neither_torch_nor_lightning() -> None:
    code = """
import pkgutil, importlib, sys
import lit_clid.config.explained, lit_clid.config.options
from lit_clid.config.named import NOTHING
from lit_clid.config.reading import DEMO, read_config
for module in pkgutil.iter_modules(lit_clid.config.options.__path__):
    importlib.import_module(f"lit_clid.config.options.{module.name}")
read_config([], DEMO, NOTHING, NOTHING)
print(*{"torch", "lightning", "numpy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
