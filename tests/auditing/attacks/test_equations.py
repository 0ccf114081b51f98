"""Every grey-box attack against a literal twin of its equation."""

from dataclasses import replace
from math import pi, sqrt

import numpy as np
import pytest
import torch
from toys import Toy, leaky

from lit_clid.auditing.attacks import ATTACKS, CLiR
from lit_clid.auditing.attacks.clir import DECOYS
from lit_clid.auditing.oracle import Oracle, Records
from lit_clid.auditing.views import Crop
from lit_clid.randomness import noise


class Alone:
    """One record, one model, numpy scalars: the equations as the papers print them."""

    def __init__(self, target: Toy, records: Records, row: int, seed: int = 0) -> None:
        self.target, self.seed, self.name = target, seed, records.ids[row]
        self.z_0, self.caption = records.images[row : row + 1], records.captions[row]

    def alpha_sigma(self, t: int) -> tuple[float, float]:
        alpha, sigma = self.target.schedule(torch.tensor([t]))
        return float(alpha), float(sigma)

    def eps(self, z: torch.Tensor, t: int, caption: str | None = None) -> torch.Tensor:
        condition = self.target.embed([self.caption if caption is None else caption])
        return self.target.eps(z, torch.tensor([t]), condition)

    def phi(self, z: torch.Tensor, a: int, b: int) -> torch.Tensor:
        (alpha_a, sigma_a), (alpha_b, sigma_b) = self.alpha_sigma(a), self.alpha_sigma(b)
        eps = self.eps(z, a)
        return alpha_b * (z - sigma_a * eps) / alpha_a + sigma_b * eps

    def loss(self, z_0: torch.Tensor, t: int) -> float:
        alpha, sigma = self.alpha_sigma(t)
        eps = noise(self.seed, [self.name], f"t={t}/", z_0.shape[1:])
        return float((self.eps(alpha * z_0 + sigma * eps, t) - eps).square().mean())

    def secmi(self) -> float:
        z = self.z_0
        for a in range(0, 100, 10):
            z = self.phi(z, a, a + 10)
        return -float((self.phi(self.phi(z, 100, 110), 110, 100) - z).square().sum())

    def pia(self) -> float:
        return self.pia_with(self.eps(self.z_0, 0))

    def pian(self) -> float:
        e_0 = self.eps(self.z_0, 0)
        return self.pia_with(e_0 / e_0.abs().mean() * sqrt(2 / pi))

    def pia_with(self, e_0: torch.Tensor) -> float:
        alpha, sigma = self.alpha_sigma(200)
        return -float((e_0 - self.eps(alpha * self.z_0 + sigma * e_0, 200)).abs().pow(4).sum())

    def pfami(self) -> float:
        rises = [
            (self.loss(Crop(share).apply(self.z_0), t) - self.loss(self.z_0, t))
            / self.loss(self.z_0, t)
            for share in np.linspace(0.95, 0.70, 10).round(6)
            for t in range(0, 451, 50)
        ]
        return float(np.mean(rises))

    def pfami_20(self) -> float:
        crop = Crop(0.825).apply(self.z_0)
        return float(
            np.mean([self.loss(crop, t) - self.loss(self.z_0, t) for t in range(1, 452, 50)])
        )

    def sima(self) -> float:
        return -float(self.eps(self.z_0, 100).abs().pow(4).sum())

    def clir(self) -> list[float]:
        def log_ratio(t: int, eps: torch.Tensor) -> float:
            alpha, sigma = self.alpha_sigma(t)

            def log_loss(caption: str | None) -> float:
                error = self.eps(alpha * self.z_0 + sigma * eps, t, caption) - eps
                return float(np.log(max(float(error.square().mean()), 1e-12)))

            others = [words.removeprefix("text:") for words in DECOYS[:4]]
            return float(np.mean([log_loss(other) for other in others])) - log_loss(None)

        draws = {
            t: noise(self.seed, [self.name], f"t={t}/", self.z_0.shape[1:]) for t in (300, 400)
        }
        noisy = [log_ratio(t, eps) for t, eps in draws.items()]
        return [log_ratio(300, torch.zeros_like(self.z_0)), float(np.mean(noisy))]

    def memorised_prompt(self) -> float:
        starts = [
            noise(self.seed, [self.name], f"t=981/{k}", self.z_0.shape[1:]) for k in ("", 1, 2, 3)
        ]
        return float(
            np.mean([float((self.eps(z, 981) - self.eps(z, 981, "")).norm()) for z in starts])
        )


@pytest.mark.parametrize(
    "name", ["secmi", "pia", "pian", "pfami", "pfami_20", "sima", "memorised_prompt"]
)
def test_attacks_equal_their_equations(name: str) -> None:
    target, records = leaky()
    found = ATTACKS[name].signal(Oracle(target, records))[:, 0]
    for row in (0, 1, 39, 40, 79):
        # float32 sums of 64 terms in another order; SecMI and PIA subtract nearly equal tensors
        assert float(found[row]) == pytest.approx(
            getattr(Alone(target, records, row), name)(), rel=1e-3, abs=1e-6
        )


def test_clir_equals_its_equation() -> None:
    target, records = leaky()
    found = CLiR().signal(Oracle(target, records))
    for row in (0, 39, 40, 79):
        np.testing.assert_allclose(
            found[row].numpy(), Alone(target, records, row).clir(), rtol=1e-4, atol=1e-5
        )
    assert torch.equal(CLiR().signal(Oracle(Toy(), records)), torch.zeros(80, 2))  # blind to text
    assert [len(replace(CLiR(), **{kind: ()}).columns(target)) for kind in ("t", "still")] == [1, 1]
