"""What is seen of a phase: a bar on a terminal, lines in a log."""

import sys
from itertools import count
from types import SimpleNamespace

import lightning as L
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from lit_clid.config import progress as module
from lit_clid.config.progress import PhaseBar, PhaseLines, progress
from lit_clid.config.trainer import make_trainer

QUIET = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}


class Tiny(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        return self.layer(batch[0]).square().mean()

    def predict_step(self, batch: list[Tensor], index: int) -> Tensor:
        bar = self.trainer.progress_bar_callback
        assert isinstance(bar, PhaseLines)
        bar.show(f"AUROC {index}")
        return batch[0]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.0)


def batches(number: int) -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(TensorDataset(torch.zeros(number, 1)), batch_size=1)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is six seconds further at every look."""
    clock = count(0, 6)
    monkeypatch.setattr(module, "monotonic", lambda: float(next(clock)))


def test_a_log_gets_a_line_now_and_then(seconds: None, capsys: pytest.CaptureFixture[str]) -> None:
    options = {**QUIET, "max_steps": 30, "max_epochs": -1, "enable_model_summary": False}
    make_trainer(options, "training target").fit(Tiny(), batches(30))
    assert capsys.readouterr().out.splitlines() == [
        "training target: 2 of 30 steps, about 3 minutes left",
        "training target: 12 of 30 steps, about 2 minutes left",
        "training target: 22 of 30 steps, about 48 seconds left",
        "training target: 30 of 30 steps in 3 minutes",
    ]


def test_answers_show_their_figure(seconds: None, capsys: pytest.CaptureFixture[str]) -> None:
    make_trainer(QUIET, "auditing target").predict(Tiny(), batches(4))
    assert capsys.readouterr().out.splitlines() == [
        "auditing target: 2 of 4 batches, about 12 seconds left, AUROC 1",
        "auditing target: 4 of 4 batches in 30 seconds, AUROC 3",
    ]


def test_a_short_phase_and_another_process_say_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_trainer(QUIET, "auditing target").predict(Tiny(), batches(4))
    lines = PhaseLines("auditing target")
    lines.disable()
    lines._begin(0)
    lines._next = 0.0
    lines._tell(1, 4, "batches")
    lines._end(4, 4, "batches")
    assert not capsys.readouterr().out


def test_a_terminal_and_a_notebook_have_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    for shell, drawn in ((None, PhaseLines), (SimpleNamespace(kernel=object()), PhaseBar)):
        loaded = SimpleNamespace(get_ipython=lambda shell=shell: shell)
        with monkeypatch.context() as kernel:
            kernel.setitem(sys.modules, "IPython", loaded)
            assert isinstance(progress("auditing", 1), drawn)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert isinstance(progress("auditing", 1), PhaseBar)
