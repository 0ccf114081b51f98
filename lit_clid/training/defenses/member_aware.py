"""Member-aware training: a proxy attacker learns to tell members from others, and the model learns
to mislead it.

Luo et al., "Privacy-preserving low-rank adaptation against membership inference attacks for latent
diffusion models", AAAI 2025 (arXiv 2402.11989): MP-LoRA minimises L − λ·CE, SMP-LoRA the ratio L /
(β + λ·CE), where L is the denoising loss and CE the proxy's cross-entropy on members, the negative
of its MI gain.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lit_clid.randomness import seeded, stream
from lit_clid.training.defenses.defense import Defense

FORMS = ("sum", "ratio")


@dataclass(frozen=True)
class MemberAware(Defense):
    """A proxy attacker in the loop (Luo et al. 2025).

    Args:
        form: "sum" (MP-LoRA) or "ratio" (SMP-LoRA).
        weight: λ.
        offset: β of the ratio.
        rounds: steps of the proxy per step of the model.
        learning_rate: of the proxy's Adam; its weight decay is 1e-4.
        hidden: widths of the proxy's two hidden layers.
    """

    across_records = True
    probes_members = True
    form: str = "ratio"
    weight: float = 1.0
    offset: float = 1.0
    rounds: int = 1
    learning_rate: float = 1e-5
    hidden: tuple[int, ...] = (512, 256)

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form {self.form!r} is not one of {', '.join(FORMS)}")
        for name in ("weight", "offset", "learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)} must be larger than 0")
        if self.rounds < 1 or len(self.hidden) != 2 or min(self.hidden) < 1:
            raise ValueError(
                f"rounds = {self.rounds}, hidden = {list(self.hidden)}: at least 1, and two widths"
            )

    def describe(self) -> str:
        name = "SMP" if self.form == "ratio" else "MP"
        return f"a proxy attacker in the loop ({name}, λ = {self.weight:g})"

    def combine(self, loss: Tensor, cross_entropy: Tensor) -> Tensor:
        """The model's objective, from the denoising loss and the proxy's cross-entropy on
        members.
        """
        if self.form == "sum":
            return loss - self.weight * cross_entropy
        return loss / (self.offset + self.weight * cross_entropy)


class Proxy:
    """The attacker: squared errors (B, C, h, w) → member or not, by a perceptron with dropout ½.

    It is no part of the model: neither averaged nor exported, but kept in the resumable checkpoint.
    """

    def __init__(self, options: MemberAware, inputs: int, device: torch.device, seed: int) -> None:
        first, second = options.hidden
        self.options, self.seed, self.device = options, seed, device
        with self._dice("weights"):
            self.network = nn.Sequential(
                nn.Linear(inputs, first), nn.ReLU(), nn.Dropout(0.5),
                nn.Linear(first, second), nn.ReLU(), nn.Dropout(0.5),
                nn.Linear(second, 2),
            ).to(device)  # fmt: skip
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), options.learning_rate, weight_decay=1e-4
        )

    def _dice(self, *names: object) -> AbstractContextManager[None]:
        return seeded(stream(self.seed, "proxy", *names), self.device)

    def cross_entropy(self, errors: Tensor, member: bool, *dice: object) -> Tensor:
        """Mean cross-entropy of calling squared errors (B, C, h, w) members, or not."""
        label = torch.full((len(errors),), int(member), device=errors.device)
        with self._dice(*dice):
            return nn.functional.cross_entropy(self.network(errors.flatten(1)), label)

    def learn(self, members: Tensor, others: Tensor, *dice: object) -> Tensor:
        """One step on detached errors of members and others; returns the proxy's loss."""
        losses = [
            self.cross_entropy(errors.detach(), member, *dice, member)
            for errors, member in ((members, True), (others, False))
        ]
        loss = (losses[0] * len(members) + losses[1] * len(others)) / (len(members) + len(others))
        self.optimizer.zero_grad()  # what the model's own step left behind included
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
