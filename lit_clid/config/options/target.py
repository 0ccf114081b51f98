"""Options of the base model, and the precisions a denoiser runs in."""

from dataclasses import dataclass

PRECISIONS = ("32", "bf16", "16")
"""Of the denoiser; VAE and text encoder stay in float32."""


@dataclass(frozen=True)
class TargetOptions:
    """The base that `lit-clid train` tunes.

    Args:
        path: diffusers folder, hub id, or "demo" for the embedded base.
        variant: weight variant to load, such as "fp16"; null takes the plain files or, in a folder
            without them, the only variant there is.
    """

    path: str = "demo"
    variant: str | None = None
