"""GSA against closed forms and against one backward pass per loss."""

import numpy as np
import pytest
import torch
from toys import Linear, Toy

from lit_clid.auditing.attacks import GSA
from lit_clid.auditing.conditions import CAPTION
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch, Question
from lit_clid.judging.roc import auroc, curve
from lit_clid.models.gradients import parameter_names, unreachable
from lit_clid.models.levels import alpha_sigma
from lit_clid.models.load import load_target
from lit_clid.models.white_box import NetworkGradients


def test_gsa_norms_of_a_linear_model() -> None:
    """ℓ = mean (W·z + b − ε)² has ∂ℓ/∂W = 2/n · Σ r·zᵀ and ∂ℓ/∂b = 2/n · Σ r, r = W·z + b − ε."""
    target = Linear()
    images = torch.randn(4, 2, 5, 3, generator=torch.Generator().manual_seed(1))
    records = Batch(tuple("abcd"), images, tuple("abcd"))
    oracle, t = ModelOracle(target, records), (100, 400, 700)
    with torch.no_grad():
        for norms in ("of_mean", "mean_of"):
            found = GSA(t, norms).signal(oracle)
            for row in range(4):
                gradients = []
                for step in t:
                    eps = oracle.noise(step)[row].reshape(-1, 3)
                    alpha, sigma = alpha_sigma(torch.tensor(step))
                    z = alpha * images[row].reshape(-1, 3) + sigma * eps
                    rest = z @ target.network.weight.T + target.network.bias - eps
                    gradients.append((2 / 30 * rest.T @ z, 2 / 30 * rest.sum(0)))
                for column in (0, 1):
                    parts = torch.stack([pair[column] for pair in gradients])
                    mean = (
                        parts.mean(0).norm()
                        if norms == "of_mean"
                        else parts.flatten(1).norm(dim=1).mean()
                    )
                    assert float(found[row, column]) == pytest.approx(-float(mean), rel=1e-5)


def test_gsa_finds_what_a_linear_model_was_fitted_to() -> None:
    """W fitted to the members' own noise: their gradients vanish, those of hold-outs do not."""
    target, images = Linear(4), torch.randn(12, 1, 1, 4, generator=torch.Generator().manual_seed(2))
    records = Batch(tuple(f"r{k}" for k in range(12)), images, tuple(f"r{k}" for k in range(12)))
    oracle, t = ModelOracle(target, records), (500,)
    member = np.arange(12) < 4

    def found() -> float:
        oracle._gradients.clear()
        with torch.no_grad():
            return float(auroc(curve(GSA(t).signal(oracle).sum(1).double().numpy(), member)))

    assert 0.1 < found() < 0.9  # 4 + 8 records: a standard error of 0.18
    eps = oracle.noise(500)[:, 0, 0]
    alpha, sigma = alpha_sigma(torch.tensor(500))
    z = torch.cat([alpha * images[:, 0, 0] + sigma * eps, torch.ones(12, 1)], dim=1)
    solution = torch.linalg.lstsq(z[:4], eps[:4], driver="gelsd").solution
    with torch.no_grad():
        target.network.weight.copy_(solution[:4].T)
        target.network.bias.copy_(solution[4])
    assert found() == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("rows", [pytest.param(1, marks=pytest.mark.slow), 20, 64])
@pytest.mark.parametrize("fixture", ["pipeline_folder", "v_pipeline_folder"])
def test_gsa_equals_one_backward_per_loss(
    fixture: str, rows: int, request: pytest.FixtureRequest
) -> None:
    """Of every parameter tensor of a real U-Net, whatever the batch."""
    target = load_target(str(request.getfixturevalue(fixture)), rows=rows)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(3, 3, 64, 64, generator=generator) * 2 - 1
    records = Batch(tuple("abc"), images, ("a red critter", "two eyes on green", "ground"))
    oracle, t = ModelOracle(target, records, seed=3), (50, 400, 950)
    found = oracle.gradient_norms(t, CAPTION, 0)
    names, box = dict(target.denoiser.network.named_parameters()), NetworkGradients(target.denoiser)
    assert sorted(box.parameter_names) == sorted(names)
    parameters = [names[name].requires_grad_(True) for name in box.parameter_names]
    for row in range(3):
        gradients = []
        for step in t:
            one = [part.split(1)[row] for part in oracle.rows(Question(step))]
            loss = box.losses(*one).sum()
            gradients.append(torch.autograd.grad(loss, parameters))
        for k, name in enumerate(box.parameter_names):
            parts = torch.stack([g[k] for g in gradients])
            # float32 gradients summed in another order; tensors whose gradient is all rounding are
            # below the floor
            floor = 1e-6 * float(parts.norm()) + 1e-7
            expected = parts.flatten(1).norm(dim=1)
            torch.testing.assert_close(
                found.each[row, :, k], expected, rtol=1e-3, atol=floor, msg=name
            )
            torch.testing.assert_close(
                found.mean[row, k], parts.mean(0).norm(), rtol=1e-3, atol=floor, msg=name
            )
    for parameter in parameters:
        parameter.requires_grad_(False)


def test_gradients_of_what_is_quantised_or_unknown_are_refused(pipeline_folder: object) -> None:
    target = load_target(str(pipeline_folder))
    assert GSA().check(target, ["a"]) == ""
    layer = target.denoiser.network.conv_in
    layer.weight = torch.nn.Parameter(layer.weight.to(torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match=r"needs gradients, and conv_in\.weight are quantised"):
        GSA().check(target, ["a"])
    assert unreachable(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.PReLU())) == ["1.weight"]
    assert parameter_names(torch.nn.Linear(2, 2, bias=False)) == ("weight",)
    assert unreachable(torch.nn.Conv2d(1, 1, 3, padding="same", bias=False)) == ["weight"]
    with pytest.raises(ValueError, match="float16 gradients underflow"):
        GSA().check(load_target(str(pipeline_folder), precision="16"), ["a"])
    with pytest.raises(ValueError, match="out of reach"):
        GSA().check(Toy(), ["a"])
