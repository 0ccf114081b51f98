"""Captions swapped between records: is it the pair of image and caption that was remembered?

Some records of each kind are asked again by an attack that lives on captions, each with the caption
of another record of its kind. What such an attack still tells then is not of the pair: the model
remembers images whatever is said of them, or the kinds differ in something else.
"""

import numpy as np

from lit_clid.judging.calibration import calibrate
from lit_clid.judging.controls.control import NOTICE, QUIET, Control
from lit_clid.judging.evidence import estimate, paired_auroc_difference
from lit_clid.judging.roc import auroc
from lit_clid.judging.rules import RULES
from lit_clid.judging.trials import Trial
from lit_clid.scores import Scores


def pairing(swapped: Scores, target: Scores, trial: Trial, attack: str) -> list[Control]:
    """What the attack tells with captions swapped, beside what it tells of the same records.

    Args:
        swapped: the table of the swapped captions.
        target: the table that is judged.
        trial: of the attack on the target's table.
        attack: its name.
    """
    place = {name: k for k, name in enumerate(target.ids)}
    rows = [place[name] for name in swapped.ids if name in place]
    if len(rows) < len(swapped.ids):
        return []
    spec = swapped.about.attacks[attack]
    score: list[np.ndarray] = []
    for columns in (trial.columns[rows], swapped.columns(spec.columns)):
        verdict = calibrate(RULES[trial.rule], columns, trial.fit_on)
        if verdict is None:
            return []
        score.append(verdict.score)
    member, kind = swapped.member, "suspects" if swapped.claim else "members"
    own, other = (estimate({"auroc": auroc}, each, member)["auroc"] for each in score)
    lost = paired_auroc_difference(score[0], score[1], member)
    still = other.low > 0.5
    said = (
        f"With the captions of other {kind} or hold-outs, {attack} has an AUROC of "
        f"{other.value:.2f} [{other.low:.2f}, {other.high:.2f}] instead of {own.value:.2f} on the "
        f"same {len(rows)} records: "
    )
    if own.low <= 0.5:
        said += "with its own captions it tells too little for a comparison."
    elif lost.low <= 0:
        said += "whether it tells more of the pair than of the image is not shown."
    elif still:
        said += "a part of what it tells is of the pair of image and caption, a part is not."
    else:
        said += "what it shows is of the pair of image and caption."
    figures = {
        "attack": attack,
        "auroc": own.as_json(),
        "auroc_swapped": other.as_json(),
        "difference": lost.as_json(),
    }
    title = "Captions swapped between records"
    return [Control("swapped_captions", title, NOTICE if still else QUIET, said, kind, figures)]
