"""Options of the base model, and the precisions a denoiser runs in."""

from dataclasses import asdict, dataclass, field

from lit_clid.source import Source

PRECISIONS = ("32", "bf16", "16")
"""Of the denoiser; VAE and text encoder stay in float32."""


@dataclass(frozen=True)
class TargetOptions:
    """The base that `lit-clid train` tunes; with `lora`, `network` or `textual_inversion` also the
    model that `lit-clid audit` asks where the run has trained none, and without them its reference.

    Args:
        path: diffusers folder, hub id, "demo" for the embedded base, or a single file
            (.safetensors) of a whole pipeline. Of hub ids here, in `audit` and in `data`
            "owner/name@revision" is a branch, tag or commit.
        variant: weight variant to load, such as "fp16"; null takes the plain files or, in a folder
            without them, the only variant there is.
        revision: the same for `path` alone; null takes what it says, else the main branch.
        config: diffusers folder or hub id whose configs and tokenizers a single file is read with,
            be it `path` or one that `audit` names; null guesses the released pipeline that it is
            like, and needs the hub.
        network: U-Net or transformer that takes the place of the pipeline's own: a file
            (.safetensors), a folder of diffusers, or owner/name::file.
        lora: LoRA files (.safetensors of peft, diffusers or kohya) that are added to the weights;
            also a folder that holds one, or a hub id, owner/name or owner/name::file.
        lora_weights: what each of them is multiplied with; none means 1 for all.
        textual_inversion: files (.safetensors) of learned tokens, or hub ids likewise.
        offload: keep the text encoders on the CPU, and hand over what they make of a caption.
    """

    path: str = "demo"
    variant: str | None = None
    revision: str | None = None
    config: str | None = None
    network: str | None = None
    lora: list[str] = field(default_factory=list)
    lora_weights: list[float] = field(default_factory=list)
    textual_inversion: list[str] = field(default_factory=list)
    offload: bool = False

    def __post_init__(self) -> None:
        Source.of(asdict(self))  # refuses other numbers of weights than of files

    @property
    def source(self) -> Source:
        """What the model is made of."""
        return Source.of(asdict(self))
