"""Private training: clipped, noisy, accounted for."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tuning import DATA, FACTS, defended, recipe, weights

from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import read_json
from lit_clid.models.diffusion import mean_square
from lit_clid.models.load import load_target
from lit_clid.randomness import generator
from lit_clid.training.defenses import DPSGD, Privacy
from lit_clid.training.exported import finish
from lit_clid.training.module import FineTune
from lit_clid.training.objectives import Drawn


def test_the_accountant_is_opacus_step_by_step() -> None:
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    for _ in range(40):
        accountant.step(noise_multiplier=1.1, sample_rate=0.05)
    privacy = Privacy(1.1, 1.0, 0.05, 1e-4, "rdp")
    assert privacy.epsilon(40) == pytest.approx(accountant.get_epsilon(1e-4))
    assert privacy.epsilon(0) == 0
    planned = DPSGD(epsilon=3.0).plan(1000, 20, 400)
    assert planned.delta == 1e-4
    assert 2.9 < planned.epsilon(400) <= 3.0


@pytest.mark.slow
@pytest.mark.parametrize("rows", [64, 2])
def test_a_private_step_is_the_noisy_mean_of_clipped_gradients(
    pipeline_folder: Path, split: Split, tmp_path: Path, rows: int
) -> None:
    """Each record's gradient is clipped to C; their sum is divided by batch_size."""
    from lightning.pytorch.callbacks import Callback

    bound, found = 1e-3, []

    class Watch(Callback):
        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            pass

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, index: int
        ) -> None:
            found.append((index, batch, [p.grad.clone() for p in pl_module.trainable]))

    wanted = {
        "dp": {"noise_multiplier": 1e-9, "epsilon": None, "max_grad_norm": bound, "rows": rows}
    }
    options = recipe(learning_rate=1e-30, ema_decay=None, batch_size=5, weight_decay=0.0)
    module, _, _ = defended(wanted)(pipeline_folder, split, tmp_path, options, 2, (Watch(),))
    fresh = FineTune(load_target(str(pipeline_folder), channels_last=False), options, 0, FACTS)
    fresh.encodings = module.encodings
    index, batch, gradients = next(f for f in found if len(f[1]["id"]) > 2)
    z_0, condition = fresh.encoded(batch, index)
    dice = generator(0, "training", index, 0)
    t = torch.randint(1000, (len(z_0),), generator=dice)
    eps = torch.randn(z_0.shape, generator=dice)
    total = [torch.zeros_like(g) for g in gradients]
    clipped = 0
    for k in range(len(z_0)):
        one = slice(k, k + 1)
        alone = Drawn(z_0[one], eps[one], t[one], condition.take(torch.tensor([k])))
        loss = mean_square(fresh.objective.residuals(alone)).mean()
        own = torch.autograd.grad(loss, fresh.trainable)
        norm = torch.sqrt(sum(g.square().sum() for g in own))
        clipped += int(norm > bound)
        for part, g in zip(total, own, strict=True):
            part += g * min(1.0, bound / (float(norm) + 1e-6))
    assert clipped
    for part, g in zip(total, gradients, strict=True):
        torch.testing.assert_close(g, part / 5, rtol=1e-3, atol=1e-8)
    whole = torch.sqrt(sum((5 * g).square().sum() for g in gradients))
    assert whole <= bound * len(z_0) * (1 + 1e-4)


@pytest.mark.slow
def test_noise_has_the_size_that_the_accountant_assumes(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    from lightning.pytorch.callbacks import Callback

    found: list[torch.Tensor] = []

    class Watch(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            found.append(torch.cat([p.grad.flatten() for p in pl_module.trainable]))

    wanted = {"dp": {"noise_multiplier": 2.0, "epsilon": None, "max_grad_norm": 10.0}}
    options = recipe(learning_rate=1e-30, batch_size=4)
    _, trainer, _ = defended(wanted)(pipeline_folder, split, tmp_path, options, 3, (Watch(),))
    assert trainer.global_step == 3
    for gradient in found:
        assert float(gradient.std()) == pytest.approx(2.0 * 10.0 / 4, rel=0.02)
    assert not torch.equal(found[0], found[1])


@pytest.mark.slow
def test_an_empty_batch_is_a_step_of_noise(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=1)
    options = recipe(batch_size=1, ema_decay=None)
    wanted = {"dp": {"noise_multiplier": 1.0, "epsilon": None}}
    _, trainer, seen = defended(wanted)(pipeline_folder, split, tmp_path, options, 12)
    assert any(not batch for batch in seen.batches)
    assert trainer.global_step == 12
    assert len(data.members) == 10


@pytest.mark.slow
def test_secret_noise_follows_no_seed(pipeline_folder: Path, split: Split, tmp_path: Path) -> None:
    wanted = {"dp": {"noise_multiplier": 1.0, "epsilon": None, "secret": True}}
    runs = [
        weights(
            defended(wanted)(pipeline_folder, split, tmp_path / str(k), recipe(), 2)[0]
        ).values()
        for k in range(2)
    ]
    assert any(not torch.equal(a, b) for a, b in zip(*runs, strict=True))


@pytest.mark.slow
def test_the_spent_epsilon_is_logged_and_noted(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    wanted = {"dp": {"epsilon": 5.0}}
    module, trainer, _ = defended(wanted)(pipeline_folder, split, tmp_path / "logs", recipe(), 4)
    finish(module, trainer, tmp_path / "model", {})
    privacy = read_json(tmp_path / "model" / "lit_clid.json")["privacy"]
    assert 4.5 < privacy["epsilon"] <= 5.0
    assert privacy["delta"] == 1 / 100
    assert float(trainer.callback_metrics["epsilon"]) == pytest.approx(privacy["epsilon"])


def test_private_batches_must_be_smaller_than_the_members_and_some_epsilons_are_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(
        UserError, match=r"finetune\.batch_size=10 must be smaller than the 10 members"
    ):
        DPSGD().plan(10, 10, 5)
    from opacus.accountants import utils

    monkeypatch.setattr(utils, "MAX_SIGMA", 20.0)  # it is a million, and the search takes its time
    with pytest.raises(
        UserError,
        match=r"no noise reaches epsilon=0\.01 at delta=1e-09 \(The privacy budget is too low",
    ):
        DPSGD(epsilon=0.01, delta=1e-9).plan(10, 5, 50)
