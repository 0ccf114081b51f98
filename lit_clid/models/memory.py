"""What a process encoded, kept so that models of one base need not encode it again."""

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from torch import Tensor

from lit_clid.models.embedding import Embedding

Value = TypeVar("Value", Tensor, Embedding)


class Memory:
    """Latents and embeddings, on the CPU, by what they were made from.

    Calls are kept, not rows: what is encoded together decides the last digit, and an answer must
    not depend on what was asked before. What comes when it is full is encoded anew each time.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int = 2**30) -> None:
        self.most, self.size = most, 0
        self._held: dict[Hashable, Tensor | Embedding] = {}

    def once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for a key before, or what `make` makes now, on the CPU."""
        if key in self._held:
            return cast(Value, self._held[key])
        value = make()
        parts = [value] if isinstance(value, Tensor) else [value[name] for name in value]
        size = sum(part.nbytes for part in parts)
        if self.size + size <= self.most:
            self._held[key] = value
            self.size += size
        return value
