"""DP-SGD by Opacus: Poisson batches, per-record clipping, noise, and an accountant's ε at δ.

Abadi et al. 2016, "Deep learning with differential privacy".
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import torch
from torch import nn

from lit_clid.about import Spent
from lit_clid.errors import UserError, first_line
from lit_clid.training.defenses.defense import Defense

ACCOUNTANTS = ("rdp", "prv")


@dataclass(frozen=True)
class DPSGD(Defense):
    """Differentially private training with respect to adding or removing one member (image and
    caption together).

    Each step takes every member independently with probability batch size / members (Poisson
    sampling, which the accountant assumes), clips the gradient of each to `max_grad_norm`, and adds
    Gaussian noise of standard deviation `noise_multiplier` · `max_grad_norm` to their sum.

    Args:
        epsilon: to be spent by the last step, from which the noise follows; null if
            `noise_multiplier` is given.
        noise_multiplier: σ; null if `epsilon` is given.
        delta: δ; null means 1 / (10 · members).
        max_grad_norm: clipping bound C on the L2 norm of a record's gradient over all trained
            parameters.
        rows: most records per backward pass, whose gradients are in memory one by one.
        accountant: "rdp", or "prv", which is tighter and slower.
        secret: draw batches, noise, timesteps and augmentation from the operating system's entropy
            instead of the seed. With the seed known, the noise is known, and ε protects nobody;
            false is for experiments only.
    """

    epsilon: float | None = 8.0
    noise_multiplier: float | None = None
    delta: float | None = None
    max_grad_norm: float = 1.0
    rows: int = 64
    accountant: str = "rdp"
    secret: bool = False

    def __post_init__(self) -> None:
        if (self.epsilon is None) == (self.noise_multiplier is None):
            raise ValueError("give either epsilon or noise_multiplier, and null for the other")
        for name in ("epsilon", "noise_multiplier", "delta", "max_grad_norm", "rows"):
            value = getattr(self, name)
            if value is not None and not 0 < value < inf:
                raise ValueError(f"{name} = {value} must be larger than 0")
        if self.delta is not None and self.delta >= 1:
            raise ValueError(
                f"delta = {self.delta} must be smaller than 1; below 1 / members is usual"
            )
        if self.accountant not in ACCOUNTANTS:
            raise ValueError(
                f"accountant {self.accountant!r} is not one of {', '.join(ACCOUNTANTS)}"
            )

    def describe(self) -> str:
        spent = f"ε = {self.epsilon:g}" if self.epsilon else f"σ = {self.noise_multiplier:g}"
        return f"DP-SGD, {spent}, gradients clipped to {self.max_grad_norm:g}"

    def plan(self, members: int, batch_size: int, steps: int) -> "Privacy":
        """Fix rate, δ and noise for a training run.

        Raises:
            UserError: without Opacus, for a batch larger than the members, or an ε that no noise
                reaches.
        """
        need_opacus()
        if batch_size >= members:
            raise UserError(
                f"defenses.dp: finetune.batch_size={batch_size} must be smaller than the "
                f"{members} members; each is drawn with probability batch size / members"
            )
        rate, delta = batch_size / members, self.delta or 1 / (10 * members)
        noise = self.noise_multiplier
        if noise is None:
            from opacus.accountants.utils import get_noise_multiplier

            try:
                with _loose_bounds():
                    noise = get_noise_multiplier(
                        target_epsilon=self.epsilon or 0.0,
                        target_delta=delta,
                        sample_rate=rate,
                        steps=steps,
                        accountant=self.accountant,
                    )
            except ValueError as error:
                raise UserError(
                    f"defenses.dp: no noise reaches epsilon={self.epsilon:g} at delta={delta:g} "
                    f"({first_line(error)}); ask for a larger epsilon or fewer steps"
                ) from None
        return Privacy(float(noise), self.max_grad_norm, rate, delta, self.accountant, self.secret)


@dataclass(frozen=True)
class Privacy:
    """What a private run spends: one Gaussian mechanism of multiplier σ on a Poisson sample of
    rate q per step.
    """

    noise_multiplier: float
    max_grad_norm: float
    sample_rate: float
    delta: float
    accountant: str
    secret: bool = False

    def epsilon(self, steps: int) -> float:
        """ε at δ after so many steps."""
        from opacus.accountants import create_accountant

        if steps == 0:
            return 0.0
        accountant: Any = create_accountant(self.accountant)
        accountant.history = [(self.noise_multiplier, self.sample_rate, steps)]
        with _loose_bounds():
            return float(accountant.get_epsilon(delta=self.delta))

    def spent(self, steps: int) -> Spent:
        """What the exported model's note says."""
        return Spent(epsilon=self.epsilon(steps), **asdict(self))

    def optimizer(self, inner: torch.optim.Optimizer, batch_size: int) -> Any:
        """Opacus's optimiser around `inner`: clips, sums, adds noise, divides by the expected
        batch size.
        """
        from opacus.optimizers import DPOptimizer

        return DPOptimizer(
            inner,
            noise_multiplier=self.noise_multiplier,
            max_grad_norm=self.max_grad_norm,
            expected_batch_size=batch_size,
        )


@contextmanager
def _loose_bounds() -> Iterator[None]:
    """Leave unsaid that another Rényi order might give a smaller ε: what is said is true, only
    not the best.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the")
        yield


def need_opacus() -> None:
    """Raise UserError if Opacus is not installed."""
    try:
        import opacus  # noqa: F401
    except ImportError:
        raise UserError(
            'defenses.dp: needs Opacus; install it with pip install "lit-clid[dp]"'
        ) from None


def keep_gradients(network: nn.Module) -> None:
    """Hook `network` so that a backward pass leaves each record's gradient in
    `parameter.grad_sample`.

    Raises:
        UserError: if a trained layer mixes records, or is unknown to Opacus.
    """
    from opacus.grad_sample import GradSampleModule
    from opacus.validators import ModuleValidator

    errors = [
        *ModuleValidator.validate(network, strict=False),
        *GradSampleModule.validate(network, strict=False),
    ]
    if errors:
        raise UserError(
            f"defenses.dp: the network cannot be trained privately ({first_line(errors[0])})"
        )
    # the first trained layers see inputs without gradients, which is as it should be
    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    GradSampleModule(network, batch_first=True, loss_reduction="mean")


def no_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """What an empty Poisson batch leaves: gradients of no records."""
    for parameter in parameters:
        parameter.grad_sample = torch.zeros((0, *parameter.shape), device=parameter.device)  # type: ignore[attr-defined]
