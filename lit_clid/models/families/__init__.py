"""The families by the class that model_index.json names. Adding one is a file and a line here."""

from lit_clid.models.families.aura_flow import AURA_FLOW
from lit_clid.models.families.chroma import CHROMA
from lit_clid.models.families.deepfloyd_if import DEEPFLOYD_IF
from lit_clid.models.families.family import Family
from lit_clid.models.families.flux import FLUX
from lit_clid.models.families.flux2 import FLUX2_KLEIN
from lit_clid.models.families.kolors import KOLORS
from lit_clid.models.families.lumina2 import LUMINA2
from lit_clid.models.families.pixart import PIXART_ALPHA, PIXART_SIGMA
from lit_clid.models.families.qwen_image import QWEN_IMAGE
from lit_clid.models.families.sana import SANA
from lit_clid.models.families.sd3 import SD3
from lit_clid.models.families.sdxl import SDXL
from lit_clid.models.families.stable_diffusion import STABLE_DIFFUSION
from lit_clid.models.families.z_image import Z_IMAGE
from lit_clid.plugins import Plugged

FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": STABLE_DIFFUSION,
    "StableDiffusionXLPipeline": SDXL,
    "StableDiffusion3Pipeline": SD3,
    "FluxPipeline": FLUX,
    "Flux2KleinPipeline": FLUX2_KLEIN,
    "ChromaPipeline": CHROMA,
    "QwenImagePipeline": QWEN_IMAGE,
    "ZImagePipeline": Z_IMAGE,
    "Lumina2Pipeline": LUMINA2,
    "SanaPipeline": SANA,
    "AuraFlowPipeline": AURA_FLOW,
    "PixArtAlphaPipeline": PIXART_ALPHA,
    "PixArtSigmaPipeline": PIXART_SIGMA,
    "KolorsPipeline": KOLORS,
    "IFPipeline": DEEPFLOYD_IF,
}

KNOWN = Plugged(FAMILIES, "family", Family)
"""These, and those of plug-ins."""

__all__ = ["FAMILIES", "KNOWN", "Family"]
