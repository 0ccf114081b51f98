"""Training that diverges stops where it happened, and nothing that is no number is exported."""

import json
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tuning import recipe, tune

from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import write_json


class Spoil(Callback):
    """Makes a weight infinite after some steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        if trainer.global_step == self.step:
            with torch.no_grad():
                pl_module.trainable[0].fill_(float("inf"))


def test_it_stops_at_the_step_and_saves_nothing_after(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"diverged: at step 4 the loss is (nan|inf)"):
        tune(pipeline_folder, split, tmp_path, recipe(save_every=1), 8, (Spoil(3),))
    saved = torch.load(next(tmp_path.rglob("*.ckpt")), weights_only=True)
    assert saved["global_step"] == 3
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


def test_a_step_that_breaks_the_weights_is_not_saved(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    class Break(Callback):
        def on_before_optimizer_step(
            self, trainer: L.Trainer, pl_module: Any, optimizer: Any
        ) -> None:
            if trainer.global_step == 2:
                pl_module.trainable[0].grad.fill_(float("nan"))

    with pytest.raises(UserError, match="diverged: at step 3 the weight"):
        tune(pipeline_folder, split, tmp_path, recipe(save_every=1), 8, (Break(),))
    saved = torch.load(next(tmp_path.rglob("*.ckpt")), weights_only=True)
    assert saved["global_step"] == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_not_exported(
    pipeline_folder: Path, split: Split, tmp_path: Path, value: float
) -> None:
    module, _, _ = tune(pipeline_folder, split, tmp_path, recipe(), 1)
    module.refuse_diverged(1)
    with torch.no_grad():
        module.trainable[-1].view(-1)[-1] = value
    with pytest.raises(UserError, match=r"at step 1 the weight \S+ is not finite"):
        module.refuse_diverged(1)


def test_json_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())
    write_json(tmp_path / "a.json", {"a": 0.5})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 0.5}
