"""Utility: how well a trained model still draws, by the images that it makes."""

from lit_clid.auditing.utility.features import Features, clip_score, features_named
from lit_clid.auditing.utility.frechet import frechet_distance

__all__ = ["Features", "clip_score", "features_named", "frechet_distance"]
