"""Names of a first release in LoRA files, which diffusers translates, beside others."""

import json
from pathlib import Path

import pytest
import torch
import zoo
from adapters import ALPHA, RANK, Drawn, by_hand, draw, network_of
from pipelines import make_sdxl
from safetensors.torch import save_file
from singles import unet_name
from torch import Tensor

from lit_clid.errors import UserError
from lit_clid.models.load import load_target
from lit_clid.source import Source


def kohya(drawn: Drawn, prefix: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, (down, up) in drawn.items():
        flat = f"{prefix}_{name.replace('.', '_')}"
        tensors |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up}
        tensors[f"{flat}.alpha"] = torch.tensor(ALPHA)
    return tensors


def assert_close(found: torch.nn.Module, expected: dict[str, Tensor]) -> None:
    for name, value in found.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_sdxl_s_names_of_its_first_release_with_its_text_encoder(tmp_path: Path) -> None:
    base = make_sdxl(tmp_path / "xl")
    plain = load_target(str(base), channels_last=False).pipeline
    drawn = draw(plain.unet, ("to_q", "ff.net.2"))
    first = {unet_name(f"{name}.x").removesuffix(".x"): pair for name, pair in drawn.items()}
    said = draw(plain.text_encoder, ("q_proj",))
    wrapped = {f"text_model.{n.removeprefix('text_model.')}": pair for n, pair in said.items()}
    file = tmp_path / "kohya.safetensors"
    save_file({**kohya(first, "lora_unet"), **kohya(wrapped, "lora_te1")}, file)
    source = Source(str(base), lora=((str(file), 0.5),))
    found = load_target(source, channels_last=False).pipeline
    scale = 0.5 * ALPHA / RANK
    assert_close(found.unet, by_hand(plain.unet, drawn, scale))
    assert_close(found.text_encoder, by_hand(plain.text_encoder, said, scale))


@pytest.mark.parametrize("told", ["beside", "in the configuration"])
def test_flux_s_names_of_its_first_release(tmp_path: Path, told: str) -> None:
    """q, k and v are one projection there."""
    base = zoo.make("flux dev", tmp_path / "flux")
    plain = network_of(base)
    dice = torch.Generator().manual_seed(0)
    down = torch.randn(RANK, 32, generator=dice)
    up = 0.1 * torch.randn(3 * 32, RANK, generator=dice)
    name, file = "lora_unet_double_blocks_0_img_attn_qkv", tmp_path / "kohya.safetensors"
    tensors = {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
    if told == "beside":
        tensors[f"{name}.alpha"] = torch.tensor(ALPHA)
    else:
        (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": ALPHA}))
    save_file(tensors, file)
    source = Source(str(base), lora=((str(file), 0.5),))
    thirds = zip(("to_q", "to_k", "to_v"), up.chunk(3), strict=True)
    drawn = {f"transformer_blocks.0.attn.{own}": (down, each) for own, each in thirds}
    assert_close(network_of_source(source), by_hand(plain, drawn, 0.5 * ALPHA / RANK))


def network_of_source(source: Source) -> torch.nn.Module:
    found: torch.nn.Module = load_target(source, channels_last=False).denoiser.network
    return found


def test_kohya_s_dora_is_the_formula_s(pipeline_folder: Path, tmp_path: Path) -> None:
    """m · (W + ΔW) / ‖W + ΔW‖, row by row, computed in float64."""
    plain = network_of(pipeline_folder)
    drawn = draw(plain, ("attn2.to_k",))
    tensors, expected = kohya(drawn, "lora_unet"), by_hand(plain, drawn, ALPHA / RANK)
    for k, name in enumerate(drawn):
        whole = expected[f"{name}.weight"].double()
        magnitude = torch.linspace(0.5, 1.5 + k, len(whole))[:, None]
        tensors[f"lora_unet_{name.replace('.', '_')}.dora_scale"] = magnitude
        rows = whole.pow(2).sum(1, keepdim=True).sqrt()
        expected[f"{name}.weight"] = (magnitude * whole / rows).float()
    save_file(tensors, tmp_path / "dora.safetensors")
    source = Source(str(pipeline_folder), lora=((str(tmp_path / "dora.safetensors"), 1.0),))
    assert_close(network_of_source(source), expected)
    for name in [name for name in tensors if name.endswith("dora_scale")]:
        tensors[name] = torch.ones(1, 7)
    save_file(tensors, tmp_path / "columns.safetensors")
    source = Source(str(pipeline_folder), lora=((str(tmp_path / "columns.safetensors"), 1.0),))
    with pytest.raises(UserError, match=r"a DoRA of .* magnitudes"):
        load_target(source)
