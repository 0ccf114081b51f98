"""Tables of a sweep, made up: members have lower losses near one timestep."""

import numpy as np

from lit_clid.auditing.attacks import CLiD, CLiR, Loss
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.swept import Losses, Swept

STEPS = tuple(range(100, 1000, 100))


def losses(best: int, gap: float = 0.5, n: int = 100, seed: int = 0, draws: int = 2) -> Losses:
    """Members have a lower loss under the caption near `best`; the empty caption tells nothing."""
    rng = np.random.default_rng(seed)
    member = np.arange(2 * n) % 2 == 0
    told = gap * np.exp(-(((np.array(STEPS) - best) / 120) ** 2))
    cells = {}
    for t, draw, condition in Grid(STEPS, draws).cells:
        seen = told[STEPS.index(t)] * member * (condition == "caption")
        cells[t, draw, condition] = np.exp(rng.normal(0, 0.3, 2 * n) - seen)
    return Losses(STEPS, draws, cells, member)


KINDS = {
    "loss": Swept(Loss(), "t"),
    "discrepancy": Swept(CLiD("null"), "t"),
    "noisy ratio": Swept(CLiR(), "t"),
    "still ratio": Swept(CLiR(), "still"),
}
