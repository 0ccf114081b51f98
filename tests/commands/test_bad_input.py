"""The scripts misused: one line and exit code 2."""

import shutil
from pathlib import Path

from PIL import Image
from runs import SMALL, Run, arguments


def missing_part(base: Path, folder: Path) -> str:
    shutil.copytree(base, folder / "broken")
    (folder / "broken" / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    return str(folder / "broken")


def test_bad_input_is_one_line_and_exit_code_2(
    pipeline_folder: Path, audited: Path, trained: Path, tmp_path: Path, run: Run
) -> None:
    base, fresh = f"target.path={pipeline_folder}", f"runs={tmp_path}"
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    (tmp_path / "images" / "a.txt").write_text("")
    folder = f"data.path={tmp_path / 'images'}"
    untold = tmp_path / "untold"
    shutil.copytree(trained / "small", untold / "small")
    (untold / "small" / "scores" / "target.json").unlink()
    nan = tmp_path / "nan.csv"
    nan.write_text("id,member,s\na,1,nan\nb,0,1\n")
    cases: list[tuple[str, list[str], str]] = [
        ("train", [fresh, "data.membrs=3"], "did you mean 'data.members'"),
        (
            "train",
            [fresh, base, "finetune.train=all"],
            "no part of Stable Diffusion 1.x/2.x; one of",
        ),
        ("train", [fresh, "data.members=lots"], "data.members: Value 'lots'"),
        ("train", [fresh, "target.path=./nowhere", *SMALL], "no diffusers pipeline there"),
        (
            "train",
            [fresh, "target.path=nobody/nothing", *SMALL],
            "neither a folder here nor reachable as a hub id",
        ),
        (
            "train",
            [fresh, f"target.path={missing_part(pipeline_folder, tmp_path)}", *SMALL],
            "unet/ is incomplete",
        ),
        (
            "train",
            [fresh, "name=i", base, "data.source=imagefolder", folder],
            "a.png (row 1): empty caption",
        ),
        ("train", [fresh, "name=j", base, *SMALL, "trainer.accelerator=warp"], "trainer: "),
        ("train", arguments(trained, pipeline_folder, "seed=1"), "seed is 1 now and was 0"),
        (
            "train",
            arguments(trained, pipeline_folder, "finetune.learning_rate=1"),
            "learning_rate is 1.0 now",
        ),
        ("audit", arguments(trained, pipeline_folder, "seed=1"), "seed is 1 now and was 0"),
        ("audit", arguments(trained, pipeline_folder, "attacks=[loss]"), "attacks is ['loss'] now"),
        (
            "audit",
            arguments(trained, pipeline_folder, f"audit.target={pipeline_folder}"),
            "model is",
        ),
        (
            "audit",
            arguments(trained, pipeline_folder, "audit.precision=bf16"),
            "precision is 'bf16' now",
        ),
        (
            "audit",
            arguments(trained, pipeline_folder, "attacks={loss: {t: 1000}}"),
            "outside the model's schedule",
        ),
        ("audit", [fresh, "name=none"], "no trained target"),
        ("audit", [fresh, "attacks=[clid]"], "unknown attack 'clid'"),
        (
            "audit",
            [fresh, "name=lone", base, *SMALL, f"audit.target={pipeline_folder}", "attacks=[gsa1]"],
            "without a shadow",
        ),
        ("audit", arguments(untold, pipeline_folder), "target.json is missing"),
        ("sweep", [fresh, "attacks=[sima]"], "none has timesteps to choose"),
        ("sweep", [fresh, "name=none"], "no trained shadow; run lit-clid train role=shadow"),
        ("audit", [fresh, "name=nan", f"scores={nan}"], "column 's' is not a finite number for a"),
        ("audit", [fresh, "name=nan", "scores=none.csv"], "no file none.csv"),
        (
            "audit",
            arguments(trained, pipeline_folder, f"scores={nan}"),
            "holds another audit's report",
        ),
    ]
    for command, words, message in cases:
        code, printed = run(command, *words)
        assert code == 2, (words, printed)
        last = printed.strip().splitlines()[-1]
        assert last.startswith("error: "), printed
        assert message in last, (words, last)
        assert "Traceback" not in printed
