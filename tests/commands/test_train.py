"""`train.py` as a user runs it: stopped, killed, in two processes."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zoo
from PIL import Image
from runs import SMALL, Run, arguments, start, wait_for
from safetensors.torch import load_file

from lit_clid.commands import train
from lit_clid.models.note import read_note
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.randomness import generator
from lit_clid.training.module import FineTune
from lit_clid.training.objectives import Drawn, throw


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
    code, printed = run("train", *common)
    assert code == 0, printed
    weights = [
        load_file(f / "small/target/unet/diffusion_pytorch_model.safetensors")
        for f in (tmp_path, trained)
    ]
    for name, value in weights[1].items():
        torch.testing.assert_close(weights[0][name], value, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.slow
def test_two_processes_equal_one_at_twice_the_batch(
    pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise and timesteps are drawn by rank, so the one process is shown what both ranks draw, one
    after the other; records, gradients, averages and the export are left to agree by themselves.
    """
    two = ["trainer.devices=2", "trainer.strategy=ddp"]
    process = start("train.py", *arguments(tmp_path / "two", pipeline_folder, *two))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err

    def both(self: FineTune, batch: dict[str, Any], number: int) -> Drawn:
        z_0, embedding = self.encoded(batch, number)
        half = len(z_0) // 2
        halves = zip(z_0.split(half), embedding.split(half), strict=True)
        ranks = []
        for rank, (latents, told) in enumerate(halves):
            dice = generator(self.dice, "training", number, rank)
            ranks.append(throw(self.target.denoiser, latents, told, dice))
        eps = torch.cat([part.eps for part in ranks])
        return Drawn(z_0, eps, torch.cat([part.level for part in ranks]), embedding)

    monkeypatch.setattr(FineTune, "drawn", both)
    train.main(arguments(tmp_path / "one", pipeline_folder, "finetune.batch_size=8"))
    exported = "small/target/unet/diffusion_pytorch_model.safetensors"
    found, expected = (load_file(tmp_path / name / exported) for name in ("two", "one"))
    base = load_file(pipeline_folder / "unet" / "diffusion_pytorch_model.safetensors")
    assert any(not torch.allclose(expected[name], base[name], atol=5e-4) for name in base)
    notes = [read_note(str(tmp_path / name / "small" / "target")) for name in ("two", "one")]
    losses = [note.val_loss for note in notes if note is not None]
    assert len(losses) == 2 and losses[0] == pytest.approx(losses[1], rel=1e-5)  # hold-outs dealt
    for name, value in expected.items():
        # gradients summed in another order; six steps move weights by up to 1e-3
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6, msg=name)


@pytest.mark.slow
def test_processes_may_validate_batches_of_different_number(tmp_path: Path) -> None:
    """Nine hold-outs are three batches; buffers are told to the others at the first one alone."""
    base = zoo.make("pixart sigma", tmp_path / "base")
    more = ["data.nonmembers=9", "data.resolution=64", "finetune.train=lora", "finetune.samples=0"]
    two = ["trainer.devices=2", "trainer.strategy=ddp", "trainer.accelerator=cpu"]
    process = start("train.py", *arguments(tmp_path, base, *more, *two))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err


@pytest.mark.slow
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
        "train", f"runs={tmp_path}", f"target.path={pipeline_folder}", *wanted, "finetune.samples=0"
    )
    assert code == 0, printed
    assert "of 4 captions are longer than the tokenizer takes" in printed


@pytest.mark.parametrize(("more", "rests"), [((), True), (("defenses=[flip]",), False)])
def test_encoders_rest_while_what_they_say_is_kept(
    more: tuple[str, ...],
    rests: bool,
    tmp_path: Path,
    pipeline_folder: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []
    rest, sample = PipelineTarget.rest, PipelineTarget.sample

    def resting(self: PipelineTarget) -> None:
        events.append("rest")
        rest(self)

    def drawing(self: PipelineTarget, *given: Any, **named: Any) -> list[Any]:
        events.append("drawn, kept awake" if self._kept_awake else "drawn")
        return sample(self, *given, **named)

    monkeypatch.setattr(PipelineTarget, "rest", resting)
    monkeypatch.setattr(PipelineTarget, "sample", drawing)
    code, said = run("train", *arguments(tmp_path, pipeline_folder, *more))
    assert code == 0, said
    twice = ["drawn, kept awake"] * 2  # validated at steps 3 and 6
    assert events == (["rest", *twice] if rests else twice)
