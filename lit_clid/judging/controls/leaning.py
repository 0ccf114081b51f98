"""What the scores lean on: how long a caption is, and how complex an image.

Losses are lower on plain images and short captions, whoever was trained on them. Where members and
hold-outs differ in that, the blind baseline says so; where they do not, it is noise that can be
regressed out.
"""

from collections.abc import Mapping

import numpy as np

from lit_clid.judging.controls.control import NOTICE, QUIET, Control
from lit_clid.judging.maximum import midranks
from lit_clid.judging.roc import auroc, curve

LEANS = 0.3
"""|Spearman's ρ| among hold-outs from which a reader is told."""
FEATURES = {"caption_words": "caption length", "image_bytes": "image complexity"}
FEWEST = 20
"""Hold-outs below which a correlation says nothing."""


def leaning(
    score: np.ndarray, member: np.ndarray, features: Mapping[str, np.ndarray], kind: str
) -> list[Control]:
    """How the headline's score goes with caption length and image complexity.

    Args:
        score: (N,), larger = more member-like.
        member: (N,) bool; the suspects of a claim.
        features: of the same records by name, (N,) each; those of `FEATURES` are looked at.
        kind: what they are called.
    """
    known = {name: features[name] for name in FEATURES if name in features}
    outside = ~member
    varied = {name: x for name, x in known.items() if x[outside].max() > x[outside].min()}
    if outside.sum() < FEWEST or not varied or score[outside].max() == score[outside].min():
        return []
    rho = {name: spearman(score[outside], x[outside]) for name, x in varied.items()}
    before, after = (float(auroc(curve(s, member))) for s in (score, _less(score, outside, varied)))
    leans = [name for name, value in rho.items() if abs(value) >= LEANS]
    told = ", ".join(f"{FEATURES[name]} {value:+.2f}" for name, value in rho.items())
    told = told.replace("-", "−")
    said = (
        f"Among hold-outs the score goes with {told} (Spearman's ρ); with that regressed out, its "
        f"AUROC is {after:.3f} instead of {before:.3f}."
    )
    figures = {"spearman": rho, "auroc": before, "auroc_regressed_out": after}
    state = NOTICE if leans else QUIET
    return [Control("leaning", "Caption length and complexity", state, said, kind, figures)]


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of the ranks of two columns (N,), ties at their mean."""
    return float(np.corrcoef(midranks(first), midranks(second))[0, 1])


def _less(score: np.ndarray, outside: np.ndarray, features: Mapping[str, np.ndarray]) -> np.ndarray:
    """The score minus what the features' ranks predict of it, by least squares on the hold-outs."""
    ranks = [midranks(x) / len(x) for x in features.values()]
    design = np.column_stack([np.ones(len(score)), *ranks])
    weights, *_ = np.linalg.lstsq(design[outside], score[outside], rcond=None)
    residual: np.ndarray = score - design @ weights
    return residual
