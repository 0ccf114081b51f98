"""Data: any captioned-image source, split once into members and hold-outs of target and shadow."""

from lit_clid.data.deal import ROLES
from lit_clid.data.module import CaptionedImages, TrainingStream
from lit_clid.data.options import DataOptions
from lit_clid.data.split import Split, load_split

__all__ = ["ROLES", "CaptionedImages", "DataOptions", "Split", "TrainingStream", "load_split"]
