"""Which models a pattern names, and of which step they are."""

import shutil
from pathlib import Path

import pytest

from lit_clid.commands.gauge.checkpoints import find_checkpoints, is_pattern, step_of
from lit_clid.config.options.target import TargetOptions
from lit_clid.errors import UserError
from lit_clid.files import write_json
from lit_clid.models.note import NOTE
from lit_clid.models.weights import LORA_FILE

BASE = TargetOptions("demo")
OURS = {"base": "demo", "val_loss": None, "steps": 40, "facts": {"role": "target"}}


def copies(base: Path, folder: Path, *names: str) -> Path:
    for name in names:
        shutil.copytree(base, folder / name)
    return folder


def found(pattern: object) -> list[tuple[int, str]]:
    models = find_checkpoints(str(pattern), BASE, None)
    return [(each.step, Path(each.path).name) for each in models]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step=300", 300),
        ("step-0000300", 300),
        ("checkpoint-300", 300),
        ("300", 300),
        ("epoch=1-step=300", 300),
        ("sd-v1-5_step_300", 300),
        ("Steps300.safetensors", 300),
        (f"checkpoint-300/{LORA_FILE}", 300),
    ],
)
def test_steps_that_names_say(name: str, step: int) -> None:
    assert step_of(Path("runs") / "2" / name) == step


OTHERS = ["last", "v1-5-2000", LORA_FILE, "step=1-step=2", "mine-000004", "checkpoint-1e3"]


@pytest.mark.parametrize("name", [*OTHERS, "epoch=3", "sd15", "step_1.5k"])
def test_names_that_say_none_or_several(name: str) -> None:
    with pytest.raises(UserError, match="does not say one step; rename it"):
        step_of(Path("runs") / name)


def test_a_note_says_it_whatever_the_name(tmp_path: Path) -> None:
    write_json(tmp_path / "last" / NOTE, OURS)
    assert step_of(tmp_path / "last") == 40


def test_patterns() -> None:
    assert is_pattern("runs/x/checkpoints/*") and is_pattern("a/step=[123]00")
    assert not is_pattern(None) and not is_pattern("demo") and not is_pattern("owner/name")


def test_a_folder_that_is_called_like_a_pattern_is_none(tmp_path: Path) -> None:
    (tmp_path / "run[1]").mkdir()
    assert not is_pattern(str(tmp_path / "run[1]"))


def test_models_in_the_order_of_their_steps(pipeline_folder: Path, tmp_path: Path) -> None:
    copies(pipeline_folder, tmp_path, "step-9", "step-100", "checkpoint-20")
    (tmp_path / "mine-step000030.safetensors").touch()
    (tmp_path / "checkpoint-50").mkdir()
    (tmp_path / "checkpoint-50" / LORA_FILE).touch()
    models = find_checkpoints(f"{tmp_path}/*", TargetOptions("demo", "fp16"), "bf16")
    assert [each.step for each in models] == [9, 20, 30, 50, 100]
    bases = [each.base and each.base.path for each in models]
    assert bases == [None, None, "demo", "demo", None]
    assert [each.source.variant for each in models] == ["bf16", "bf16", "fp16", "fp16", "bf16"]


def test_folders_of_models_are_entered_and_shadows_left_out(
    pipeline_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for role in ("target", "shadow"):
        copies(pipeline_folder, tmp_path / role, "step-1", "step-2")
        for step in (1, 2):
            note = {**OURS, "steps": step, "facts": {"role": role}}
            write_json(tmp_path / role / f"step-{step}" / NOTE, note)
    (tmp_path / "scores" / "step-1").mkdir(parents=True)
    assert found(tmp_path / "*") == [(1, "step-1"), (2, "step-2")]
    assert "note: left out, for they are a shadow's" in capsys.readouterr().out
    with pytest.raises(UserError, match="matches only models of a shadow"):
        found(tmp_path / "shadow" / "*")


def test_bad_matches(pipeline_folder: Path, tmp_path: Path) -> None:
    def refused(fault: str, pattern: str = "*") -> None:
        with pytest.raises(UserError, match=fault):
            found(tmp_path / pattern)

    refused("nothing matches .*; check the folder and the quotes")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    refused(r"is a run folder; match .*run/checkpoints/\*")
    shutil.rmtree(tmp_path / "run")
    (tmp_path / "resume.ckpt").touch()
    refused("resumed from; finetune.checkpoints exports models")
    (tmp_path / "resume.ckpt").rename(tmp_path / "notes.txt")
    refused("notes.txt is neither a folder of a pipeline")
    copies(pipeline_folder, tmp_path, "step-1", "checkpoint-1")
    refused("checkpoint-1 and .*step-1 are both of step 1; match one", "*-1")
    shutil.rmtree(tmp_path / "step-1" / "unet")
    refused("the part unet/ is incomplete", "step-*")
