"""Which model it is: hashes of what decides its answers, and of what two models must share."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.latents import Latents
from lit_clid.models.quantised import is_quantised, plain_tensors
from lit_clid.models.schedules import Schedule


@dataclass(frozen=True)
class Identity:
    """What a model is known by.

    Args:
        fingerprint: hash (32 hex digits) of the weights in float32, schedule, scaling and
            tokenizers.
        kin: what two models must share for their answers to be compared; hashes by name.
        words: hash of all that makes an embedding of a text.
    """

    fingerprint: str
    kin: dict[str, str]
    words: str


def identify(
    latents: Latents,
    encoders: Sequence[Any],
    tokenizers: Sequence[Any],
    network: Any,
    schedule: Schedule,
) -> Identity:
    """Know a model; every weight is hashed once, in the order latents, texts, network."""
    digest = blake2b(digest_size=16)
    for part in latents.networks:
        _add_weights(digest, part)
    space = digest.copy()
    space.update(latents.facts.encode())
    for part in encoders:
        _add_weights(digest, part)
    words = digest.copy()
    _add_weights(digest, network)
    for text in (*schedule.facts, latents.facts):
        digest.update(text.encode())
    for tokenizer in tokenizers:
        told = (sorted(tokenizer.get_vocab().items()), tokenizer.model_max_length)
        for each in (digest, words):
            each.update(str(told).encode())
    shapes = [(name, tuple(value.shape)) for name, value in sorted(network.state_dict().items())]
    kin = {
        "architecture": _hash(str(shapes)),
        "latent space": space.hexdigest(),
        "noise schedule": _hash(schedule.table),
    }
    return Identity(digest.hexdigest(), kin, words.hexdigest())


def network_fingerprint(network: Any, facts: Sequence[str]) -> str:
    """Hash (32 hex digits) of a network's weights as stored, and of what else decides answers."""
    digest = blake2b(digest_size=16)
    _add_weights(digest, network)
    for text in facts:
        digest.update(text.encode())
    return digest.hexdigest()


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _add_weights(digest: Any, network: Any) -> None:
    """Add a network's weights: those that are not quantised in float32, whatever they lie in."""
    whole = not is_quantised(network)
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        for stored in plain_tensors(value):
            shown = stored.float() if whole and stored.is_floating_point() else stored
            digest.update(_bytes(shown))


def _bytes(stored: Tensor) -> Any:
    raw = stored.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return raw.numpy().data
