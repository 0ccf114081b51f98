"""Stopping early, and keeping the weights that a stopped run exports."""

from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.callbacks import EarlyStopping as Patience
from torch import Tensor

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.oracle import Records as Questions
from lit_clid.data.module import Records
from lit_clid.errors import UserError
from lit_clid.judging.calibration import calibrate
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.rules import RULES
from lit_clid.training.defenses import EarlyStopping, PrivacyBudget
from lit_clid.training.module import FineTune


class Kept(Callback):
    """Keeps the weights of the best validation within the privacy budget, and ends training when it
    is overspent.

    It must stand before the averaging callback, which puts the trained weights back after a
    validation.

    Args:
        early: keep only new minima of the held-out loss; None keeps the latest.
        budget: ask a probe at every validation.
        seed: of the probe's noise.
    """

    def __init__(
        self, early: EarlyStopping | None, budget: PrivacyBudget | None, seed: int
    ) -> None:
        self.early, self.budget, self.seed = early, budget, seed
        self.step, self.loss = 0, float("inf")
        self.weights: dict[str, Tensor] = {}
        self.auroc: float | None = None
        self.overspent = False
        self._probe: Questions | None = None
        self._member = np.zeros(0, dtype=bool)

    @property
    def state_key(self) -> str:
        return "Kept"

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "loss": self.loss, "weights": self.weights, "auroc": self.auroc}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.step, self.loss, self.auroc = (
            state_dict["step"],
            state_dict["loss"],
            state_dict["auroc"],
        )
        self.weights = state_dict["weights"]

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        assert isinstance(pl_module, FineTune)
        loss = float(trainer.callback_metrics["val_loss"])
        found = None
        if self.budget is not None:
            found = float(
                trainer.strategy.broadcast(self._ask(trainer, pl_module, self.budget))
            )  # one for all ranks
            pl_module.log("probe_auroc", found, prog_bar=True)
            if found > self.budget.cap:
                self.overspent = True
                trainer.should_stop = True
                return
        if self.early is None or loss < self.loss - self.early.min_delta:
            self.step, self.loss, self.weights, self.auroc = (
                trainer.global_step,
                loss,
                pl_module.weights(),
                found,
            )

    def _ask(self, trainer: L.Trainer, module: FineTune, budget: PrivacyBudget) -> float:
        """AUROC of the attack on the probe, the same on every process."""
        if self._probe is None:
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            parts = [_first(records, budget.probe) for records in (data.known, data.holdouts)]
            self._probe = Questions(
                parts[0].ids + parts[1].ids,
                torch.cat([p.images for p in parts]),
                parts[0].captions + parts[1].captions,
            )
            self._member = np.arange(len(self._probe.ids)) < len(parts[0].ids)
        attack = ATTACKS[budget.attack]
        rows = len(self._probe.ids)
        signals = []
        for k in range(0, rows, 32):
            part = slice(k, k + 32)
            probe = self._probe
            batch = Questions(
                probe.ids[part], probe.images[part].to(module.device), probe.captions[part]
            )
            signals.append(attack.signal(Oracle(module.target, batch, self.seed)).double().cpu())
        verdict = calibrate(RULES[attack.rule], torch.cat(signals).numpy(), None)
        assert verdict is not None
        return float(auroc(curve(verdict.score, self._member)))

    def restore(self, module: FineTune, trainer: L.Trainer) -> dict[str, Any]:
        """Give `module` the kept weights, and say for the model's note how training ended.

        Raises:
            UserError: if no validation was within the budget.
        """
        if not self.weights and self.budget is not None and self.overspent:
            raise UserError(
                f"defenses.privacy_budget: the first validation was beyond the cap already (AUROC "
                f"over "
                f"{self.budget.cap:g}); validate earlier with finetune.validate_every"
            )
        if not self.weights:
            raise UserError(
                "defenses.early_stopping: no validation had a finite loss; lower "
                "finetune.learning_rate"
            )
        module.put_weights(self.weights)
        reason = (
            "privacy budget"
            if self.overspent
            else "held-out loss"
            if trainer.should_stop
            else "last step"
        )
        facts = {"ended_by": reason, "ended_at": trainer.global_step, "exported_from": self.step}
        return {
            **facts,
            "val_loss": self.loss,
            **({} if self.auroc is None else {"probe_auroc": self.auroc}),
        }


def _first(records: Records, count: int) -> Questions:
    """The first records of a role's members or hold-outs, under the captions that an audit uses."""
    ids, captions = (
        tuple(entry.id for entry in records.entries[:count]),
        tuple(records.captions[:count]),
    )
    return Questions(ids, records.images(range(len(ids))), captions)


def stopping(
    early: EarlyStopping | None, budget: PrivacyBudget | None, seed: int
) -> list[Callback]:
    """The callbacks of the stopping defenses, those that must stand first in the list first."""
    if early is None and budget is None:
        return []
    kept: list[Callback] = [Kept(early, budget, seed)]
    if early is None:
        return kept
    return [
        *kept,
        Patience("val_loss", min_delta=early.min_delta, patience=early.patience, mode="min"),
    ]
