"""What a training step minimises: the denoising loss plainly, privately, or misleading an attacker.

For a record's latent z_0, noise ε and level s the residual r is the network's output minus what it
is trained to give, and its loss ℓ = mean r², weighted by min-SNR if that is on (`models.denoiser`).

| objective | minimises |
|---|---|
| `Plain` | the mean of ℓ |
| `Private` | the same by DP-SGD: clipped record by record, noised (Abadi et al. 2016) |
| `Misleading` | the mean of ℓ combined with a proxy attacker's success (Luo et al. 2025) |
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import lightning as L
import torch
from torch import Tensor, nn

from lit_clid.data.module import CaptionedImages
from lit_clid.models.denoiser import Denoiser
from lit_clid.models.diffusion import mean_square
from lit_clid.models.embedding import Embedding
from lit_clid.models.encodings import Encodings
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.randomness import generator, stream
from lit_clid.training.defenses import MemberAware, Privacy, Proxy, keep_gradients, no_gradients


@dataclass(frozen=True)
class Drawn:
    """A training batch of B records with its dice thrown.

    Args:
        z_0, eps: latents and noise (B, C, h, w).
        level: the network's own levels (B,).
        embedding: B rows.
    """

    z_0: Tensor
    eps: Tensor
    level: Tensor
    embedding: Embedding

    @property
    def rows(self) -> int:
        """B."""
        return len(self.z_0)

    def split(self, rows: int) -> list["Drawn"]:
        """Parts of at most so many records."""
        parts = (each.split(rows) for each in (self.z_0, self.eps, self.level, self.embedding))
        return [Drawn(*part) for part in zip(*parts, strict=True)]


def throw(denoiser: Denoiser, z_0: Tensor, embedding: Embedding, dice: torch.Generator) -> Drawn:
    """Draw levels, then noise, on the CPU; use both where z_0 lies."""
    level = denoiser.draw_levels(len(z_0), dice)
    eps = torch.randn(z_0.shape, generator=dice)
    return Drawn(z_0, eps.to(z_0.device), level.to(z_0.device), embedding)


class Objective(ABC):
    """The loss of a denoiser, and how a step is made of it.

    Args:
        denoiser: that is trained.
        gamma: γ of min-SNR weighting; None weighs all levels alike.
    """

    automatic: ClassVar[bool] = True
    """True if Lightning steps the optimiser with what `step` returns."""

    def __init__(self, denoiser: Denoiser, gamma: float | None) -> None:
        self.denoiser, self.gamma = denoiser, gamma

    def __deepcopy__(self, memo: dict[int, Any]) -> "Objective":
        """A moving average of its owner shares it."""
        return self

    @abstractmethod
    def step(self, module: L.LightningModule, batch: Drawn | None, number: int) -> Tensor | None:
        """The loss of one batch, logged; None if the optimiser has made its step.

        Args:
            module: whose step it is.
            batch: None for a Poisson batch of nobody.
            number: of the batch.
        """

    def residuals(self, batch: Drawn) -> Tensor:
        """r (B, C, h, w), differentiable."""
        return self.denoiser.residual(batch.z_0, batch.eps, batch.level, batch.embedding)

    def losses(self, residuals: Tensor, level: Tensor) -> Tensor:
        """ℓ (B,), weighted."""
        loss = mean_square(residuals)
        return loss if self.gamma is None else loss * self.denoiser.weight(level, self.gamma)

    def start(self, target: PipelineTarget, data: CaptionedImages) -> None:
        """Get ready, on the training device."""

    def optimizer(self, inner: torch.optim.Optimizer, network: nn.Module, batch_size: int) -> Any:
        """What steps the weights: `inner`, or something around it."""
        return inner

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs beside the model and its optimiser."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""


class Plain(Objective):
    """The mean of ℓ."""

    def step(self, module: L.LightningModule, batch: Drawn | None, number: int) -> Tensor:
        assert batch is not None
        loss = self.losses(self.residuals(batch), batch.level).mean()
        module.log("train_loss", loss, prog_bar=True, batch_size=batch.rows)
        return loss


class Private(Objective):
    """One step of DP-SGD on a Poisson batch.

    Args:
        privacy: what it spends.
        rows: most records per backward pass.
        trainable: the trained parameters.
        dice: seed of the noise.
    """

    automatic = False

    def __init__(
        self,
        denoiser: Denoiser,
        gamma: float | None,
        privacy: Privacy,
        rows: int,
        trainable: Sequence[nn.Parameter],
        dice: int,
    ) -> None:
        super().__init__(denoiser, gamma)
        self.privacy, self.rows, self.trainable, self.dice = privacy, rows, trainable, dice

    def optimizer(self, inner: torch.optim.Optimizer, network: nn.Module, batch_size: int) -> Any:
        keep_gradients(network)
        return self.privacy.optimizer(inner, batch_size)

    def step(self, module: L.LightningModule, batch: Drawn | None, number: int) -> None:
        optimizer: Any = module.optimizers()
        private: Any = optimizer.optimizer
        seed = stream(self.dice, "dp", number)
        private.generator = torch.Generator(module.device).manual_seed(seed)
        optimizer.zero_grad()
        if batch is None:
            no_gradients(self.trainable)
        else:
            total = self._accumulate(module, private, batch)
            module.log("train_loss", total / batch.rows, prog_bar=True, batch_size=batch.rows)
        private.signal_skip_step(do_skip=False)
        optimizer.step()
        module.lr_schedulers().step()  # type: ignore[union-attr]

    def _accumulate(self, module: L.LightningModule, private: Any, batch: Drawn) -> Tensor:
        """Leave every record's clipped gradient in the optimiser; the sum of their losses."""
        total = torch.zeros((), device=module.device)
        *earlier, last = batch.split(self.rows)
        for part in (*earlier, last):
            loss = self.losses(self.residuals(part), part.level)
            module.manual_backward(loss.mean())
            total += loss.detach().sum()
            if part is not last:
                private.signal_skip_step(do_skip=True)
                private.step()
                private.zero_grad()
        return total


class Misleading(Objective):
    """ℓ against a proxy attacker, which first learns on this batch and on records of nobody.

    Args:
        aware: the defense.
        seed: of the proxy and of the others' choice.
        dice: of the others' levels and noise.
    """

    def __init__(
        self, denoiser: Denoiser, gamma: float | None, aware: MemberAware, seed: int, dice: int
    ) -> None:
        super().__init__(denoiser, gamma)
        self.aware, self.seed, self.dice = aware, seed, dice
        self._others = Encodings()
        self._proxy: Proxy | None = None
        self._state: dict[str, Any] = {}

    def start(self, target: PipelineTarget, data: CaptionedImages) -> None:
        others = data.auxiliary
        self._others.keep_latents(target, others.images, len(others))
        self._others.keep_embedding(target, others.captions)

    def step(self, module: L.LightningModule, batch: Drawn | None, number: int) -> Tensor:
        assert batch is not None
        residuals = self.residuals(batch)
        loss = self.losses(residuals, batch.level).mean()
        module.log("train_loss", loss, prog_bar=True, batch_size=batch.rows)
        squared = residuals.square()
        proxy = self._ready(squared)
        for k in range(self.aware.rounds):
            others = self._squared_of_others(module, batch.rows, number, k)
            gain = proxy.learn(squared, others, number, k)
        module.log("proxy_loss", gain, batch_size=batch.rows)
        misled = proxy.cross_entropy(squared, True, number, "model")
        objective = self.aware.combine(loss, misled)
        module.log("objective", objective, batch_size=batch.rows)
        return objective

    def _ready(self, squared: Tensor) -> Proxy:
        """The proxy, made when the size of what it sees is known."""
        if self._proxy is None:
            self._proxy = Proxy(self.aware, squared[0].numel(), squared.device, self.seed)
            if self._state:
                self._proxy.load_state_dict(self._state)
        return self._proxy

    @torch.no_grad()
    def _squared_of_others(self, module: L.LightningModule, count: int, *names: object) -> Tensor:
        """Squared residuals (B, C, h, w) of auxiliary records, drawn anew."""
        latents, embedding = self._others.latents, self._others.embedding
        assert latents is not None and embedding is not None
        chosen = generator(self.seed, "auxiliary", *names)
        rows = torch.randint(len(latents), (count,), generator=chosen)
        z_0, told = latents[rows].to(module.device), embedding.take(rows).to(module.device)
        dice = generator(self.dice, "others", *names, module.global_rank)
        return self.residuals(throw(self.denoiser, z_0, told, dice)).square()

    def state_dict(self) -> dict[str, Any]:
        return {} if self._proxy is None else self._proxy.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._state = state
