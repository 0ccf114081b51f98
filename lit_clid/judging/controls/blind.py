"""The blind baseline: what an audit would find without the model.

It is a cross-fitted discriminant on features of captions and images that no model
has seen. Where it tells members (or suspects) from hold-outs, the two kinds come from different
sources, and a verdict on the model is downgraded.
"""

from dataclasses import dataclass

import numpy as np

from lit_clid.errors import UserError
from lit_clid.ids import Ids
from lit_clid.judging.controls.control import FIRES, QUIET, Control
from lit_clid.judging.controls.near import HASH
from lit_clid.judging.evidence import TAIL
from lit_clid.judging.showable import auroc_variance
from lit_clid.judging.suspects.combined import combined_test
from lit_clid.scores import Scores

LEVEL = 0.01
"""p at which the blind baseline is taken to tell the kinds apart."""
MOST = 1_000
"""Records of a kind that it looks at, drawn at random from more."""


@dataclass(frozen=True)
class Blind:
    """The blind baseline.

    Args:
        kind: who is told from hold-outs: "members" or "suspects".
        auroc: cross-fitted, in [0, 1].
        low, high: its 95 % interval, by the normal approximation of Hanley and McNeil (1982).
        p: of the permutation test, in (0, 1].
        strongest: the feature that alone tells most, and its AUROC, at least one half.
    """

    kind: str
    auroc: float
    p: float
    strongest: tuple[str, float]
    low: float = 0.0
    high: float = 1.0

    @property
    def fires(self) -> bool:
        """Whether the kinds differ without any model."""
        return self.p <= LEVEL and self.auroc > 0.5

    @property
    def control(self) -> Control:
        """What it came to."""
        name, value = self.strongest
        spread = f"[{self.low:.2f}, {self.high:.2f}]"
        figures = f"AUROC {self.auroc:.2f} {spread}, p = {self.p:.2g}"
        if self.fires:
            said = (
                f"Without the model, captions and images alone tell {self.kind} from hold-outs "
                f"({figures}; {name} alone {value:.2f}); they come from different sources, and the "
                "attacks may have found that instead of training."
            )
        else:
            said = (
                "Without the model, captions and small copies of the images do not show a "
                f"difference between {self.kind} and hold-outs ({figures})."
            )
        return Control(
            name="blind",
            title="Captions and images alone",
            state=FIRES if self.fires else QUIET,
            words=said,
            kind=self.kind,
            figures={
                "auroc": self.auroc,
                "auroc_low": self.low,
                "auroc_high": self.high,
                "p": self.p,
                "strongest_feature": name,
                "its_auroc": value,
                "fires": self.fires,
            },
        )


def blind_baselines(features: Scores, target: Scores) -> tuple[Blind, ...]:
    """The blind baseline of members against hold-outs, and of suspects, as far as there are any.

    Args:
        features: of audited records; signals are features.
        target: the table that is judged.

    Raises:
        UserError: if the features are of other records, or tell another membership.
    """
    if not _agree(features, target):
        raise UserError(
            f"{features.where}: speaks of other records than {target.where}; delete it, the next "
            "audit makes it again"
        )
    names = [name for name in features.signals if name not in HASH]
    columns = features.columns(names)
    outside = columns[~features.member]
    kinds = {"suspects" if features.claim else "members": columns[features.member]}
    if features.suspects is not None:
        kinds["suspects"] = features.suspects.columns(names)
    found = [_blind(kind, inside, outside, names) for kind, inside in kinds.items()]
    return tuple(each for each in found if each is not None)


def _agree(features: Scores, target: Scores) -> bool:
    """Whether all records of the features are the target's, and told alike."""
    (ids, member), (every, known) = (_told(table) for table in (features, target))
    place = every.places(ids)
    return bool((place >= 0).all() and (known[place] == member).all())


def _told(table: Scores) -> tuple[Ids, np.ndarray]:
    """Ids, and who is a member (N,): 1, 0, or 2 for a suspect."""
    ids, member = Ids(table.ids), table.member * (2 if table.claim else 1)
    if table.suspects is None:
        return ids, member
    nobody = np.full(len(table.suspects.ids), 2)
    return ids + table.suspects.ids, np.concatenate([member, nobody])


def _blind(kind: str, inside: np.ndarray, outside: np.ndarray, names: list[str]) -> Blind | None:
    dice = np.random.default_rng(0)
    ours, theirs = (_some(columns, dice) for columns in (inside, outside))
    test = combined_test(ours, theirs)
    if test is None:
        return None
    alone = [_alone(ours[:, k], theirs[:, k]) for k in range(len(names))]
    best = int(np.argmax(alone))
    spread = float(auroc_variance(np.array(test.auroc), len(ours), len(theirs))) ** 0.5
    if test.auroc in (0.0, 1.0):  # no spread is seen; the exact binomial end stands in
        spread = (1 - TAIL ** (1 / min(len(ours), len(theirs)))) / 1.96
    low, high = np.clip(test.auroc + np.array([-1.96, 1.96]) * spread, 0, 1).tolist()
    return Blind(kind, test.auroc, test.p, (names[best], alone[best]), low, high)


def _some(columns: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    if len(columns) <= MOST:
        return columns
    return columns[np.sort(dice.permutation(len(columns))[:MOST])]


def _alone(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The AUROC of one feature, whichever way it points."""
    ordered = np.sort(theirs)
    below = np.searchsorted(ordered, ours, "left") + np.searchsorted(ordered, ours, "right")
    area = float(below.mean()) / (2 * len(ordered))
    return max(area, 1 - area)
