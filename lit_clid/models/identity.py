"""Which model it is: hashes of what decides its answers, and of what two models must share."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import torch

from lit_clid.models.latents import Latents
from lit_clid.models.quantised import plain_tensors
from lit_clid.models.schedules import Schedule


def fingerprint(
    networks: Sequence[Any], schedule: Schedule, latents: Latents, tokenizers: Sequence[Any]
) -> str:
    """Hash (32 hex digits) of the weights as stored, schedule, scaling and tokenizers."""
    digest = blake2b(digest_size=16)
    for network in networks:
        _add_weights(digest, network)
    for text in (*schedule.facts, latents.facts):
        digest.update(text.encode())
    for tokenizer in tokenizers:
        words = (sorted(tokenizer.get_vocab().items()), tokenizer.model_max_length)
        digest.update(str(words).encode())
    return digest.hexdigest()


def kinship(network: Any, schedule: Schedule, latents: Latents) -> dict[str, str]:
    """What two models must share for their answers to be compared; hashes by name."""
    shapes = [(name, tuple(value.shape)) for name, value in sorted(network.state_dict().items())]
    space = blake2b(digest_size=16)
    for part in latents.networks:
        _add_weights(space, part)
    space.update(latents.facts.encode())
    return {
        "architecture": _hash(str(shapes)),
        "latent space": space.hexdigest(),
        "noise schedule": _hash(schedule.table),
    }


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
    """Add a network's weights, as stored."""
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        for stored in plain_tensors(value):
            raw = stored.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(raw.numpy().data)
