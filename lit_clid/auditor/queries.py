"""What the attacks will ask, counted before any model is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lit_clid.attacks import Attack, column_names
from lit_clid.diffusion import Target
from lit_clid.errors import UserError
from lit_clid.oracle import Count, Oracle, Records
from lit_clid.rules import RULES


class _Silent(Target):
    """Answers zeros without a network: for counting what the attacks ask."""

    timesteps, end_token, rows = 1000, "", 64

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return 1, 1, 1

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return torch.zeros(len(images), 1, 1, 1)

    def embed(self, captions: Sequence[str]) -> Tensor:
        return torch.zeros(len(captions), 1, 2)

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return torch.zeros(len(captions), 1)

    def eps(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return torch.zeros_like(z_t)

    def schedule(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones(len(t)), torch.ones(len(t))


def count_queries(attacks: Mapping[str, Attack]) -> dict[str, Count]:
    """Queries per record of each attack: as if it ran alone (`asked`), and sharing answers (`evaluated`)."""
    oracle = Oracle(_Silent(), Records(("a",), torch.zeros(1, 3, 1, 1), ("a caption of six short words",)))
    counts = {}
    for name, attack in attacks.items():
        attack.signal(oracle)
        counts[name] = oracle.count()
    return counts


def check_attacks(attacks: Mapping[str, Attack], timesteps: int) -> None:
    """Refuse, before any query, attacks that this model or this machine cannot serve."""
    for name, attack in attacks.items():
        RULES[attack.rule].check()
        try:
            attack.check(timesteps)
        except ValueError as error:
            raise UserError(f"attacks.{name}: {error}") from None


def describe_attacks(attacks: Mapping[str, Attack]) -> dict[str, Any]:
    """What the judgement needs to know of each attack: title, columns, rule and queries."""
    counts = count_queries(attacks)
    return {
        name: {
            "title": attack.title,
            "columns": list(column_names(name, attack)),
            "rule": attack.rule,
            "queries": counts[name].asked,
        }
        for name, attack in attacks.items()
    }


def announce(role: str, model: str, attacks: Mapping[str, Attack], pending: int, finished: int) -> str:
    """How many queries the audit of one model will make."""
    counts = count_queries(attacks)
    each = sum(count.evaluated for count in counts.values())
    alone = sum(count.asked for count in counts.values())
    done = f" ({finished} records were finished before)" if finished else ""
    shared = f"; asked one by one the {len(counts)} attacks would make {alone} per record" if alone > each else ""
    return f"{role} {model}: {pending} records × {each} queries = {pending * each:,} queries{done}{shared}"
