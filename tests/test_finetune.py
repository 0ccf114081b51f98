"""Fine-tuning: what is trained, exact resuming, the moving average, the export."""

import csv
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from safetensors.torch import load_file

from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split, load_split
from lit_clid.errors import UserError
from lit_clid.models.load import load_target
from lit_clid.training.defenses import Defenses
from lit_clid.training.export import export, finished_model
from lit_clid.training.module import FineTune
from lit_clid.training.recipe import build_trainer, resume_from

DATA = DataOptions(source="critters", members=10, nonmembers=6)
FACTS = {"seed": 0, "finetune.train": "cross_attention"}


class Stop(Callback):
    """Dies in the middle of a step, as a killed process does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise RuntimeError("killed")


class StopAtBatch(Callback):
    """Dies before a batch, in the middle of an accumulated step."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: object, index: int
    ) -> None:
        if index == self.batch:
            raise RuntimeError("killed")


class Seen(Callback):
    """Counts the training batches and the records in them."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: dict[str, Any], _: int
    ) -> None:
        self.batches.append(batch["id"])


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return load_split(DATA, 0, tmp_path_factory.mktemp("split"))


def recipe(**changes: Any) -> FineTuneOptions:
    fast = {
        "train": "cross_attention",
        "batch_size": 4,
        "learning_rate": 1e-2,
        "ema_decay": 0.9,
        "samples": 0,
    }
    return FineTuneOptions(**{**fast, "validate_every": 4, "save_every": 2, **changes})


def tune(
    base: Path,
    split: Split,
    folder: Path,
    options: FineTuneOptions,
    steps: int = 6,
    callbacks: tuple[Callback, ...] = (),
    defenses: Defenses | None = None,
    **trainer: Any,
) -> tuple[FineTune, L.Trainer, Seen]:
    target = load_target(str(base), channels_last=False)
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=options.batch_size)
    defended = defenses or Defenses()
    privacy = (
        defended.dp.plan(len(data.members), options.batch_size, steps) if defended.dp else None
    )
    module, seen = FineTune(target, options, 0, FACTS, defended, privacy), Seen()
    module.prepare(data)
    wanted = {
        "max_steps": steps,
        "accelerator": "cpu",
        "devices": 1,
        "enable_progress_bar": False,
        **trainer,
    }
    built = build_trainer(options, wanted, folder, "target", 0, defended, len(data.members))
    built.callbacks += [seen, *callbacks]
    built.fit(module, data, ckpt_path=resume_from(folder, FACTS), weights_only=True)
    return module, built, seen


def validation_losses(folder: Path) -> list[float]:
    rows = csv.DictReader((folder / "csv" / "version_0" / "metrics.csv").read_text().splitlines())
    return [float(row["val_loss"]) for row in rows if row["val_loss"]]


def weights(module: FineTune) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.network.named_parameters()}


@pytest.mark.parametrize(
    ("train", "inside"),
    [
        ("unet", [""]),
        ("attention", [".attn1.", ".attn2."]),
        ("cross_attention", [".attn2."]),
        ("lora", ["lora_"]),
    ],
)
def test_exactly_what_is_named_is_trained(
    pipeline_folder: Path, split: Split, tmp_path: Path, train: str, inside: list[str]
) -> None:
    options = recipe(train=train)
    before = weights(
        FineTune(load_target(str(pipeline_folder), channels_last=False), options, 0, FACTS)
    )
    module, _, _ = tune(pipeline_folder, split, tmp_path, options, 3)
    changed = {
        name for name, value in weights(module).items() if not torch.equal(value, before[name])
    }
    allowed = {name for name in before if any(part in name for part in inside)}
    assert changed
    assert changed <= allowed
    assert len(changed) > 0.8 * len(allowed)  # zero-initialised biases of unused keys may stay


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
        resume_from(tmp_path, {**FACTS, "seed": 1})
    (tmp_path / "resume.ckpt").write_bytes(b"broken")
    with pytest.raises(UserError, match="not a readable checkpoint"):
        resume_from(tmp_path, FACTS)


def test_the_moving_average_is_exported(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    """Recomputed by hand from the weights after each step, warm-up included."""
    history: list[torch.Tensor] = []

    class Watch(Callback):
        def on_train_batch_end(
            self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any
        ) -> None:
            assert isinstance(pl_module, FineTune)
            history.append(next(v for n, v in weights(pl_module).items() if ".attn2.to_v" in n))

    module, _, _ = tune(pipeline_folder, split, tmp_path, recipe(validate_every=100), 5, (Watch(),))
    average = history[0]  # the first update copies
    for n, current in enumerate(history[1:], 1):
        average = average + (1 - min(0.9, (1 + n) / (10 + n))) * (current - average)
    exported = next(v for n, v in weights(module).items() if ".attn2.to_v" in n)
    torch.testing.assert_close(exported, average)
    assert not torch.allclose(exported, history[-1])


def test_moving_average_needs_no_copy_of_the_target(pipeline_folder: Path) -> None:
    import copy

    module = FineTune(load_target(str(pipeline_folder)), recipe(), 0, FACTS)
    assert copy.deepcopy(module).target is module.target


def test_a_run_killed_before_its_export_still_exports_the_average(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    """The last checkpoint lies before the last step, so the resumed run ends as an uninterrupted
    one does.
    """

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
    "key", ["limit_train_batches", "overfit_batches", "max_time", "fast_dev_run"]
)
def test_options_that_change_who_is_trained_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(UserError, match=f"trainer.{key}: not allowed"):
        build_trainer(recipe(), {"max_steps": 4, key: 1}, tmp_path, "target", 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("precision", "bf16-true"), ("accumulate_grad_batches", "two"), ("max_steps", 0)],
)
def test_bad_trainer_values_are_named(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(UserError, match=f"trainer.{key}: {value!r} is not"):
        build_trainer(recipe(), {"max_steps": 4, key: value}, tmp_path, "target", 0)


def test_the_learning_rate_warms_up_and_stays_or_falls(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    rates: list[float] = []

    class Watch(Callback):
        def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    tune(pipeline_folder, split, tmp_path / "c", recipe(warmup_steps=2), 6, (Watch(),))
    assert rates == pytest.approx([0, 0.005, 0.01, 0.01, 0.01, 0.01])
    rates.clear()
    tune(pipeline_folder, split, tmp_path / "d", recipe(schedule="cosine"), 6, (Watch(),))
    assert rates[0] == 0.01
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("train", ["cross_attention", "lora"])
def test_the_export_is_an_ordinary_pipeline(
    pipeline_folder: Path, split: Split, tmp_path: Path, train: str
) -> None:
    from diffusers import DiffusionPipeline

    module, trainer, _ = tune(pipeline_folder, split, tmp_path / "logs", recipe(train=train), 3)
    z, t, c = (
        torch.randn(2, 8, 8, 8),
        torch.tensor([5, 900]),
        module.target.embed(["a red critter", ""]),
    )
    before = module.target.eps(z, t, c)
    export(module, trainer, tmp_path / "model", {"name": "x"})
    plain = DiffusionPipeline.from_pretrained(tmp_path / "model", safety_checker=None)
    plain.set_progress_bar_config(disable=True)
    with torch.no_grad():
        torch.testing.assert_close(plain.unet(z, t, c).sample, before, rtol=1e-4, atol=1e-5)
    assert len(plain("a red critter", num_inference_steps=2, output_type="pil").images) == 1
    base = load_file(pipeline_folder / "vae" / "diffusion_pytorch_model.safetensors")
    kept = load_file(tmp_path / "model" / "vae" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(kept[name], value) for name, value in base.items())
    assert finished_model(tmp_path / "model", FACTS)
    with pytest.raises(UserError, match=r"finetune.train is 'unet' now"):
        finished_model(tmp_path / "model", {**FACTS, "finetune.train": "unet"})


def test_validation_is_on_fixed_noise(pipeline_folder: Path, split: Split, tmp_path: Path) -> None:
    """With a learning rate of (almost) zero the held-out loss of two validations is the same to
    the last digit.
    """
    tune(pipeline_folder, split, tmp_path, recipe(learning_rate=1e-30, validate_every=2), 4)
    losses = validation_losses(tmp_path)
    assert len(losses) == 2
    assert losses[0] == losses[1]


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_training_learns(
    prediction: str, pipeline_folder: Path, v_pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    base = pipeline_folder if prediction == "epsilon" else v_pipeline_folder
    tune(
        base,
        split,
        tmp_path,
        recipe(train="unet", learning_rate=3e-3, validate_every=20, ema_decay=None),
        40,
        gradient_clip_val=1.0,
    )
    losses = validation_losses(tmp_path)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "changes",
    [{"min_snr_gamma": 5.0}, {"gradient_checkpointing": True}, {"cache": "never"}, {"samples": 2}],
    ids=lambda c: next(iter(c)),
)
def test_variants_run(
    pipeline_folder: Path, split: Split, tmp_path: Path, changes: dict[str, Any]
) -> None:
    tune(pipeline_folder, split, tmp_path, recipe(**changes), 4)
    assert (tmp_path / "samples" / "step-0000004.png").exists() == ("samples" in changes)


def test_caching_changes_nothing(pipeline_folder: Path, split: Split, tmp_path: Path) -> None:
    cached, fresh = (
        weights(tune(pipeline_folder, split, tmp_path / str(c), recipe(cache=c), 3)[0])
        for c in ("always", "never")
    )
    for name, value in cached.items():
        torch.testing.assert_close(fresh[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_bf16_mixed_precision(pipeline_folder: Path, split: Split, tmp_path: Path) -> None:
    module, _, _ = tune(pipeline_folder, split, tmp_path, recipe(), 2, precision="bf16-mixed")
    assert all(p.dtype == torch.float32 for p in module.network.parameters())


def test_steps_are_required(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trainer.max_steps: None"):
        build_trainer(recipe(), {}, tmp_path, "target", 0)
