"""Two processes that share a model train what two that each hold it train."""

import signal
from pathlib import Path

import pytest
import zoo
from runs import Run, arguments, start, wait_for
from safetensors.torch import load_file
from torch import Tensor
from torch.testing import assert_close

from lit_clid.models.note import read_note

pytestmark = pytest.mark.slow
TWO = ("trainer.devices=2", "trainer.accelerator=cpu")
NINE = ("data.nonmembers=9", "finetune.validate_every=2")
"""Three batches of hold-outs, so that one process has a batch more than the other."""


def tuned(folder: Path, base: Path, strategy: str, *more: str) -> dict[str, Tensor]:
    """The weights that are exported."""
    words = arguments(folder / strategy, base, *TWO, f"trainer.strategy={strategy}", *more)
    process = start("train.py", *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return exported(folder / strategy)


def exported(folder: Path) -> dict[str, Tensor]:
    files = sorted((folder / "small" / "target").rglob("*.safetensors"))
    assert files
    named = {f"{f.parent.name}/{f.name}": load_file(f) for f in files}
    return {f"{file}/{key}": value for file, found in named.items() for key, value in found.items()}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(found[name], value, rtol=0, atol=2e-6, msg=name)


@pytest.mark.parametrize(
    "more",
    [
        ("finetune.ema_decay=0.9", "trainer.gradient_clip_val=0.1"),
        ("finetune.ema_decay=null", "finetune.average_from=2", "defenses.early_stopping={}"),
    ],
    ids=["moving average", "mean of checkpoints, stopping"],
)
def test_the_same_is_trained(pipeline_folder: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    strategies = [tuned(tmp_path, pipeline_folder, s, *NINE, *more) for s in ("ddp", "fsdp")]
    assert_same(strategies[1], strategies[0])
    notes = [read_note(str(tmp_path / s / "small" / "target")) for s in ("ddp", "fsdp")]
    losses = [note.val_loss for note in notes if note is not None]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    for name in ("ddp", "fsdp"):
        assert list((tmp_path / name).rglob("samples/*.png"))


def test_factors_beside_halved_weights_are_the_same(tmp_path: Path) -> None:
    base = zoo.make("flux dev", tmp_path / "base")
    lora = (
        "finetune.train=lora",
        "finetune.warmup_steps=0",
        "finetune.gradient_checkpointing=true",
        "data.resolution=64",
        "trainer.precision=bf16-mixed",
    )
    both = [tuned(tmp_path, base, s, *lora, "finetune.samples=0") for s in ("ddp", "fsdp")]
    assert both[1].keys() == both[0].keys()
    ups = [name for name in both[0] if "lora_B" in name]
    assert ups
    for name in ups:  # which begin as zeros
        found, expected = both[1][name], both[0][name]
        assert (found - expected).norm() < 0.1 * expected.norm(), name


def test_a_stopped_training_goes_on_where_it_was(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    sharded = (*TWO, "trainer.strategy=fsdp", "finetune.ema_decay=0.9", "finetune.samples=0")
    expected = tuned(tmp_path / "whole", pipeline_folder, "fsdp", *sharded)
    words = arguments(tmp_path / "cut", pipeline_folder, *sharded)
    process = start("train.py", *words)
    checkpoint = tmp_path / "cut" / "small" / "logs" / "target" / "resume.ckpt"
    wait_for(checkpoint.is_file, process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 143, out + err
    code, printed = run("train", *arguments(tmp_path / "cut", pipeline_folder, *sharded[2:]))
    assert code == 2 and "processes" in printed
    ddp = start("train.py", *words, "trainer.strategy=ddp")
    out, err = ddp.communicate(timeout=120)
    assert ddp.returncode == 2 and "shared by processes" in err, out + err
    process = start("train.py", *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and "going on from its last step" in out, out + err
    assert_same(exported(tmp_path / "cut"), expected)
