"""The denoiser: a network, how its family calls it, and its schedule.

Asked, it answers ε_θ(z_t, t, c) at levels of the ruler; trained, it owns its residual, the draw of
its own levels, and their weight. It leaves half precision before anything is subtracted.
"""

import gc
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.compiled import GRAPHS, compiled, filled_up
from lit_clid.models.diffusion import TO_EPS, TRAINING_TARGET, diffuse, expand, min_snr_weight
from lit_clid.models.embedding import Embedding
from lit_clid.models.halved import Halved
from lit_clid.models.lanes import side_by_side
from lit_clid.models.schedules import Schedule
from lit_clid.models.sharing import Sharing

DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
Call = Callable[[Any, Tensor, Tensor, Embedding], Tensor]
"""(network, z (B, C, h, w), time (B,), embedding) → the network's output (B, C, h, w).

The embedding has B rows; or each of its rows is of the next n of z, where the family shares.
"""

FEWEST = 8
"""Texts of a call below which sharing them saves less than whole calls do."""


def lay_channels_last(network: Any) -> None:
    """Lay the kernels of two-dimensional convolutions channels last, in place."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def give_back() -> None:
    """Free what nobody needs any more: trainers, modules and models refer to each other."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def with_less(ask: Callable[[int], Tensor], rows: int) -> tuple[Tensor, int]:
    """ask(rows), with half as many rows as often as the device has no memory for them.

    Returns:
        The answer, and how many rows there was memory for.

    Raises:
        torch.OutOfMemoryError: if a single row is too many.
    """
    while True:
        try:
            return ask(rows), rows
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
        rows //= 2  # here nothing of the failed call is held any more
        give_back()


class Denoiser:
    """A frozen network that answers in float32.

    Args:
        network: of diffusers.
        call: how the family calls it.
        schedule: its levels.
        precision: in which it is asked, a key of `DTYPES`; None leaves the network as it is.
        channels_last: whether the kernels of its convolutions lie so.
        compile: true, or `compiled.GRAPHS`; false leaves it as it is.
        rows: most rows of one call; never changes an answer.
        shares: whether `call` takes one text for several rows.
    """

    def __init__(
        self,
        network: Any,
        call: Call,
        schedule: Schedule,
        *,
        precision: str | None,
        channels_last: bool,
        compile: bool | str,
        rows: int,
        shares: bool = False,
    ) -> None:
        self.call, self.schedule, self.rows = call, schedule, rows
        floating = (each.dtype for each in network.parameters() if each.is_floating_point())
        self.dtype = next(floating) if precision is None else DTYPES[precision]
        self.network: Any = network if precision is None else network.to(self.dtype)
        if channels_last:
            lay_channels_last(self.network)
        self._run, self._graphs = compiled(self.network, compile), compile == GRAPHS
        self.halved = Halved(network)
        self._sharing = Sharing(network) if shares else None

    @property
    def shares(self) -> bool:
        """Whether it is better asked about several rows that share a text."""
        plain = self._run is self.network
        return plain and self._sharing is not None and self._sharing.possible

    def forget_graphs(self) -> None:
        """Give back what CUDA graphs hold: moved weights would have them recorded anew."""
        if self._graphs:
            torch.compiler.reset()

    def halve(self, dtype: torch.dtype) -> None:
        """Hold what is not trained in the precision of the autocast that trains the rest."""
        self.halved = Halved(self.network, dtype)

    @torch.no_grad()
    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        """ε_θ(z_t, t, c) (B, C, h, w) float32, at most `rows` rows a call; on a device that has no
        memory for so many, fewer from then on.

        The embedding has B rows, or U, each of the next B/U rows.
        """
        most = min(self.rows, len(z_t)) if self._run is self.network else self.rows
        answers, rows = with_less(lambda rows: self._in_parts(rows, z_t, t, embedding), most)
        if rows < most:
            self.rows = rows
        return answers

    def _in_parts(self, rows: int, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        texts, ask = embedding.rows, partial(self._answer, self._run)
        each = len(z_t) // texts
        if each > 1 and (each * min(FEWEST, texts) > rows or not self.shares):
            return self._in_parts(rows, z_t, t, embedding.repeated(each))
        calls = -(-texts // (rows // each))
        most = rows if self._run is not self.network else -(-texts // calls)
        parts = zip(
            z_t.split(most * each), t.split(most * each), embedding.split(most), strict=True
        )
        if self._run is not self.network:
            return torch.cat([filled_up(ask, rows, *part) for part in parts])
        with nullcontext() if each == 1 or self._sharing is None else self._sharing.on():
            return torch.cat([side_by_side(ask, *part) for part in parts])

    def answer(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        """ε_θ(z_t, t, c) in one call, with gradients if they are on."""
        return self._answer(self.network, z_t, t, embedding)

    def _answer(self, network: Any, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        shown = self.schedule.shown(t)
        z = z_t if shown.scale is None else expand(shown.scale, z_t) * z_t
        with self.halved.autocast(z.device):
            output = self.call(network, z.to(self.dtype), shown.time, embedding.to(self.dtype))
        return TO_EPS[self.schedule.prediction](output.float(), z, shown.alpha, shown.sigma)

    def draw_levels(self, count: int, dice: torch.Generator) -> Tensor:
        """Own levels (count,) as the family is trained on them, on the CPU."""
        return self.schedule.draw(count, dice)

    def residual(self, z_0: Tensor, eps: Tensor, level: Tensor, embedding: Embedding) -> Tensor:
        """Output minus training target (B, C, h, w) float32, under whatever autocast is on."""
        alpha, sigma = self.schedule.coefficients(level)
        z = diffuse(z_0, eps, alpha, sigma)
        output = self.call(self.network, z, self.schedule.time(level), embedding)
        return output.float() - TRAINING_TARGET[self.schedule.prediction](z_0, eps, alpha, sigma)

    def weight(self, level: Tensor, gamma: float) -> Tensor:
        """min-SNR weight (B,) of losses at own levels, γ = `gamma`."""
        return min_snr_weight(*self.schedule.coefficients(level), gamma, self.schedule.prediction)
