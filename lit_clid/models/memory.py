"""What a process encoded, kept so that models of one base need not encode it again."""

from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, cast

from torch import Tensor

from lit_clid.models.embedding import Embedding

Value = TypeVar("Value", Tensor, Embedding)


class Lasting(Protocol):
    """What keeps latents for other processes; see `lasting.LastingLatents`."""

    def find(self, key: Hashable) -> Tensor | None: ...
    def keep(self, key: Hashable, latents: Tensor) -> None: ...


class Memory:
    """Latents and embeddings, on the CPU, by what they were made from.

    Calls are kept, not rows: what is encoded together decides the last digit, and an answer must
    not depend on what was asked before. What comes when it is full is encoded anew each time.

    Args:
        most: bytes of latents, and bytes of embeddings, that are kept.
        lasting: where latents are kept that others may need after this process; None keeps none.
    """

    def __init__(self, most: int = 2**29, lasting: Lasting | None = None) -> None:
        self.most, self._lasting = most, lasting
        self.sizes = {Tensor: 0, Embedding: 0}
        self._held: dict[Hashable, Tensor | Embedding] = {}

    def once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for a key before, or what `make` makes now, on the CPU."""
        if key in self._held:
            return cast(Value, self._held[key])
        value = make()
        size, kind = value.nbytes, type(value)
        if self.sizes[kind] + size <= self.most:
            self._held[key] = value
            self.sizes[kind] += size
        return value

    def latents(
        self, key: Hashable, lasting: Hashable | None, make: Callable[[], Tensor]
    ) -> Tensor:
        """The same of latents, which another process may have made.

        Args:
            key: within this process.
            lasting: the same for every process; None where nothing names the images.
            make: encodes them.
        """

        def found() -> Tensor:
            if self._lasting is None or lasting is None:
                return make()
            before = self._lasting.find(lasting)
            if before is not None:
                return before
            made = make()
            self._lasting.keep(lasting, made)
            return made

        return self.once(key, found)
