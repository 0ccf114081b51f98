"""How a run is built: its trainer's options, its learning rate, its checkpoints."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import pytest
from lightning.pytorch.callbacks import Callback, WeightAveraging
from lightning.pytorch.strategies import DDPStrategy
from tuning import recipe, tune

from lit_clid.auditing.run import asking_trainer
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.training.defenses import DPSGD, Defenses, PrivacyBudget
from lit_clid.training.sharded import Sharded
from lit_clid.training.trainer import checkpoint_steps, training_trainer


@pytest.mark.parametrize(
    "key", ["limit_train_batches", "overfit_batches", "max_time", "fast_dev_run"]
)
def test_options_that_change_who_is_trained_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(UserError, match=f"trainer.{key}: not allowed"):
        training_trainer(recipe(), {"max_steps": 4, key: 1}, tmp_path, "target", 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("precision", "bf16-true"), ("accumulate_grad_batches", "two"), ("max_steps", 0)],
)
def test_bad_trainer_values_are_named(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(UserError, match=f"trainer.{key}: {value!r} is not"):
        training_trainer(recipe(), {"max_steps": 4, key: value}, tmp_path, "target", 0)


@pytest.mark.parametrize("strategy", ["fsdp_cpu_offload", "deepspeed_stage_2", "model_parallel"])
def test_other_ways_of_sharing_a_model_are_refused(tmp_path: Path, strategy: str) -> None:
    with pytest.raises(UserError, match=f"trainer.strategy: {strategy} is not .* take fsdp"):
        training_trainer(recipe(), {"max_steps": 4, "strategy": strategy}, tmp_path, "target", 0)


SHARED = {"max_steps": 4, "devices": 2, "accelerator": "cpu", "strategy": "fsdp"}


def test_processes_that_share_a_model_wait_and_ask_it_whole(tmp_path: Path) -> None:
    trainer = training_trainer(recipe(ema_decay=0.9), SHARED, tmp_path, "target", 0)
    assert isinstance(trainer.strategy, Sharded)
    assert trainer.strategy._timeout == timedelta(hours=6) and trainer.world_size == 2
    assert not any(isinstance(c, WeightAveraging) for c in trainer.callbacks)  # type: ignore[attr-defined]
    assert type(asking_trainer(SHARED, "target").strategy) is DDPStrategy


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"precision": "16-mixed"}, "trainer.precision"),
        ({"limit_val_batches": 2}, "trainer.limit_val_batches"),
        ({"num_sanity_val_steps": 2}, "trainer.num_sanity_val_steps"),
    ],
)
def test_what_contradicts_sharing_is_named(
    tmp_path: Path, more: dict[str, object], key: str
) -> None:
    with pytest.raises(UserError, match=f"{key}: contradicts trainer.strategy=fsdp"):
        training_trainer(recipe(), {**SHARED, **more}, tmp_path, "target", 0)


def test_nobody_asks_a_shared_model_on_the_way(tmp_path: Path) -> None:
    budget = Defenses({"privacy_budget": PrivacyBudget(cap=0.6)})
    with pytest.raises(UserError, match=r"privacy_budget: contradicts"):
        training_trainer(recipe(), SHARED, tmp_path, "target", 0, budget)
    with pytest.raises(UserError, match=r"defenses.private: contradicts"):
        training_trainer(recipe(), SHARED, tmp_path, "target", 0, Defenses({"private": DPSGD()}))
    with pytest.raises(UserError, match=r"every: contradicts"):
        training_trainer(recipe(), SHARED, tmp_path, "target", 0, gauge=Callback())


@pytest.mark.parametrize("strategy", ["auto", "ddp", "ddp_find_unused_parameters_true"])
def test_processes_wait_for_the_slowest(tmp_path: Path, strategy: str) -> None:
    several = {"max_steps": 4, "devices": 2, "accelerator": "cpu", "strategy": strategy}
    made = {
        timedelta(hours=6): training_trainer(recipe(), several, tmp_path, "target", 0),
        timedelta(days=2): asking_trainer(several, "target"),
    }
    for patience, trainer in made.items():
        assert isinstance(trainer.strategy, DDPStrategy)
        assert trainer.strategy._timeout == patience


@pytest.mark.slow
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


def test_steps_are_required(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trainer.max_steps: None"):
        training_trainer(recipe(), {}, tmp_path, "target", 0)


def test_checkpoints_beyond_the_end_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"finetune.checkpoints: 2 steps per image of 10 members are step 20, but"
    ):
        checkpoint_steps([1, 2], 10, 15)
    with pytest.raises(UserError, match="fall on one step"):
        checkpoint_steps([0.11, 0.12], 10, 15)
