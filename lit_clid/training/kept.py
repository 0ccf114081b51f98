"""Stopping early, and keeping the weights that a stopped run exports."""

from collections.abc import Callable
from typing import Any, NamedTuple

import lightning as L
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.callbacks import EarlyStopping as Patience
from torch import Tensor

from lit_clid.about import Stopping
from lit_clid.data.module import CaptionedImages
from lit_clid.errors import UserError
from lit_clid.training.defenses import EarlyStopping, PrivacyBudget
from lit_clid.training.module import FineTune


class Probed(NamedTuple):
    """What a probe found.

    Args:
        auroc: of its attack, in [0, 1].
        upper: the upper end of its one-sided 95 % interval.
    """

    auroc: float
    upper: float


Probe = Callable[[FineTune, CaptionedImages], Probed]
"""A small audit of the model in training, by an attack on a few of the data's members and
hold-outs, the same on every process.
"""


class Kept(Callback):
    """Keeps the weights of the best validation within the privacy budget, and ends training when it
    is overspent.

    It must stand before the averaging callback, which puts the trained weights back after a
    validation.

    Args:
        early: keep only new minima of the held-out loss; None keeps the latest.
        budget: ask the probe at every validation.
        probe: that a budget needs.
    """

    def __init__(
        self, early: EarlyStopping | None, budget: PrivacyBudget | None, probe: Probe | None
    ) -> None:
        self.early, self.budget, self.probe = early, budget, probe
        self.step, self.loss = 0, float("inf")
        self.weights: dict[str, Tensor] = {}
        self.found: Probed | None = None
        self.overspent = False

    @property
    def state_key(self) -> str:
        return "Kept"

    def state_dict(self) -> dict[str, Any]:
        found = None if self.found is None else tuple(self.found)
        return {"step": self.step, "loss": self.loss, "weights": self.weights, "found": found}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.step, self.loss = state_dict["step"], state_dict["loss"]
        found = state_dict.get("found")
        self.found = None if found is None else Probed(*found)
        self.weights = state_dict["weights"]

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        assert isinstance(pl_module, FineTune)
        loss = float(trainer.callback_metrics["val_loss"])
        found = None
        if self.budget is not None:
            assert self.probe is not None
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            asked = self.probe(pl_module, data)
            found = Probed(*trainer.strategy.broadcast(tuple(asked)))  # one for all ranks
            pl_module.log("probe_auroc", found.auroc, prog_bar=True)
            pl_module.log("probe_upper", found.upper, prog_bar=True)
            if found.upper > self.budget.cap:
                self.overspent = True
                trainer.should_stop = True
                return
        if self.early is None or loss < self.loss - self.early.min_delta:
            self.step, self.loss, self.found = trainer.global_step, loss, found
            self.weights = pl_module.weights()

    def restore(self, module: FineTune, trainer: L.Trainer) -> Stopping:
        """Give `module` the kept weights, and say for the model's note how training ended.

        Raises:
            UserError: if no validation was within the budget.
        """
        if not self.weights and self.budget is not None and self.overspent:
            raise UserError(
                "defenses.privacy_budget: at the first validation the AUROC may be beyond the cap "
                f"already (its upper bound is over {self.budget.cap:g}); validate earlier with "
                "finetune.validate_every, or ask more records with defenses.privacy_budget.probe"
            )
        if not self.weights:
            raise UserError(
                "defenses.early_stopping: no validation had a finite loss; lower "
                "finetune.learning_rate"
            )
        module.put_weights(self.weights)
        reason = "held-out loss" if trainer.should_stop else "last step"
        reason = "privacy budget" if self.overspent else reason
        return Stopping(
            ended_by=reason,
            ended_at=trainer.global_step,
            exported_from=self.step,
            val_loss=self.loss,
            probe_auroc=None if self.found is None else self.found.auroc,
            probe_upper=None if self.found is None else self.found.upper,
        )


def stopping_callbacks(
    early: EarlyStopping | None, budget: PrivacyBudget | None, probe: Probe | None
) -> list[Callback]:
    """The callbacks of the stopping defenses, those that must stand first in the list first."""
    if early is None and budget is None:
        return []
    kept: list[Callback] = [Kept(early, budget, probe)]
    if early is None:
        return kept
    return [
        *kept,
        Patience("val_loss", min_delta=early.min_delta, patience=early.patience, mode="min"),
    ]
