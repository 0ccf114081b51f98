"""The records: which suspects to name, at a chosen share of wrong names.

A suspect's conformal p-value is p = (1 + #{hold-outs ≥ s}) / (n + 1) (Vovk et al. 2005); without
the ones it is no p-value. Benjamini and Hochberg (1995) name the R suspects of smallest p, R the
largest with p_(R) ≤ q·R/m, which keeps the expected share of wrong names at q or below although all
p-values rest on the same hold-outs (Bates et al. 2023). The expectation is over many audits, those
that name nobody among them: it does not say how many names of one list are wrong.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Listing:
    """Suspects named at a false-discovery rate.

    Args:
        rate: q; over many audits the share of wrong names is at most this on average.
        p: conformal p-value of every suspect (M,), in (0, 1].
        q: the smallest rate at which each is named (M,), in (0, 1].
        named: places of those that are named at `rate`, smallest p first.
        smallest_p: 1 / (n + 1), the smallest that n hold-outs can give.
    """

    rate: float
    p: np.ndarray
    q: np.ndarray
    named: tuple[int, ...]
    smallest_p: float

    @property
    def fewest(self) -> int:
        """A list names so many at once or none: m / (q·(n + 1)), rounded up."""
        return ceil(len(self.p) * self.smallest_p / self.rate - 1e-9)

    def as_json(self) -> dict[str, Any]:
        return {
            "false_discovery_rate": self.rate,
            "named": len(self.named),
            "smallest_p": self.smallest_p,
            "fewest_names_at_once": self.fewest,
        }


def conformal_p(suspects: np.ndarray, holdouts: np.ndarray) -> np.ndarray:
    """(1 + #{hold-outs ≥ s}) / (n + 1) of every suspect (M,).

    Args:
        suspects: scores (M,).
        holdouts: scores (n,).
    """
    ordered = np.sort(holdouts)
    reaching = len(ordered) - np.searchsorted(ordered, suspects, side="left")
    p: np.ndarray = (1 + reaching) / (len(ordered) + 1)
    return p


def adjusted(p: np.ndarray) -> np.ndarray:
    """The smallest rate (M,) at which each would be named: min_{j ≥ k} m·p_(j)/j."""
    from scipy.stats import false_discovery_control

    q: np.ndarray = false_discovery_control(p, method="bh")
    return q


def list_suspects(suspects: np.ndarray, holdouts: np.ndarray, rate: float) -> Listing:
    """Name the suspects at a false-discovery rate.

    Args:
        suspects: scores (M,).
        holdouts: scores (n,).
        rate: q, in (0, 1).
    """
    p = conformal_p(suspects, holdouts)
    q = adjusted(p)
    order = np.argsort(p, kind="stable")
    named = tuple(int(k) for k in order if q[k] <= rate + 1e-12)
    return Listing(rate, p, q, named, 1 / (len(holdouts) + 1))
