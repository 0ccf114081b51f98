"""torchmetrics on score tables: AUROC and the two rates at a cap, exact, without a sigmoid.

`thresholds=None, normalization=None` everywhere: by default torchmetrics squashes any batch with a
value outside [0, 1] through a sigmoid, which ties real scores in float32. `sync_on_compute=False`:
they grade the merged table, once, on one process. Inputs: preds (N,) scores, target (N,) 1 for
members. They are for a Lightning loop of one's own; the wing itself reads its figures off `roc`.
"""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAUROC, BinaryROC

from lit_clid.judging.grades import FPR_CAPS


class TPRAtFPR(BinaryROC):
    """Largest TPR over the thresholds with FPR ≤ cap.

    Members are the positive class, ties are accepted together.
    """

    is_differentiable = False
    higher_is_better = True

    def __init__(self, cap: float, **kwargs: Any) -> None:
        super().__init__(thresholds=None, normalization=None, sync_on_compute=False, **kwargs)
        self.cap = cap

    def compute(self) -> Tensor:  # type: ignore[override]
        """Return the rate as a scalar in [0, 1]."""
        fpr, tpr, _ = super().compute()
        return tpr[fpr <= self.cap + 1e-6].max()


class TNRAtFNR(TPRAtFPR):
    """Largest TNR over the thresholds with FNR ≤ cap.

    CLiD, SimA and PFAMI print it as "TPR@1%FPR".
    """

    def compute(self) -> Tensor:  # type: ignore[override]
        """Return the rate as a scalar in [0, 1]."""
        fpr, tpr, _ = BinaryROC.compute(self)
        return 1 - fpr[1 - tpr <= self.cap + 1e-6].min()


def membership_metrics() -> MetricCollection:
    """AUROC, TPR at each FPR cap and TNR at each FNR cap, as scalars; names carry no dots."""
    metrics: dict[str, Any] = {
        "auroc": BinaryAUROC(thresholds=None, normalization=None, sync_on_compute=False)
    }
    for cap in FPR_CAPS:
        name = f"{cap:g}".replace(".", "_")
        metrics |= {f"tpr_at_fpr_{name}": TPRAtFPR(cap), f"tnr_at_fnr_{name}": TNRAtFNR(cap)}
    return MetricCollection(metrics, compute_groups=False)


def membership_figures(score: Tensor, member: Tensor) -> dict[str, float]:
    """Compute `membership_metrics`, each in [0, 1], on scores (N,) float64 and member (N,) bool.

    Raises:
        ValueError: for a score that is not finite.
    """
    if not torch.isfinite(score).all():
        raise ValueError("scores must be finite")
    metrics = membership_metrics()
    metrics.update(score, member.int())
    return {name: float(value) for name, value in metrics.compute().items()}
