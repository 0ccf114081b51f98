"""What a process encoded, kept so that no image and no text passes an encoder twice."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from torch import Tensor

from lit_clid.models.embedding import Embedding

Value = TypeVar("Value", Tensor, Embedding)


class Memory:
    """Latents and embeddings of single records, on the CPU, by what they were made from.

    What comes when it is full is encoded anew each time.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int = 2**30) -> None:
        self.most, self.size = most, 0
        self._held: dict[Hashable, Tensor | Embedding] = {}

    def each(
        self, keys: Sequence[Hashable], make: Callable[[list[int]], Sequence[Value]]
    ) -> list[Value]:
        """A value for each key: what is kept, and what `make` makes of the other keys' places.

        Args:
            keys: of what is wanted.
            make: places in `keys` → a value for each.
        """
        found = {key: self._held[key] for key in keys if key in self._held}
        new = {key: place for place, key in enumerate(keys) if key not in found}
        if new:
            for key, value in zip(new, make(list(new.values())), strict=True):
                found[key] = value
                self._keep(key, value)
        return [found[key] for key in keys]  # type: ignore[misc]

    def _keep(self, key: Hashable, value: Tensor | Embedding) -> None:
        parts = [value] if isinstance(value, Tensor) else [value[name] for name in value]
        size = sum(part.nbytes for part in parts)
        if self.size + size <= self.most:  # copied, for a row of a batch holds all of it
            own = value.clone() if isinstance(value, Tensor) else value.each(Tensor.clone)
            self._held[key] = own
            self.size += size
