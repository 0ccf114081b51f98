"""Calibration: a rule and a threshold fitted on shadow records and applied to the target's.

The threshold τ maximises the balanced accuracy ½·(TPR(τ) + TNR(τ)) of the shadow's scores; those of
a flexible rule are cross-fitted over `FOLDS` folds, so that τ fits scores of records unseen.
"""

from dataclasses import dataclass

import numpy as np

from lit_clid.judging.roc import curve
from lit_clid.judging.rule import Rule

FOLDS = 5


@dataclass(frozen=True)
class Verdict:
    """One attack's scores of the target's records.

    Args:
        score: (N,), larger = more member-like.
        threshold: score from which a record is called a member, carried over from shadow; None
            without a shadow.
        rule: what was fitted, in words.
        shadow_score: scores of the shadow's records (M,), cross-fitted if the rule is flexible;
            None without a shadow.
        fitted: the rule that gave them; None for scores from elsewhere.
    """

    score: np.ndarray
    threshold: float | None
    rule: str
    shadow_score: np.ndarray | None = None
    fitted: Rule | None = None


def calibrate(
    rule: Rule,
    columns: np.ndarray,
    shadow: tuple[np.ndarray, np.ndarray] | None,
    image: np.ndarray | None = None,
) -> Verdict | None:
    """Score the target's records with a rule fitted on the shadow's.

    Without a shadow the rule's prior is used and there is no threshold; None if there is no prior.

    Args:
        rule: not fitted yet.
        columns: of the target's records, (N, F).
        shadow: of the shadow's, (M, F), and who is a member, (M,).
        image: of each of the shadow's (M,), where records share images.
    """
    if shadow is None:
        prior = rule.prior(columns)
        if prior is None:
            return None
        return Verdict(prior.score(columns), None, prior.describe(), fitted=prior)
    fitted = rule.fit(*shadow)
    held_out = fitted.score(shadow[0])
    if rule.flexible:
        held_out = cross_fitted(rule, *shadow, image)
    threshold = best_threshold(held_out, shadow[1])
    return Verdict(fitted.score(columns), threshold, fitted.describe(), held_out, fitted)


def cross_fitted(
    rule: Rule, columns: np.ndarray, member: np.ndarray, image: np.ndarray | None = None
) -> np.ndarray:
    """Score each shadow record (M,) by a rule fitted on the other folds, which never saw it.

    Args:
        rule: not fitted yet.
        columns: of the shadow's records, (M, F).
        member: (M,) bool; with fewer than two of a kind there are no folds, and the fit sees all.
        image: of each record (M,), whose records are in one fold; None where each has its own.
    """
    from sklearn.model_selection import StratifiedKFold

    score = np.empty(len(member))
    number = np.arange(len(member)) if image is None else image
    _, heads, place = np.unique(number, return_index=True, return_inverse=True)
    kinds = member[heads]
    smallest = int(min(kinds.sum(), (~kinds).sum()))
    if smallest < 2:
        return rule.fit(columns, member).score(columns)
    folds = StratifiedKFold(min(FOLDS, smallest), shuffle=True, random_state=0)
    for _, own in folds.split(heads, kinds):
        test = np.isin(place, own)
        train = ~test
        score[test] = rule.fit(columns[train], member[train]).score(columns[test])
    return score


def best_threshold(score: np.ndarray, member: np.ndarray) -> float:
    """The threshold of largest balanced accuracy, midway between the scores it parts.

    Args:
        score: (M,), larger = more member-like.
        member: (M,) bool.
    """
    roc = curve(score, member)
    best = int(np.argmax(roc.tpr + 1 - roc.fpr))
    distinct = np.unique(score)[::-1]
    if best == 0:
        return float(np.nextafter(distinct[0], np.inf))
    below = distinct[best] if best < len(distinct) else distinct[best - 1]
    return float((distinct[best - 1] + below) / 2)
