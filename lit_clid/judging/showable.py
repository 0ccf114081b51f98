"""What so many records can show: the smallest AUROC that an audit of their size finds."""

import numpy as np

from lit_clid.judging.evidence import TAIL

POWER = 0.9


def smallest_auroc(members: int, holdouts: int, critical: float | None = None) -> float | None:
    """The smallest true AUROC that is told from one half nine times in ten; None if none is.

    By the normal approximation with the variance of Hanley and McNeil (1982).

    Args:
        members, holdouts: numbers of records.
        critical: AUROC from which something is found, in [½, 1]; None where an interval has to lie
            above one half.
    """
    from scipy.stats import norm

    true = np.linspace(0.5, 1.0, 2001)
    spread = np.sqrt(auroc_variance(true, members, holdouts))
    beyond = critical or 0.5
    margin = 0.0 if critical else norm.ppf(1 - TAIL)
    found = np.flatnonzero(true - (margin + norm.ppf(POWER)) * spread >= beyond)
    return float(true[found[0]]) if len(found) and true[found[0]] < 1 else None


def auroc_variance(auroc: np.ndarray, members: int, holdouts: int) -> np.ndarray:
    """Variance of an AUROC's estimate where the true one is `auroc` (K,), in [0, 1]."""
    twice_members = auroc / (2 - auroc) - auroc**2
    twice_holdouts = 2 * auroc**2 / (1 + auroc) - auroc**2
    pairs = auroc * (1 - auroc)
    weighed = (members - 1) * twice_members + (holdouts - 1) * twice_holdouts
    found: np.ndarray = (pairs + weighed) / (members * holdouts)
    return found
