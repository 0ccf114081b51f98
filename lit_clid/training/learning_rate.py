"""Learning-rate schedules: a factor of the base rate by optimiser step n, after W of warm-up.

n < W: n / W    then, constant: 1    or, cosine: ½ (1 + cos(π (n − W) / (N − W)))
"""

from collections.abc import Callable
from math import cos, pi

Factor = Callable[[int], float]


def constant(warmup: int, steps: int) -> Factor:
    """One after the warm-up; `steps` are not asked about."""
    return lambda n: n / warmup if n < warmup else 1.0


def cosine(warmup: int, steps: int) -> Factor:
    """Half a cosine from one to zero at step N = `steps`."""

    def factor(n: int) -> float:
        if n < warmup:
            return n / warmup
        progress = (n - warmup) / max(1, steps - warmup)
        return max(0.0, 0.5 * (1.0 + cos(pi * progress)))

    return factor


SCHEDULES: dict[str, Callable[[int, int], Factor]] = {"constant": constant, "cosine": cosine}
"""(steps of warm-up, steps in all) → the factor, by `finetune.schedule`."""
