"""Where training stops, and which weights are exported then."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tuning import Stop, defended, recipe

from lit_clid.commands.reading import build_defenses
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import read_json
from lit_clid.training.defenses import Defenses, StepBudget
from lit_clid.training.exported import finish
from lit_clid.training.kept import Probed
from lit_clid.training.module import FineTune
from lit_clid.training.trainer import training_trainer


def fake_losses(monkeypatch: pytest.MonkeyPatch, losses: Sequence[float]) -> None:
    """Validations report these losses, one after the other."""
    left = list(losses)

    def on_validation_epoch_start(self: FineTune) -> None:
        self.given = left.pop(0)  # type: ignore[attr-defined]

    def validation_step(self: FineTune, batch: dict[str, Any], batch_idx: int) -> None:
        self.log("val_loss", self.given, batch_size=len(batch["id"]))  # type: ignore[attr-defined]

    monkeypatch.setattr(
        FineTune, "on_validation_epoch_start", on_validation_epoch_start, raising=False
    )
    monkeypatch.setattr(FineTune, "validation_step", validation_step)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("losses", "min_delta", "stopped", "kept"),
    [
        ([0.9, 0.8, 0.7, 0.75, 0.72, 0.6, 0.5, 0.4], 0.0, 10, 6),
        ([0.9, 0.8, 0.7, 0.75, 0.69, 0.71, 0.72, 0.4], 0.0, 14, 10),
        ([0.9, 0.89, 0.88, 0.4, 0.3, 0.2, 0.1, 0.0], 0.05, 6, 2),
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], 0.0, 16, 16),
    ],
)
def test_early_stopping_stops_and_exports_where_the_loss_curve_says(
    pipeline_folder: Path,
    split: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    losses: list[float],
    min_delta: float,
    stopped: int,
    kept: int,
) -> None:
    """Patience 2, validated every second step: the weights of the best validation are exported."""
    fake_losses(monkeypatch, losses)
    history: dict[int, dict[str, torch.Tensor]] = {}

    class Watch(Stop):
        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            history[trainer.global_step] = pl_module.weights()

    run = defended({"early_stopping": {"patience": 2, "min_delta": min_delta}})
    module, trainer, _ = run(
        pipeline_folder,
        split,
        tmp_path / "logs",
        recipe(validate_every=2, ema_decay=None),
        16,
        (Watch(99),),
    )
    assert trainer.global_step == stopped
    finish(module, trainer, tmp_path / "model", {})
    note = read_json(tmp_path / "model" / "lit_clid.json")
    assert note["steps"] == kept == note["stopping"]["exported_from"]
    assert note["stopping"]["ended_by"] == ("held-out loss" if stopped < 16 else "last step")
    for name, value in module.weights().items():
        assert torch.equal(value, history[kept][name])


@pytest.mark.slow
def test_a_privacy_budget_exports_the_last_validation_within_it(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    found = [Probed(0.45, 0.52), Probed(0.5, 0.55), Probed(0.54, 0.61), Probed(0.6, 0.7)]
    run = defended({"privacy_budget": {"cap": 0.6}}, lambda *_: found.pop(0))
    module, trainer, _ = run(pipeline_folder, split, tmp_path / "logs", recipe(validate_every=2), 8)
    assert trainer.global_step == 6
    finish(module, trainer, tmp_path / "model", {})
    stopping = read_json(tmp_path / "model" / "lit_clid.json")["stopping"]
    assert (stopping["exported_from"], stopping["ended_by"]) == (4, "privacy budget")
    assert (stopping["probe_auroc"], stopping["probe_upper"]) == (0.5, 0.55)


@pytest.mark.slow
def test_a_budget_spent_at_once_is_one_clear_line(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    module, trainer, _ = defended(["privacy_budget"], lambda *_: Probed(0.58, 0.65))(
        pipeline_folder, split, tmp_path, recipe(validate_every=2), 8
    )
    assert trainer.global_step == 2
    with pytest.raises(UserError, match="at the first validation the AUROC may be beyond the cap"):
        finish(module, trainer, tmp_path / "model", {})


def test_a_step_budget_ends_training(tmp_path: Path) -> None:
    defenses = Defenses({"step_budget": StepBudget(1.5)})
    assert (
        training_trainer(recipe(), {"max_steps": 50}, tmp_path, "target", 0, defenses, 10).max_steps
        == 15
    )
    assert (
        training_trainer(recipe(), {"max_steps": 7}, tmp_path, "target", 0, defenses, 10).max_steps
        == 7
    )


def test_validations_are_not_tampered_with_where_they_decide(tmp_path: Path) -> None:
    defenses = build_defenses(["early_stopping"])
    with pytest.raises(
        UserError, match=r"trainer\.limit_val_batches: decides when a stopping defense stops"
    ):
        training_trainer(
            recipe(), {"max_steps": 9, "limit_val_batches": 0}, tmp_path, "target", 0, defenses, 10
        )
