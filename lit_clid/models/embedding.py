"""What a denoiser is told of a text: named tensors, a row for each record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lit_clid.models.diffusion import expand


@dataclass(frozen=True)
class Embedding:
    """Named tensors with B rows each.

    Args:
        parts: name → (B, …): `tokens` (B, L, D) in every family, `pooled` (B, P), `mask` (B, L) of
            the places that a network is to see, or whatever else the family's encoders give. What
            does not come from the text its adapter makes.
    """

    parts: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __contains__(self, name: object) -> bool:
        return name in self.parts

    @property
    def rows(self) -> int:
        """B."""
        return len(next(iter(self.parts.values())))

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.nbytes for tensor in self.parts.values())

    def each(self, change: Callable[[Tensor], Tensor]) -> "Embedding":
        """The same names, every tensor changed."""
        return Embedding({name: change(tensor) for name, tensor in self.parts.items()})

    def take(self, rows: Tensor) -> "Embedding":
        """The given rows (int64), in their order."""
        return self.each(lambda tensor: tensor[rows])

    def repeated(self, times: int) -> "Embedding":
        """Each row so many times, one after the other."""
        return self.each(lambda tensor: tensor.repeat_interleave(times, 0))

    def where(self, kept: Sequence[bool], other: "Embedding") -> "Embedding":
        """The rows that `kept` (B) names, and in the place of the others those of `other`, which
        has B rows or one for all.
        """
        rows = torch.tensor(kept, device=next(iter(self.parts.values())).device)

        def chosen(name: str) -> Tensor:
            mine = self.parts[name]
            return torch.where(expand(rows, mine), mine, other[name])

        return Embedding({name: chosen(name) for name in self.parts})

    def split(self, rows: int) -> list["Embedding"]:
        """Parts of at most so many rows."""
        starts = range(0, self.rows, rows)
        return [self._between(start, start + rows) for start in starts]

    def _between(self, start: int, end: int) -> "Embedding":
        return self.each(lambda tensor: tensor[start:end])

    def to(self, place: torch.device | torch.dtype) -> "Embedding":
        """On another device, or its real tensors in another precision."""
        if isinstance(place, torch.device):
            return self.each(lambda tensor: tensor.to(place))
        return self.each(lambda x: x.to(place) if x.is_floating_point() else x)

    def noised(self, rate: float, draw: Callable[[str, torch.Size], Tensor]) -> "Embedding":
        """Every real tensor x plus rate · std(x) · z, the deviation taken record by record.

        What is exactly zero stays so, and has no part in the deviation: the room beside an encoder
        that is narrower than others, or that of one that is absent, which no text ever fills.

        Args:
            rate: in units of the tensor's own standard deviation.
            draw: (name, shape (B, …)) → z, standard normal.
        """

        def noise(name: str, x: Tensor) -> Tensor:
            if not x.is_floating_point():
                return x
            z = draw(name, x.shape).to(x)
            return x + rate * expand(_deviation(x), x) * z * (x != 0)

        return Embedding({name: noise(name, x) for name, x in self.parts.items()})


def _deviation(x: Tensor) -> Tensor:
    """Standard deviation (B,) of what is not zero in each row of x (B, …); 0 where nothing is."""
    rows, filled = x.flatten(1), x.flatten(1) != 0
    if bool(filled.all()):
        return rows.std(1)
    count = filled.sum(1)
    mean = rows.sum(1) / count.clamp(min=1)
    square = ((rows - mean[:, None]) * filled).square().sum(1)
    return (square / (count - 1).clamp(min=1)).sqrt()


def cat(embeddings: Sequence[Embedding]) -> Embedding:
    """The rows of all, one after the other; all have the same names."""
    parts: dict[str, Tensor] = {}
    for name in embeddings[0]:
        parts[name] = torch.cat([each[name] for each in embeddings])
    return Embedding(parts)
