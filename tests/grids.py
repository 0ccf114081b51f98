"""Audited models of a grid whose truth is known, for the comparison of defenses."""

import numpy as np

from lit_clid.judging.comparison import Comparison, Measured, Usefulness, compare


def measured(
    defense: str,
    seed: int,
    shift: float,
    loss: float,
    *,
    step: int = 100,
    final: bool = True,
    holdouts: int = 200,
) -> Measured:
    """Scores of 200 shifted members and of hold-outs; noise depends on the seed alone."""
    dice = np.random.default_rng(seed)
    n = 200 + holdouts
    member = np.arange(n) < 200
    noise, base = dice.normal(size=n), dice.gamma(4, 1, size=holdouts)
    useful = Usefulness(loss * base, 0.1 * base, 0.9 * float(base.mean()))
    ids = tuple(f"r{k:03d}" for k in range(n))
    scores = {"weak": noise + 0.3 * shift * member, "strong": noise + shift * member}
    return Measured(defense, seed, step, step / 200, step / 20, final, ids, member, scores, useful)


TITLES = {"weak": "Weak", "strong": "Strong"}


def grid_of(*models: Measured) -> Comparison:
    found = compare(models, "none", TITLES, {})
    assert found is not None
    return found
