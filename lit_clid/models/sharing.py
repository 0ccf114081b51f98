"""Rows of a call that share a text: its keys and values are computed once, and not for every row.

Where cross-attention alone looks at the text, the queries of all rows that share one are put side
by side before it. Their answers are what they were.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


def looks_plainly(network: Any) -> bool:
    """Whether a U-Net's cross-attentions alone look at the text, all of them behind its mask."""
    config = getattr(network, "config", {})
    only, also = config.get("only_cross_attention", False), config.get("addition_embed_type")
    return not (any(only) if isinstance(only, (list, tuple)) else only) and also != "text"


class Sharing:
    """What a U-Net's cross-attentions need to be shown fewer texts than rows.

    Args:
        network: of diffusers; it is changed within `on` alone.
    """

    def __init__(self, network: nn.Module) -> None:
        modules = [m for m in network.modules() if hasattr(m, "processor")]
        self._plain = looks_plainly(network)
        self._attentions: list[Any] = [m for m in modules if getattr(m, "is_cross_attention", 0)]

    @property
    def possible(self) -> bool:
        """Whether all attend in the library's plain way, which can be asked so."""
        from diffusers.models.attention_processor import AttnProcessor2_0

        ways = {type(attention.processor) for attention in self._attentions}
        return ways == {AttnProcessor2_0} and self._plain

    @contextmanager
    def on(self) -> Iterator[None]:
        """Within this, the network takes tokens (U, L, D) for U·n rows: each for the next n."""
        kept = [attention.processor for attention in self._attentions]
        for attention, processor in zip(self._attentions, kept, strict=True):
            attention.processor = SideBySide(processor)
        try:
            yield
        finally:
            for attention, processor in zip(self._attentions, kept, strict=True):
                attention.processor = processor


class SideBySide:
    """A processor of diffusers, shown the rows that share a text as one longer row."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __call__(
        self,
        attention: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        **named: Any,
    ) -> Tensor:
        texts, width = len(encoder_hidden_states), hidden_states.shape[-1]
        side_by_side = hidden_states.reshape(texts, -1, width)
        attended: Tensor = self._processor(
            attention, side_by_side, encoder_hidden_states, attention_mask, **named
        )
        return attended.view(hidden_states.shape)
