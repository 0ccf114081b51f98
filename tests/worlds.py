"""Worlds whose truth is known: suspects of which a share are members, beside hold-outs."""

import numpy as np


def world(
    seed: int, suspects: int, holdouts: int, share: float, shift: float = 1.19
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of suspects and of hold-outs, and which suspects are members.

    Members score N(`shift`, 1), hold-outs N(0, 1); 1.19 is an AUROC of 0.8.
    """
    dice = np.random.default_rng(seed)
    member = np.arange(suspects) < round(share * suspects)
    return dice.normal(size=suspects) + shift * member, dice.normal(size=holdouts), member


def shadow_of(seed: int, count: int = 500, shift: float = 1.19) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a shadow's records, half of them members, and which."""
    dice = np.random.default_rng(10**6 + seed)
    member = np.arange(2 * count) < count
    return dice.normal(size=2 * count) + shift * member, member


def within(rate: float, nominal: float, worlds: int) -> bool:
    """A rate over so many worlds is at most the nominal one, but for three standard errors."""
    return rate <= nominal + 3 * (nominal * (1 - nominal) / worlds) ** 0.5
