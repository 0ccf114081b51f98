"""Data: any captioned-image source, split once into members and hold-outs of target and shadow."""

from lit_clid.data.deal import ROLES
from lit_clid.data.module import CaptionedImages, Records
from lit_clid.data.options import DataOptions
from lit_clid.data.split import Split, load_split
from lit_clid.data.stream import Poisson, PoissonStream, TrainingStream

__all__ = [
    "ROLES",
    "CaptionedImages",
    "DataOptions",
    "Poisson",
    "PoissonStream",
    "Records",
    "Split",
    "TrainingStream",
    "load_split",
]
