"""What a model takes before it is loaded: parameters, work and memory, run on the meta device.

Every operation of a call runs on tensors that have shapes and no values. Work counts the products
of matrices, convolutions and attention, two floating-point operations for each multiplication;
memory is what lives at the worst moment. Attention is taken for a fused one, which keeps no logits.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from lit_clid.models.embedding import Embedding
from lit_clid.models.families import Family
from lit_clid.models.halved import to_halve
from lit_clid.models.hollow import hollow
from lit_clid.source import Source

META = torch.device("meta")


@dataclass(frozen=True)
class Needs:
    """What one call takes.

    Args:
        title: of the family.
        side: of the images in pixels.
        network, trained, encoders, autoencoder: parameters.
        frozen: those of the network that mixed training holds in half precision.
        work: floating-point operations of one row, forwards and, if gradients are wanted, back.
        call: bytes that live at the worst moment of a call, beside weights and their gradients.
        encoding: bytes at the worst moment of encoding images, beside the weights.
    """

    title: str
    side: int
    network: int
    trained: int
    frozen: int
    encoders: int
    autoencoder: int
    work: float
    call: int
    encoding: int


@dataclass(frozen=True)
class Ask:
    """What is reckoned.

    Args:
        side: of the images in pixels; None takes the model's own.
        rows: of a call.
        images: that are encoded together.
        dtype: of the network in a call.
        select: network → what is trained of it, made to want gradients; None asks without.
    """

    side: int | None
    rows: int
    images: int
    dtype: torch.dtype
    select: Callable[[Any], None] | None = None


def reckon(model: str | Source, ask: Ask) -> Needs:
    """What a model takes; no weights are read.

    Raises:
        UserError: as `hollow`, or for images of a size that it does not take.
    """
    family, pipeline = hollow(model)
    network = getattr(pipeline, family.network)
    latents = family.latents(pipeline)
    side = family.side(network, latents, str(model), ask.side)
    named = [pipeline.components[name] for name in family.parts if "text_encoder" in name]
    encoders = [part for part in named if part is not None]
    for part in (network, *latents.networks):
        part.eval().requires_grad_(False)
    if ask.select is not None:
        ask.select(network)
    frozen = sum(p.numel() for p in to_halve(network))
    network.to(ask.dtype)
    shape = latents.shape(torch.empty(1, 3, side, side, device=META))
    z = torch.empty(ask.rows, *shape, device=META)
    told = _told(family.told(network), ask.rows)
    call = family.call(pipeline)

    def answer() -> None:
        time = torch.ones(ask.rows, device=META)
        with torch.set_grad_enabled(ask.select is not None):
            output = call(network, z.to(ask.dtype), time, told.to(ask.dtype))
            if ask.select is not None:
                output.float().square().mean().backward()

    work, live = _run(answer, told["tokens"].shape[1])
    trained = [p for p in network.parameters() if p.requires_grad]
    held = sum(p.numel() * p.element_size() for p in trained)  # by their gradients
    images = torch.empty(min(ask.images, latents.together(side, side)), 3, side, side, device=META)
    _, encoding = _run(lambda: latents.encode(images), 0)
    return Needs(
        title=family.title,
        side=side,
        network=_count([network]),
        trained=sum(p.numel() for p in trained),
        frozen=frozen,
        encoders=_count(encoders),
        autoencoder=_count(latents.networks),
        work=work / ask.rows,
        call=live - held,
        encoding=encoding,
    )


def work_of(family: Family, pipeline: Any, network: Any, shape: Sequence[int]) -> float:
    """Floating-point operations of one row of a call, of a network on the meta device.

    Args:
        family: says how the network is called and told of a text.
        pipeline: of which the call needs at most `vae_scale_factor`.
        network: made from its config alone.
        shape: of a latent (C, h, w).
    """
    z, told = torch.empty(1, *shape, device=META), _told(family.told(network), 1)
    call = family.call(pipeline)

    def answer() -> None:
        with torch.no_grad():
            call(network, z, torch.ones(1, device=META), told)

    work, _ = _run(answer, told["tokens"].shape[1])
    return work


def _count(networks: Sequence[Any]) -> int:
    return sum(p.numel() for network in networks for p in network.parameters())


def _told(shapes: Mapping[str, Sequence[int]], rows: int) -> Embedding:
    """An embedding of so many rows, without values."""
    parts: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        dtype = torch.bool if name == "mask" else torch.float32
        parts[name] = torch.empty(rows, *shape, dtype=dtype, device=META)
    return Embedding(parts)


def _run(call: Callable[[], object], length: int) -> tuple[float, int]:
    """Floating-point operations of a call, and bytes at its worst moment.

    Args:
        length: places of a text, all of which a mask whose values nobody knows is taken to show.
    """
    live = _Live()
    with FlopCounterMode(display=False) as counted, live, _fused() as fused, _Unmasked(length):
        call()
    return counted.get_total_flops() + fused.work, live.most


class _Live(TorchDispatchMode):
    """Counts the bytes of storages that were made and still live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        return made

    def _see(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._forget, key, storage.nbytes())

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


class _Attention(torch.autograd.Function):
    """Fused attention as far as shapes go."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, value)
        return query.new_empty((*query.shape[:-1], value.shape[-1]))

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.empty_like(each) for each in ctx.saved_tensors)


class _Fused:
    """Stands for torch's attention, whose work it counts."""

    def __init__(self) -> None:
        self.work = 0.0

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
        pairs = prod(query.shape[:-1]) * key.shape[-2]
        products = 2 * pairs * (query.shape[-1] + value.shape[-1])
        back = torch.is_grad_enabled() and query.requires_grad
        self.work += products * (3.5 if back else 1)  # back, the logits are made once more
        found: Tensor = _Attention.apply(query, key, value)
        return found


@contextmanager
def _fused() -> Iterator[_Fused]:
    """Within this, attention is fused, in a backward pass's recomputation too."""
    kept, stand_in = functional.scaled_dot_product_attention, _Fused()
    functional.scaled_dot_product_attention = stand_in
    try:
        yield stand_in
    finally:
        functional.scaled_dot_product_attention = kept


class _Unmasked(TorchFunctionMode):
    """Answers for masks whose values nobody knows: they show everything."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.tolist and args[0].is_meta:
            return [self.length] * args[0].numel()
        if func is Tensor.__getitem__ and _is_mask(args[1]):
            return args[0]
        return func(*args, **(kwargs or {}))


def _is_mask(index: object) -> bool:
    return isinstance(index, Tensor) and index.is_meta and index.dtype == torch.bool
