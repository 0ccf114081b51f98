"""The configuration: every key known, layers in order, what is wrong named."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml
from runs import CONFIGS, DEMO

from lit_clid.config.schema import Config, build_attacks, build_defenses, known_keys, read_config
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

    assert keys(yaml.safe_load(DEMO.read_text())) == set(known_keys())


@pytest.mark.parametrize("file", sorted(CONFIGS.rglob("*.yaml")), ids=lambda f: f.name)
def test_every_config_is_valid(file: Path) -> None:
    config = read_config([str(file)], DEMO)
    build_attacks(config.attacks)
    build_defenses(config.defenses)


def test_layers_override_in_order(tmp_path: Path) -> None:
    (tmp_path / "over.yaml").write_text("seed: 7\ndata: {members: 12}\nattacks: [loss]\n")
    config = read_config(
        [str(DEMO), str(tmp_path / "over.yaml"), "seed=9", "finetune.learning_rate=1e-3"], DEMO
    )
    assert (config.seed, config.data.members, config.data.nonmembers) == (9, 12, 256)
    assert (config.attacks, config.finetune.learning_rate) == (["loss"], 1e-3)
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
        ("finetune.train=all", "finetune.train: 'all' is not one of unet"),
        ("finetune.cache=yes", "finetune.cache: 'True' is not one of auto"),
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
        read_config([argument], DEMO)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_broken_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [1\n")
    with pytest.raises(UserError, match=r"bad\.yaml: not valid YAML"):
        read_config([str(tmp_path / "bad.yaml")], DEMO)
