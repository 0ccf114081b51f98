"""The gauge: how well members are told from hold-outs, against the steps of a training.

Look k = 1, 2, … at M members and N hold-outs speaks if its AUROC lies above the bar
½ + z(1 − α_k)·s, with s = √((M + N + 1) / (12·M·N)), the AUROC's standard error where members and
hold-outs are exchangeable (Mann and Whitney 1947), and z the normal quantile. The levels
α_k = α / (k·(k + 1)) sum to α over however many looks (Bonferroni with a budget that is spent as
one goes): of trainings that leak nothing at most a share α is ever said to memorise, whoever looks
how often, and no later look moves the bar of an earlier one. It memorises *from a step on* if that
look speaks and every later one stays above ½ + z(1 − α)·s.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any

import numpy as np

from lit_clid import console
from lit_clid.judging.evidence import Estimate, estimate, percentile_interval, replicate_means
from lit_clid.judging.roc import auroc

ALPHA = 0.05
"""Share of the trainings without a leak that may be said to memorise."""
ESTIMATES = ("auroc", "member_loss", "heldout_loss")


@dataclass(frozen=True)
class Reading:
    """One look at a training.

    Args:
        step: optimiser steps behind the weights.
        weights: that were measured: "trained", or their "averaged" ones.
        members, holdouts: how many were asked about.
        auroc: of the attack, in [0, 1], with its 95 % interval.
        member_loss, heldout_loss: mean denoising loss under the records' captions, with theirs.
    """

    step: int
    weights: str
    members: int
    holdouts: int
    auroc: Estimate
    member_loss: Estimate
    heldout_loss: Estimate

    @property
    def flat(self) -> dict[str, Any]:
        """As plain values by column: a figure, then its interval."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in ESTIMATES:
                ends = {f"{each.name}_low": value.low, f"{each.name}_high": value.high}
                found |= {each.name: value.value, **ends}
            else:
                found[each.name] = value
        return found

    @classmethod
    def of_flat(cls, flat: dict[str, Any]) -> "Reading":
        """What `flat` gave."""
        plain = {each.name: flat[each.name] for each in fields(cls)}
        for name in ESTIMATES:
            plain[name] = Estimate(flat[name], flat[f"{name}_low"], flat[f"{name}_high"])
        return cls(**plain)

    @property
    def spread(self) -> float:
        """s, the AUROC's standard error where nothing is known of the members."""
        m, n = self.members, self.holdouts
        return float(np.sqrt((m + n + 1) / (12 * m * n)))


def reading(
    step: int, score: np.ndarray, loss: np.ndarray, member: np.ndarray, weights: str = "trained"
) -> Reading:
    """Measure what was asked at a step.

    Args:
        score: (N,), larger = more member-like.
        loss: (N,), of the records under their captions.
        member: (N,) bool.
    """
    return Reading(
        step=step,
        weights=weights,
        members=int(member.sum()),
        holdouts=int((~member).sum()),
        auroc=estimate({"auroc": auroc}, score, member)["auroc"],
        member_loss=_mean(loss[member]),
        heldout_loss=_mean(loss[~member]),
    )


def _mean(values: np.ndarray) -> Estimate:
    return percentile_interval(float(values.mean()), replicate_means(values))


def bar(look: int, spread: float, alpha: float = ALPHA) -> float:
    """The AUROC above which look k = 1, 2, … speaks."""
    return 0.5 + NormalDist().inv_cdf(1 - alpha / (look * (look + 1))) * spread


def bars(readings: Sequence[Reading], alpha: float = ALPHA) -> list[float]:
    """The bar of every look, steps rising."""
    return [bar(k, each.spread, alpha) for k, each in enumerate(readings, 1)]


def first_look(readings: Sequence[Reading], alpha: float = ALPHA) -> int | None:
    """The index of the look from which on it memorises, or None; steps rise."""
    plain = NormalDist().inv_cdf(1 - alpha)
    stays = [each.auroc.value > 0.5 + plain * each.spread for each in readings]
    for k, height in enumerate(bars(readings, alpha)):
        if readings[k].auroc.value > height and all(stays[k:]):
            return k
    return None


def first_step(readings: Sequence[Reading], alpha: float = ALPHA) -> int | None:
    """The step from which on it memorises, or None where no look shows that."""
    look = first_look(readings, alpha)
    return None if look is None else readings[look].step


def sentence(readings: Sequence[Reading], alpha: float = ALPHA) -> str:
    """From which step on does it memorise?"""
    if not readings:
        return "Nothing was measured."
    look = first_look(readings, alpha)
    if look is None:
        last = readings[-1]
        return (
            f"None of the {len(readings)} measurements shows that it memorises (at step "
            f"{last.step}: AUROC {_figure(last.auroc)}, {last.members} members and "
            f"{last.holdouts} hold-outs)."
        )
    found = readings[look]
    if look == 0:
        why = "before this training: " if found.step == 0 else "the first that was measured: "
        known = "the base knew the members" if found.step == 0 else "it began by then"
        return (
            f"Members and hold-outs are told apart already at step {found.step}, {why}AUROC "
            f"{_figure(found.auroc)}; {known}, or they differ in more than training."
        )
    before = readings[look - 1]
    return (
        f"It memorises from step {found.step} on: AUROC {_figure(found.auroc)}, after "
        f"{_figure(before.auroc)} at step {before.step}. Of trainings that leak nothing at most "
        f"{100 * alpha:g} % are ever said to."
    )


def as_csv(readings: Sequence[Reading]) -> str:
    """A line for each look: its figures with their intervals, and the bar of its AUROC."""
    out = io.StringIO()
    lines = [{**each.flat, "auroc_bar": height} for each, height in rows(readings)]
    writer = csv.DictWriter(out, list(lines[0]) if lines else ["step"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def rows(readings: Sequence[Reading]) -> list[tuple[Reading, float]]:
    """Every look with its bar."""
    return list(zip(readings, bars(readings), strict=True))


def table(readings: Sequence[Reading]) -> str:
    """The looks for a terminal."""
    head = ("step", "AUROC", "speaks above", "member loss", "held-out loss")
    lines = [head]
    for each, height in rows(readings):
        losses = (f"{each.member_loss.value:.4f}", f"{each.heldout_loss.value:.4f}")
        lines.append((str(each.step), _figure(each.auroc), f"{height:.3f}", *losses))
    return console.aligned(lines, ruled=True)


def _figure(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
