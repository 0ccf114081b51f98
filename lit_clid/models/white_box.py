"""White-box access: norms of the gradients of a record's losses, a capability of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import partial

import torch
from torch import Tensor

from lit_clid.errors import few
from lit_clid.models import gradients
from lit_clid.models.denoiser import Denoiser
from lit_clid.models.diffusion import mean_square
from lit_clid.models.embedding import Embedding
from lit_clid.models.gradients import GradientNorms

Rows = tuple[Tensor, Tensor, Embedding, Tensor]
"""z_t, t, embedding and ε, a row for each loss."""


class WhiteBox(ABC):
    """Gradients of ‖ε_θ(z_t, t, c) − ε‖² with respect to each of P parameter tensors."""

    @property
    @abstractmethod
    def parameter_names(self) -> tuple[str, ...]:
        """The P parameter tensors, in the order of the norms."""

    def check(self) -> None:
        """Raise ValueError if the gradients cannot be had, saying why."""

    @abstractmethod
    def norms(
        self, z_t: Tensor, t: Tensor, embedding: Embedding, eps: Tensor, steps: int
    ) -> GradientNorms:
        """Norms for B·steps rows, ordered record by record.

        Args:
            z_t, eps: (B·steps, C, h, w).
            t: (B·steps,) on the ruler.
            embedding: B·steps rows.
            steps: losses of one record.
        """


class NetworkGradients(WhiteBox):
    """Those of a denoiser's network, in calls of at most its `rows` rows, or of one where the
    network joins rows.
    """

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser, self._most = denoiser, denoiser.rows

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return gradients.parameter_names(self._denoiser.network)

    def check(self) -> None:
        if self._denoiser.dtype == torch.float16:
            raise ValueError("float16 gradients underflow; use audit.precision=32 or bf16")
        missing = gradients.unreachable(self._denoiser.network)
        if missing:
            raise ValueError(
                f"{few(missing, 2)} are quantised, or of a layer whose gradients are not known; "
                "give a quantised model in full precision"
            )

    def norms(
        self, z_t: Tensor, t: Tensor, embedding: Embedding, eps: Tensor, steps: int
    ) -> GradientNorms:
        rows = (z_t, t, embedding, eps)
        try:
            found = self._parts(rows, steps)
        except gradients.RowsMixedError:
            self._most = 1
            found = self._parts(rows, steps)
        each = torch.cat([norms.each for norms in found])
        return GradientNorms(each, torch.cat([norms.mean for norms in found]))

    def _parts(self, rows: Rows, steps: int) -> list[GradientNorms]:
        records = _split(rows, steps * max(1, self._most // steps))
        return [self._of(record, steps) for record in records]

    def _of(self, rows: Rows, steps: int) -> GradientNorms:
        """The same for as many records as one call takes, or for one that takes several calls."""
        network, most, count = self._denoiser.network, self._most, len(rows[0])
        if most >= steps:
            losses = partial(self.losses, *rows)
            return gradients.gradient_norms(network, losses, count, steps)
        parts = _split(rows, most)
        calls = ((len(part[0]), partial(self.losses, *part)) for part in parts)
        return gradients.gradient_norms_in_parts(network, calls)

    def losses(self, z_t: Tensor, t: Tensor, embedding: Embedding, eps: Tensor) -> Tensor:
        """‖ε_θ(z_t, t, c) − ε‖² (B,), differentiable."""
        return mean_square(self._denoiser.answer(z_t, t, embedding) - eps)


def _split(rows: Rows, most: int) -> Iterator[Rows]:
    parts: Iterable[Rows] = zip(*(each.split(most) for each in rows), strict=True)
    return iter(parts)
