"""The families by the class that model_index.json names. Adding one is a file and a line here."""

from lit_clid.models.families.family import Family
from lit_clid.models.families.sd3 import SD3
from lit_clid.models.families.sdxl import SDXL
from lit_clid.models.families.stable_diffusion import STABLE_DIFFUSION

FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": STABLE_DIFFUSION,
    "StableDiffusionXLPipeline": SDXL,
    "StableDiffusion3Pipeline": SD3,
}

__all__ = ["FAMILIES", "Family"]
