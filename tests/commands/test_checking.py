"""`check` and `init`: what a configuration would take, and the configuration for what is there."""

import json
from pathlib import Path

import pytest
from adapters import draw, network_of, save_diffusers
from folders import image_folder
from runs import SMALL, Run

from lit_clid.auditing.lineage import Model
from lit_clid.commands.checks import doubt_of_shadow
from lit_clid.commands.reading import read
from lit_clid.errors import UserError
from lit_clid.source import Source


@pytest.mark.slow
def test_a_check_names_every_phase_and_keeps_nothing(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [*SMALL, f"runs={tmp_path}", "name=small", f"target.path={pipeline_folder}"]
    code, said = run("check", *words, "trainer.max_steps=2000", "attacks=[loss,clid_th_null]")
    assert code == 0, said
    for phase in ("train target", "train shadow", "audit target", "audit reference_shadow", "all"):
        assert f"\n{phase} " in said
    assert "24 of the target, 24 of the shadow" in said and "144 queries" in said
    assert "2,000 steps of" in said and "memory: " in said and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_train_and_audit_check_when_told(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    words = [*SMALL, f"runs={tmp_path}", f"target.path={pipeline_folder}", "attacks=[loss]"]
    for name in ("train", "audit"):
        code, said = run(name, *words, "check=true")
        assert code == 0 and "\ntrain target " in said and "\naudit target " in said, said
    assert not list(tmp_path.iterdir())
    code, said = run("sweep", *words, "check=true")
    assert code == 2 and "check: a sweep has none" in said


@pytest.mark.slow
def test_a_check_of_a_model_from_elsewhere_trains_nothing(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    places = [image_folder(tmp_path / name, 24) for name in ("seen", "unseen")]
    (places[1] / "metadata.jsonl").write_text(
        "".join(
            json.dumps({"file_name": f"{k:03d}.png", "text": f"another {k}"}) + "\n"
            for k in range(24)
        )
    )
    words = [f"audit.target={pipeline_folder}", "attacks=[loss]", "audit.reference=null"]
    data = ["configs/folder.yaml", f"data.path={places[0]}", f"data.nonmember_path={places[1]}"]
    code, said = run("check", *data, *words, f"runs={tmp_path}", "data.shared_captions=keep")
    assert code == 2 and "share their image" in said  # what the audit would refuse
    for k, file in enumerate(sorted(places[1].glob("*.png"))):
        from folders import picture

        picture(500 + k).save(file)
    code, said = run("check", *data, *words, f"runs={tmp_path}")
    assert code == 0, said
    assert "48 of the target" in said and "train" not in said and "audit target" in said


@pytest.mark.slow
def test_several_devices_and_a_lora_to_begin_at_are_checked(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    drawn = draw(network_of(pipeline_folder), ("attn2.to_k",))
    lora = save_diffusers(drawn, "unet", tmp_path / "lora")
    words = ["configs/folder.yaml", f"data.path={image_folder(tmp_path / 'x', 40)}"]
    words += [f"runs={tmp_path / 'runs'}", f"target.path={pipeline_folder}", "attacks=[loss]"]
    words += [f"target.lora=[{lora}]", "finetune.batch_size=4", "trainer.max_steps=9"]
    two = ["trainer.devices=2", "trainer.strategy=ddp", "trainer.accelerator=cpu"]
    code, said = run("train", *words, *two, "check=true")
    assert code == 0 and "\ntrain target " in said, said
    code, said = run("check", *words)
    assert code == 2 and "or train a model here first" in said, said


def test_a_check_refuses_what_its_audit_would(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = ["configs/folder.yaml", f"data.path={image_folder(tmp_path / 'x', 40)}"]
    words += [f"runs={tmp_path}", f"audit.target={pipeline_folder}"]
    claim = ["data.nonmember_path=" + str(image_folder(tmp_path / "y", 40)), "headline=stacked"]
    for command in (["check"], ["audit", "dry_run=true"], ["audit"]):
        code, said = run(*command, *words)
        assert code == 2 and "audit.target: nothing says that" in said, said
        code, said = run(*command, *words, *claim)
        assert code == 2 and "headline: 'stacked' is fitted on a shadow" in said, said
        code, said = run(*command, *words, "evidence.stop_at=0.01", "audit.part=1/2")
        assert code == 2 and "audit.part: " in said, said


def test_a_shadow_that_does_not_say_what_it_saw_is_doubted(
    pipeline_folder: Path, trained: Path
) -> None:
    def doubt(*roles: str, shadow: Path) -> str:
        places = {"target": trained / "small" / "target", "shadow": shadow}
        return doubt_of_shadow({role: Model(Source(str(places[role]))) for role in roles})

    assert not doubt("target", shadow=pipeline_folder)
    assert not doubt("target", "shadow", shadow=trained / "small" / "shadow")
    said = doubt("target", "shadow", shadow=pipeline_folder)
    assert f"nothing says that the shadow {pipeline_folder}" in said


def test_a_folder_gets_its_configuration(tmp_path: Path, run: Run) -> None:
    folder = image_folder(tmp_path / "my images", 40)
    (folder / "stray.txt").write_text("no image beside it")
    file = tmp_path / "mine.yaml"
    code, said = run("init", str(folder), f"out={file}")
    assert code == 0, said
    assert "# found: 40 records with 40 distinct captions" in said
    assert "drawn by the seed, 10 of each" in said and "16 to 16 pixels" in said
    config = read([str(file)])
    assert (config.name, config.data.path) == ("my-images", str(folder))
    assert (config.target.path, config.finetune.train) == ("demo", "cross_attention")
    before = file.read_text()
    code, said = run("init", str(folder), f"out={file}")
    assert code == 2 and "is there already" in said and file.read_text() == before


def test_a_model_brings_the_recipe_of_its_family(
    tmp_path: Path, pipeline_folder: Path, run: Run
) -> None:
    folder, file = image_folder(tmp_path / "x", 8), tmp_path / "mine.yaml"
    assert run("init", str(folder), f"model={pipeline_folder}", f"out={file}")[0] == 0
    config = read([str(file)])
    assert config.target.path == str(pipeline_folder)
    assert (config.finetune.train, config.data.resolution) == ("lora", 512)
    text = file.read_text()
    assert "configs/models/stable_diffusion.yaml" in text and "lit-clid train" in text


def test_a_claim_about_somebody_s_lora_gets_its_configuration(
    tmp_path: Path, pipeline_folder: Path, run: Run
) -> None:
    mine, theirs = (image_folder(tmp_path / name, 8) for name in ("mine", "comparable ones"))
    drawn = draw(network_of(pipeline_folder), ("attn2.to_k",))
    lora, file = save_diffusers(drawn, "unet", tmp_path / "lora"), tmp_path / "my claim.yaml"
    words = [f"model={pipeline_folder}", f"lora={lora}", f"suspects={mine}", f"out={file}"]
    code, said = run("init", str(theirs), *words)
    assert code == 0, said
    assert f"#   lit-clid audit '{file}'" in said and "lit-clid train" not in said
    assert "compared with the suspects" in said
    config = read([str(file)])
    assert (config.data.path, config.data.suspects_path) == (str(theirs), str(mine))
    assert config.target.lora == [str(lora)] and config.target.path == str(pipeline_folder)
    assert config.data.suspects_from == "imagefolder"
    assert config.trainer["accelerator"] == "auto" and config.audit.precision == "bf16"
    assert config.data.resolution is None and "finetune:" not in file.read_text()
    alone = [word for word in words if not word.startswith(("suspects", "out"))]
    code, said = run("init", str(theirs), *alone, f"out={tmp_path / 'o.yaml'}")
    assert code == 2 and "init: nothing says which records" in said
    code, said = run("init", str(theirs), f"suspects={mine}", f"out={tmp_path / 'o.yaml'}")
    assert code == 2 and "init: suspects are of somebody's model" in said


@pytest.mark.parametrize("steps", ["null", "0"])
def test_a_check_of_no_steps_is_a_line(steps: str, tmp_path: Path, run: Run) -> None:
    code, said = run("check", *SMALL, f"runs={tmp_path}", f"trainer.max_steps={steps}")
    assert code == 2 and "trainer.max_steps: " in said and "positive whole number" in said


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "init: name one folder"),
        (("a", "b"), "init: name one folder"),
        (("a", "modl=x"), "unknown word 'modl=x'; did you mean 'model'?"),
        (("nowhere/at/all",), "nowhere/at/all"),
    ],
)
def test_what_cannot_be_begun(words: tuple[str, ...], fault: str, tmp_path: Path, run: Run) -> None:
    code, said = run("init", *words, *([f"out={tmp_path / 'o.yaml'}"] if words else []))
    assert code == 2 and fault in said and not (tmp_path / "o.yaml").exists()


def test_loggers_are_named(tmp_path: Path) -> None:
    from lit_clid.training.loggers import make_loggers

    place = tmp_path / "run" / "logs" / "target"
    kinds = [type(each).__name__ for each in make_loggers(["csv", "tensorboard"], place)]
    assert kinds == ["CSVLogger", "TensorBoardLogger"]
    with pytest.raises(UserError, match=r"finetune\.loggers: 'wandbb' is not one of csv"):
        read(["finetune.loggers=[wandbb]"])


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_logger_without_its_package_says_what_to_install(name: str, tmp_path: Path) -> None:
    from importlib.util import find_spec

    from lit_clid.training.loggers import PACKAGES, make_loggers

    if find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    with pytest.raises(UserError, match=f"pip install {PACKAGES[name]}"):
        make_loggers([name], tmp_path / "run" / "logs" / "target")
