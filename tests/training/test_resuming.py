"""Exact resuming: a killed run ends as an uninterrupted one, to the last digit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tuning import FACTS, Stop, StopAtBatch, defended, recipe, tune, weights

from lit_clid.commands.reading import build_defenses
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.training.kept import Kept
from lit_clid.training.trainer import resume_from

pytestmark = pytest.mark.slow


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    options = recipe(schedule="cosine", warmup_steps=2)
    whole, _, seen = tune(
        pipeline_folder, split, tmp_path / "whole", options, 7, accumulate_grad_batches=2
    )
    with pytest.raises(RuntimeError, match="killed"):
        tune(
            pipeline_folder,
            split,
            tmp_path / "cut",
            options,
            7,
            (Stop(5),),
            accumulate_grad_batches=2,
        )
    rest, trainer, seen_later = tune(
        pipeline_folder, split, tmp_path / "cut", options, 7, accumulate_grad_batches=2
    )
    assert trainer.global_step == 7
    assert len(seen.batches) == 14
    assert (
        seen_later.batches == seen.batches[8:]
    )  # checkpoints every 2 steps of 2 batches; killed at step 5
    for (name, expected), found in zip(weights(whole).items(), weights(rest).values(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, msg=name)


def test_checkpoints_hold_no_frozen_weights(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    tune(pipeline_folder, split, tmp_path, recipe(), 4)
    checkpoint = torch.load(tmp_path / "resume.ckpt", weights_only=True)
    for key in ("state_dict", "current_model_state"):
        assert checkpoint[key]
        assert all(".attn2." in name for name in checkpoint[key])


def test_a_checkpoint_of_another_configuration_is_refused(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    tune(pipeline_folder, split, tmp_path, recipe(), 4)
    with pytest.raises(UserError, match="seed is 1 now and was 0"):
        resume_from(tmp_path, replace(FACTS, seed=1))
    written = (tmp_path / "resume.ckpt").read_bytes()
    middle = len(written) // 2
    flipped = written[:middle] + bytes([written[middle] ^ 1]) + written[middle + 1 :]
    for content in (b"broken", b"", written[:middle], flipped):
        (tmp_path / "resume.ckpt").write_bytes(content)
        with pytest.raises(UserError, match="not a readable checkpoint"):
            resume_from(tmp_path, FACTS)


def test_a_run_killed_before_its_export_still_exports_the_average(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    """The last checkpoint lies before the last step; the end is as if uninterrupted."""

    class StopAtTheEnd(Callback):
        def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            raise RuntimeError("killed")

    whole, _, _ = tune(pipeline_folder, split, tmp_path / "whole", recipe(), 6)
    with pytest.raises(RuntimeError, match="killed"):
        tune(pipeline_folder, split, tmp_path / "cut", recipe(), 6, (StopAtTheEnd(),))
    rest, _, _ = tune(pipeline_folder, split, tmp_path / "cut", recipe(), 6)
    for found, expected in zip(weights(rest).values(), weights(whole).values(), strict=True):
        assert torch.equal(found, expected)


def test_two_kills_within_accumulation_lose_nothing(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    whole, _, _ = tune(
        pipeline_folder, split, tmp_path / "whole", recipe(), 6, accumulate_grad_batches=3
    )
    for batch in (8, 7):  # of 18; the checkpoint is at step 2, batch 6
        with pytest.raises(RuntimeError, match="killed"):
            tune(
                pipeline_folder,
                split,
                tmp_path / "cut",
                recipe(),
                6,
                (StopAtBatch(batch),),
                accumulate_grad_batches=3,
            )
    rest, _, _ = tune(
        pipeline_folder, split, tmp_path / "cut", recipe(), 6, accumulate_grad_batches=3
    )
    for found, expected in zip(weights(rest).values(), weights(whole).values(), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize(
    "wanted",
    [
        {"flip": None, "word_deletion": None, "embedding_noise": None},
        {"caption_dropout": {"share": 0.5, "redraw": False}},
        {"dp": {"noise_multiplier": 1.0, "epsilon": None}},
        {"smp_lora": {"learning_rate": 1e-2}},
        {"early_stopping": {"patience": 50}},
    ],
    ids=["augmentation", "static", "dp", "member-aware", "early stopping"],
)
def test_a_killed_and_resumed_defended_run_equals_an_uninterrupted_one(
    pipeline_folder: Path, split: Split, tmp_path: Path, wanted: Any
) -> None:
    run, options = defended(wanted), recipe(validate_every=2)
    whole, trainer, _ = run(pipeline_folder, split, tmp_path / "whole", options, 7)
    with pytest.raises(RuntimeError, match="killed"):
        run(pipeline_folder, split, tmp_path / "cut", options, 7, (Stop(5),))
    rest, resumed, _ = run(pipeline_folder, split, tmp_path / "cut", options, 7)
    for (name, expected), found in zip(weights(whole).items(), weights(rest).values(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, msg=name)
    kept = [next((c for c in t.callbacks if isinstance(c, Kept)), None) for t in (trainer, resumed)]
    if kept[0] is not None and kept[1] is not None:
        assert (kept[0].step, kept[0].loss) == (kept[1].step, kept[1].loss)


def test_a_defense_is_part_of_what_a_checkpoint_belongs_to(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    tune(pipeline_folder, split, tmp_path, recipe(), 4)
    with pytest.raises(UserError, match=r"defenses\.flip is 'Flip' now and was None"):
        resume_from(tmp_path, replace(FACTS, rest=FACTS.rest | build_defenses(["flip"]).facts))
