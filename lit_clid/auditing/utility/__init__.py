"""Utility: how well a trained model still does what it was tuned for, on records it has not
seen.
"""

from lit_clid.auditing.utility.denoising import DENOISING, Denoising, denoising
from lit_clid.auditing.utility.features import Features, clip_score, features_named
from lit_clid.auditing.utility.frechet import frechet_distance
from lit_clid.models.samples import Samples, draw_samples

__all__ = [
    "DENOISING",
    "Denoising",
    "Features",
    "Samples",
    "clip_score",
    "denoising",
    "draw_samples",
    "features_named",
    "frechet_distance",
]
