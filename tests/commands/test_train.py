"""`train.py` as a user runs it: stopped, killed, in two processes."""

import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from runs import SMALL, Run, arguments, start, wait_for
from safetensors.torch import load_file

from lit_clid.commands import train


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_leaves_a_resumable_state_and_says_so(
    pipeline_folder: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    common = [
        f"runs={tmp_path}",
        "name=small",
        f"target.path={pipeline_folder}",
        *SMALL,
        "trainer.max_steps=100000",
    ]
    process = start("train.py", *common)
    wait_for((tmp_path / "small" / "logs" / "target" / "resume.ckpt").is_file, process)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert (tmp_path / "small" / "logs" / "target" / "resume.ckpt").is_file()


@pytest.mark.slow
def test_a_killed_training_goes_on(
    pipeline_folder: Path, tmp_path: Path, run: Run, trained: Path
) -> None:
    """SIGKILL in the middle, the same command again: the weights of an uninterrupted run."""
    common = arguments(tmp_path, pipeline_folder)
    process = start("train.py", *common)
    wait_for((tmp_path / "small" / "logs" / "target" / "resume.ckpt").is_file, process)
    process.kill()
    process.communicate()
    code, printed = run(train, *common)
    assert code == 0, printed
    weights = [
        load_file(f / "small/target/unet/diffusion_pytorch_model.safetensors")
        for f in (tmp_path, trained)
    ]
    for name, value in weights[1].items():
        torch.testing.assert_close(weights[0][name], value, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.slow
def test_two_processes_train(pipeline_folder: Path, tmp_path: Path) -> None:
    two = ["trainer.devices=2", "trainer.strategy=ddp"]
    process = start("train.py", *arguments(tmp_path, pipeline_folder, *two))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert (tmp_path / "small" / "target" / "model_index.json").is_file()


def test_long_captions_are_counted(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for k in range(16):
        Image.fromarray(
            np.random.default_rng(k).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        ).save(folder / f"{k}.png")
        (folder / f"{k}.txt").write_text(
            f"picture {k} " + "with very many words " * (40 if k % 2 else 1)
        )
    wanted = [
        "data.source=imagefolder",
        f"data.path={folder}",
        "data.members=4",
        "data.nonmembers=4",
        "trainer.max_steps=1",
    ]
    code, printed = run(
        train, f"runs={tmp_path}", f"target.path={pipeline_folder}", *wanted, "finetune.samples=0"
    )
    assert code == 0, printed
    assert "of 4 captions are longer than the tokenizer takes" in printed
