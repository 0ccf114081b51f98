"""LoRA files as tools write them: for each module the factors of ΔW = w · s · B·A.

s is α/r, or α/√r where rank-stabilised; w is the weight that the file is added with. peft and
diffusers call A and B lora_A and lora_B, older diffusers lora.down and lora.up, kohya's tools
lora_down and lora_up, and theirs alone write α beside them. Elsewhere it stands in a configuration
of peft's, in adapter_config.json or the file's own header; where nobody tells it, α = r.

DoRA (Liu et al. 2024) turns W + ΔW into m · (W + ΔW) / ‖W + ΔW‖, row by row.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

from torch import Tensor

from lit_clid.errors import UserError, few
from lit_clid.models.weights import CONFIGURATION, LORA_FILES, header, read_tensors

ROLES = {
    "lora_A": "down", "lora_down": "down", "lora.down": "down", "down": "down",
    "lora_B": "up", "lora_up": "up", "lora.up": "up", "up": "up",
    "alpha": "alpha", "dora_scale": "magnitude", "lora_magnitude_vector": "magnitude",
}  # fmt: skip
"""What the end of a tensor's name says that it is."""
NAME = re.compile(
    rf"(?P<module>.+?)[._](?P<role>{'|'.join(map(re.escape, ROLES))})(?:\.default)?(?:\.weight)?"
)
OTHERS = {
    "lokr_": "LoKr", "hada_": "LoHa", "oft_": "OFT", "lora_mid": "LoCon in Tucker's form",
    "boft_": "BOFT", "glora": "GLoRA", "ia3_": "IA3", "diff_b": "full differences",
    "lora_embedding_": "LoRA of an embedding",
}  # fmt: skip
"""Kinds of adapters that are no LoRA, by what their tensors' names hold."""
REBASED = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Ways to begin (peft's `init_lora_weights`) that change the base as well."""


@dataclass
class Factors:
    """Of one module.

    Args:
        module: as the file calls it.
        down, up: A (r, …) and B (…, r).
        alpha: None where nobody tells it.
        stable: rank-stabilised.
        magnitude: m of DoRA, one for each row; None for plain LoRA.
    """

    module: str
    down: Tensor
    up: Tensor
    alpha: float | None = None
    stable: bool = False
    magnitude: Tensor | None = None

    @property
    def scale(self) -> float:
        """s."""
        rank = self.down.shape[0]
        alpha = rank if self.alpha is None else self.alpha
        return alpha / (sqrt(rank) if self.stable else rank)

    def merged(self, weight: Tensor, strength: float) -> Tensor:
        """W with this put on it, in float32.

        Raises:
            ValueError: if it is of another shape.
        """
        factors = self.up.float().flatten(1) @ self.down.float().flatten(1)
        change = strength * self.scale * factors
        if change.numel() != weight.numel() or change.shape[0] != weight.shape[0]:
            raise ValueError(f"{tuple(change.shape)} for {tuple(weight.shape)}")
        whole: Tensor = weight.float() + change.reshape(weight.shape)
        if self.magnitude is None:
            return whole
        if self.magnitude.numel() != weight.shape[0] or self.magnitude.shape[0] == 1:
            raise ValueError(f"a DoRA of {tuple(self.magnitude.shape)} magnitudes")
        long = whole.flatten(1).norm(dim=1)
        factor = (self.magnitude.float().flatten() / long).reshape(-1, *[1] * (weight.dim() - 1))
        return factor * whole


@dataclass(frozen=True)
class Told:
    """What peft's configuration tells of the factors in a file.

    Args:
        content: of the configuration, without a part's prefix.
        prefix: of the names that it is about, such as "unet.".
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""

    def alpha(self, module: str) -> float | None:
        """Of a module, as the file calls it; None if this is not about it."""
        if not self.content or not module.startswith(self.prefix):
            return None
        for pattern, alpha in (self.content.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):
                return float(alpha)
        alpha = self.content.get("lora_alpha")
        return None if alpha is None else float(alpha)


def read_factors(file: Path) -> list[Factors]:
    """The factors in a file, by the order of their modules' names.

    Raises:
        UserError: if it holds none, or anything else.
    """
    told = _told(file)
    tensors: dict[str, dict[str, Tensor]] = {}
    strange: list[str] = []
    for name, tensor in read_tensors(file).items():
        found = NAME.fullmatch(name)
        if found is None or _kind(name) is not None:
            strange.append(name)
        else:
            tensors.setdefault(found["module"], {})[ROLES[found["role"]]] = tensor
    if strange:
        _refuse(file, strange)
    if not tensors:
        raise UserError(f"{file}: holds no tensors; fetch it again")
    for module, own in tensors.items():
        if not {"down", "up"} <= set(own):
            raise UserError(f"{file}: {module} has one factor without the other; save it again")
    factors = [_factors(module, tensors[module], told) for module in sorted(tensors)]
    if file.name == LORA_FILES[1] and any(each.alpha is None for each in factors):
        raise UserError(
            f"{file}: nobody tells its α; put the {CONFIGURATION} that peft wrote beside it"
        )
    return factors


def _factors(module: str, own: Mapping[str, Tensor], told: list[Told]) -> Factors:
    """Of one module, α where anybody tells it."""
    config = next((each for each in told if each.alpha(module) is not None), Told())
    alpha = float(own["alpha"]) if "alpha" in own else config.alpha(module)
    stable = bool(config.content.get("use_rslora")) and "alpha" not in own
    return Factors(module, own["down"], own["up"], alpha, stable, own.get("magnitude"))


def _kind(name: str) -> str | None:
    """The kind of adapter that is no LoRA, which a tensor is of."""
    return next((kind for part, kind in OTHERS.items() if part in name), None)


def _refuse(file: Path, names: list[str]) -> None:
    kinds = [kind for kind in map(_kind, names) if kind is not None]
    if kinds:
        raise UserError(
            f"{file}: holds {kinds[0]} ({names[0]}), and LoRA and DoRA are what is read; merge it "
            "into the model by the tool that trained it, and name that with target.path"
        )
    raise UserError(
        f"{file}: no LoRA of this base ({len(names)} of its tensors are no factors, such as "
        f"{few(sorted(names), 1)}); a whole pipeline in one file belongs to target.path, a U-Net "
        "or transformer to target.network"
    )


def _told(file: Path) -> list[Told]:
    """Configurations of peft's beside the file and in its header.

    Raises:
        UserError: if they are of an adapter that is none, or that changed its base.
    """
    beside = file.with_name(CONFIGURATION)
    found: list[Told] = []
    try:
        if beside.is_file():
            found.append(Told(json.loads(beside.read_text(encoding="utf-8"))))
        content = (header(file).get("__metadata__") or {}).get("lora_adapter_metadata")
        told = {} if content is None else json.loads(content)
        for prefix in {key.partition(".")[0] for key in told}:
            own = {k.partition(".")[2]: v for k, v in told.items() if k.startswith(f"{prefix}.")}
            found.append(Told(own, f"{prefix}."))
        for each in found:
            float(each.content.get("lora_alpha") or 0)
            for pattern, alpha in (each.content.get("alpha_pattern") or {}).items():
                _ = re.compile(pattern), float(alpha)
    except (ValueError, TypeError, AttributeError, re.error):
        raise UserError(
            f"{file}: its configuration of peft's is not to be read; save it again"
        ) from None
    for each in found:
        kind, begun = each.content.get("peft_type", "LORA"), each.content.get("init_lora_weights")
        if kind != "LORA":
            raise UserError(
                f"{file}: is a {kind} adapter, and LoRA and DoRA are what is read; merge it into "
                "the model by peft, and name that with target.path"
            )
        if isinstance(begun, str) and begun.lower().startswith(REBASED):
            raise UserError(
                f"{file}: began as {begun}, which changed its base as well; convert it to plain "
                "LoRA by peft's save_pretrained(path_initial_model_for_weight_conversion=…)"
            )
    return found
