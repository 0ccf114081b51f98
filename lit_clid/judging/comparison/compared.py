"""What a comparison of defenses came to: privacy and utility of each, as means over its seeds.

Privacy is the AUROC of attacks, in [0, 1]; utility the held-out denoising loss ℓ(c) under the
captions and the caption gain ℓ(∅) − ℓ(c). A change is the defense's figure minus the baseline's,
paired by seed and record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lit_clid.judging.comparison.strongest import Place, Strongest, front
from lit_clid.judging.evidence import Unresolved
from lit_clid.judging.pooled import Pooled


@dataclass(frozen=True)
class Against:
    """One attack against one defense, over seeds.

    Args:
        auroc: in [0, 1].
        tpr_at_1: TPR at 1 % FPR, in [0, 1]; unresolved with fewer than a hundred hold-outs.
        change: AUROC minus that without the defense, in [−1, 1]; unresolved for the baseline, and
            where no run of it has equal records.
    """

    auroc: Pooled
    tpr_at_1: Pooled | Unresolved
    change: Pooled | Unresolved

    def as_json(self) -> dict[str, Any]:
        return {
            "auroc": self.auroc.as_json(),
            "tpr_at_1_percent_fpr": _json(self.tpr_at_1),
            "auroc_minus_baseline": _json(self.change),
        }


@dataclass(frozen=True)
class Defended:
    """What a defense came to, over its S seeds.

    Args:
        seeds: that were trained and audited.
        steps: at which each run's exported weights stood.
        attacks: by name.
        strongest: the attack that tells most: a defense is worth what the best attacker is left
            with.
        loss: held-out denoising loss.
        loss_change: its change relative to the baseline's, 0.01 for one percent worse; unresolved
            where `change` is.
        gain: how much captions lower it.
        gap: held-out minus members' loss, of each seed.
        frechet: Fréchet distance of samples to the hold-outs, of each seed where measured.
        frechet_floor: the same of the members' images in place of samples.
        clip_score: of each seed's samples where measured.
        epsilon: (ε, δ) of private training, the largest over seeds.
    """

    seeds: tuple[int, ...]
    steps: tuple[int, ...]
    attacks: Mapping[str, Against]
    strongest: Strongest
    loss: Pooled
    loss_change: Pooled | Unresolved
    gain: Pooled
    gap: tuple[float, ...]
    frechet: tuple[float, ...] = ()
    frechet_floor: tuple[float, ...] = ()
    clip_score: tuple[float, ...] = ()
    epsilon: tuple[float, float] | None = None

    @property
    def place(self) -> Place:
        """AUROC of the strongest attack and held-out loss; below an AUROC of one half nobody is
        better off than at one half.
        """
        return max(0.5, self.strongest.auroc.value), self.loss.value

    def as_json(self) -> dict[str, Any]:
        private = self.epsilon
        return {
            "seeds": list(self.seeds),
            "steps": list(self.steps),
            "strongest_attack": self.strongest.name,
            "strongest": {
                "of_each_seed": list(self.strongest.attacks),
                "chosen_on": self.strongest.chosen_on,
                "auroc": self.strongest.auroc.as_json(),
            },
            "attacks": {name: against.as_json() for name, against in self.attacks.items()},
            "heldout_loss": self.loss.as_json(),
            "heldout_loss_relative_change": _json(self.loss_change),
            "caption_gain": self.gain.as_json(),
            "generalisation_gap": list(self.gap),
            "frechet": list(self.frechet),
            "frechet_of_members_images": list(self.frechet_floor),
            "clip_score": list(self.clip_score),
            "epsilon": None if private is None else {"value": private[0], "delta": private[1]},
        }


@dataclass(frozen=True)
class Point:
    """One point of a trajectory.

    Args:
        steps_per_image: optimiser steps per member.
        passes: how often each member was seen.
        seeds: how many reached it.
        attacks: by name, without changes.
        loss: held-out denoising loss.
    """

    steps_per_image: float
    passes: float
    seeds: int
    attacks: Mapping[str, Against]
    loss: Pooled

    def as_json(self) -> dict[str, Any]:
        return {
            "steps_per_image": self.steps_per_image,
            "passes": self.passes,
            "seeds": self.seeds,
            "attacks": {name: against.as_json() for name, against in self.attacks.items()},
            "heldout_loss": self.loss.as_json(),
        }


@dataclass(frozen=True)
class Comparison:
    """All defenses of a grid.

    Args:
        baseline: what the others are compared with.
        headline: the attack of which changes are told first.
        chosen: how it was, "named" beforehand or, as the strongest on the baseline, on "the shadow"
            or "these very records".
        titles: how people call each attack.
        defenses: by name; those of which no cell is there are left out.
        pareto_share: in which share of the bootstrap replicates each defense is on the Pareto
            front, in [0, 1].
        trajectories: defense → its points, in rising order, at least two.
        unfinished: cells that failed or were not reached, with the reason.
    """

    baseline: str
    headline: str
    chosen: str
    titles: Mapping[str, str]
    defenses: Mapping[str, Defended]
    pareto_share: Mapping[str, float]
    trajectories: Mapping[str, tuple[Point, ...]]
    unfinished: Mapping[str, str] = field(default_factory=dict)

    @property
    def pareto(self) -> list[str]:
        """Defenses that no other beats in both the strongest AUROC and the held-out loss, by their
        point estimates.
        """
        return front({name: defended.place for name, defended in self.defenses.items()})

    def as_json(self) -> dict[str, Any]:
        trajectories: dict[str, Any] = {}
        for name, points in self.trajectories.items():
            trajectories[name] = [point.as_json() for point in points]
        return {
            "baseline": self.baseline,
            "headline": self.headline,
            "headline_chosen": self.chosen,
            "attacks": dict(self.titles),
            "defenses": {name: defended.as_json() for name, defended in self.defenses.items()},
            "pareto": self.pareto,
            "pareto_share": dict(self.pareto_share),
            "trajectories": trajectories,
            "unfinished": dict(self.unfinished),
        }


def _json(figure: Pooled | Unresolved) -> dict[str, Any] | None:
    """Null for what is unresolved, as comparison.json has always said it."""
    return figure.as_json() if isinstance(figure, Pooled) else None
