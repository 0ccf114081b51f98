"""The AUROC on the bar: exact for signals of any range, whoever asked the records."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from lit_clid.auditing.shards import write_shard
from lit_clid.auditing.shown import ShownAuroc, SignalAuroc


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_signals_of_any_range_keep_their_order(scale: float) -> None:
    """Rates are float32 in torchmetrics: 1e-6 is eight times its epsilon."""
    rng = np.random.default_rng(0)
    member = rng.random(500) < 0.4
    signal = np.round(scale * (rng.normal(size=500) + member - 300), 14)
    metric = SignalAuroc()
    for part in np.split(np.arange(500), 10):
        metric.update(torch.from_numpy(signal[part]), torch.from_numpy(member[part]))
    assert float(metric.compute()) == pytest.approx(roc_auc_score(member, signal), abs=1e-6)


def test_one_kind_alone_has_none() -> None:
    metric = SignalAuroc()
    metric.update(torch.zeros(0), torch.zeros(0))
    assert torch.isnan(metric.compute())
    metric.update(torch.ones(3), torch.ones(3))
    assert torch.isnan(metric.compute())


@pytest.mark.parametrize("first", [True, False])
def test_answers_of_an_earlier_run_count_once(first: bool, tmp_path: Path) -> None:
    told = [True, False, None]
    write_shard(tmp_path, ["a", "b", "c"], told, {"s": np.array([1.0, 2.0, 9.0])})
    trainer = SimpleNamespace(is_global_zero=first, progress_bar_callback=None)
    module = SimpleNamespace(device=torch.device("cpu"))
    shown = ShownAuroc("s", tmp_path)
    shown.on_predict_start(trainer, module)  # type: ignore[arg-type]
    answers = {"s": torch.tensor([3.0, 0.0, 5.0])}, torch.tensor([1, 0, -1])
    shown.on_predict_batch_end(trainer, module, answers)  # type: ignore[arg-type]
    shown.on_predict_batch_end(trainer, module, None)  # type: ignore[arg-type]
    assert shown.found == (0.75 if first else 1.0)
