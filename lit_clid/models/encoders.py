"""The text encoders of a pipeline."""

import copy
from inspect import signature
from typing import Any

import torch

from lit_clid.models.families import Family


def encoders_of(pipeline: Any, family: Family) -> list[Any]:
    """The text encoders, without those that the pipeline lacks."""
    names = [name for name in family.parts if name.startswith("text_encoder")]
    encoders = [getattr(pipeline, name) for name in names]
    return [encoder for encoder in encoders if encoder is not None]


def leave_out_logits(encoder: Any) -> None:
    """Have a language model whose hidden states are wanted compute the logits of one place only."""
    if "logits_to_keep" in signature(encoder.forward).parameters:
        encoder.register_forward_pre_hook(
            lambda _, given, named: (given, {"logits_to_keep": 1, **named}), with_kwargs=True
        )


def text_alone(pipeline: Any) -> Any:
    """A pipeline of the same text encoders and nothing else that lies on a device, so that it
    encodes where they lie.
    """
    alone = copy.copy(pipeline)
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module) and not name.startswith("text_encoder"):
            setattr(alone, name, None)
    return alone
