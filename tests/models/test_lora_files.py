"""LoRA files of every format, put on every family: W + w · α/r · B·A, and what is refused."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import adapters
import pytest
import torch
import zoo
from adapters import ALPHA, FORMATS, RANK, by_hand, draw, network_of
from pipelines import make_pipeline, make_sd3, make_sdxl
from safetensors.torch import load_file, save_file

from lit_clid.errors import UserError
from lit_clid.models.families import FAMILIES
from lit_clid.models.load import load_target
from lit_clid.source import Source

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: partial(zoo.make, name) for name in zoo.ZOO},
}


def put_on(base: Path | str, *files: tuple[Path, float]) -> Any:
    """The network of a base with LoRA files."""
    lora = tuple((str(file), weight) for file, weight in files)
    return load_target(Source(str(base), lora=lora), channels_last=False).denoiser.network


def assert_weights(network: Any, expected: dict[str, torch.Tensor]) -> None:
    """W is a few tenths and ΔW some units: float32 leaves 1e-6 of their sum."""
    found = network.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("family", MAKERS)
def test_every_format_on_every_family(family: str, tmp_path: Path) -> None:
    base = MAKERS[family](tmp_path / "base")
    index = json.loads((base / "model_index.json").read_text())
    known, plain = FAMILIES[index["_class_name"]], network_of(base)
    drawn = draw(plain, known.lora)
    expected = by_hand(plain, drawn, 0.5 * ALPHA / RANK)
    for name, save in FORMATS.items():
        file = save(drawn, known.network, tmp_path / name)
        assert_weights(put_on(base, (file, 0.5)), expected)


def test_several_add_up_each_by_its_weight(pipeline_folder: Path, tmp_path: Path) -> None:
    plain = network_of(pipeline_folder)
    first, second = (draw(plain, ("to_q", "ff.net.2"), seed=seed) for seed in (1, 2))
    files = [FORMATS["peft"](first, "unet", tmp_path / "a")]
    files.append(FORMATS["kohya"](second, "unet", tmp_path / "b"))
    found = put_on(pipeline_folder, (files[0], 1.0), (files[1], -0.25))
    expected = by_hand(plain, first, ALPHA / RANK)
    for name, (down, up) in second.items():
        expected[f"{name}.weight"] += -0.25 * ALPHA / RANK * (up @ down)
    assert_weights(found, expected)


@pytest.mark.parametrize(
    ("told", "scale"),
    [
        ({"use_rslora": True}, ALPHA / RANK**0.5),
        ({"alpha_pattern": {"attn1.to_q": 6.0}}, 6.0 / RANK),
        ({"alpha_pattern": {"attn2.to_q": 6.0}}, ALPHA / RANK),
    ],
)
def test_what_peft_s_configuration_tells(
    pipeline_folder: Path, tmp_path: Path, told: dict[str, Any], scale: float
) -> None:
    plain = network_of(pipeline_folder)
    drawn = draw(plain, ("attn1.to_q",))
    file = adapters.save_peft(drawn, "unet", tmp_path / "peft", **told)
    assert_weights(put_on(pipeline_folder, (file, 1.0)), by_hand(plain, drawn, scale))


def test_a_convolution_is_folded_as_peft_folds_it(pipeline_folder: Path, tmp_path: Path) -> None:
    assert_as_peft_merges(pipeline_folder, tmp_path, ["conv1", "conv_in", "to_k"], use_dora=False)


def test_dora_is_folded_as_peft_folds_it(pipeline_folder: Path, tmp_path: Path) -> None:
    assert_as_peft_merges(pipeline_folder, tmp_path, ["to_k", "to_out.0"], use_dora=True)


def assert_as_peft_merges(base: Path, folder: Path, modules: list[str], *, use_dora: bool) -> None:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, lora_alpha=3.0, target_modules=modules, use_dora=use_dora)
    torch.manual_seed(0)
    model = get_peft_model(network_of(base), config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data += 0.1 * torch.randn_like(parameter).abs()
    model.save_pretrained(folder / "peft")
    assert_weights(put_on(base, (folder / "peft", 1.0)), model.merge_and_unload().state_dict())


def test_text_encoders_take_theirs(tmp_path: Path) -> None:
    base = make_sdxl(tmp_path / "base")
    target = load_target(str(base))
    parts = {"lora_te1": "text_encoder", "lora_te2": "text_encoder_2"}
    tensors: dict[str, torch.Tensor] = {}
    expected: dict[str, Any] = {}
    for prefix, part in parts.items():
        encoder = getattr(target.pipeline, part)
        drawn = draw(encoder, ("q_proj",))
        expected[part] = by_hand(encoder, drawn, 1.0)
        for name, (down, up) in drawn.items():
            flat = f"text_model.{name.removeprefix('text_model.')}".replace(".", "_")
            tensors[f"{prefix}_{flat}.lora_down.weight"] = down
            tensors[f"{prefix}_{flat}.lora_up.weight"] = up
    save_file(tensors, tmp_path / "te.safetensors")
    found = load_target(Source(str(base), lora=((str(tmp_path / "te.safetensors"), 1.0),)))
    for part, weights in expected.items():
        assert_weights(getattr(found.pipeline, part), weights)
    assert found.fingerprint != target.fingerprint


def refused(base: Path | str, file: Path, fault: str) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        put_on(base, (file, 1.0))
    assert "\n" not in str(caught.value)


def test_what_is_no_lora_of_this_base_is_one_line(pipeline_folder: Path, tmp_path: Path) -> None:
    xl = make_sdxl(tmp_path / "xl")
    other = FORMATS["diffusers"](draw(network_of(xl), ("to_k",)), "unet", tmp_path / "other")
    refused(pipeline_folder, other, r"a LoRA of another architecture \(unet.*name its own base")
    flux = zoo.make("flux dev", tmp_path / "flux")
    drawn = draw(network_of(flux), ("attn.to_q",))
    other = FORMATS["kohya"](drawn, "transformer", tmp_path / "flux-lora")
    refused(pipeline_folder, other, "no LoRA of this base .*name its base with target.path")
    pixart = zoo.make("pixart alpha", tmp_path / "pixart")
    refused(pixart, other, "2 of its|no LoRA of this base .*name its base with target.path")
    whole = pipeline_folder / "unet" / "diffusion_pytorch_model.safetensors"
    refused(pipeline_folder, whole, "a U-Net or transformer to target.network")
    refused(pipeline_folder, tmp_path / "none.safetensors", "target.lora: no file .*none")
    refused(pipeline_folder, tmp_path, "holds no pytorch_lora_weights.safetensors or adapter_model")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("lokr_w1", "LoKr"), ("hada_w1_a", "LoHa"), ("oft_blocks", "OFT"), ("diff_b", "full")],
)
def test_other_adapters_are_named(
    pipeline_folder: Path, tmp_path: Path, name: str, kind: str
) -> None:
    file = tmp_path / "x.safetensors"
    save_file({f"lora_unet_mid_block.{name}": torch.zeros(2, 2)}, file)
    refused(pipeline_folder, file, f"x.safetensors: holds {kind}.*LoRA and DoRA are what is read")


def test_other_adapters_of_peft_are_named(pipeline_folder: Path, tmp_path: Path) -> None:
    drawn = draw(network_of(pipeline_folder), ("to_q",))
    for k, (told, fault) in enumerate(
        [({"peft_type": "LOHA"}, "is a LOHA adapter"), ({"init_lora_weights": "pissa"}, "began as")]
    ):
        file = adapters.save_peft(drawn, "unet", tmp_path / str(k), **told)
        refused(pipeline_folder, file, fault)


def test_broken_files_are_named(pipeline_folder: Path, tmp_path: Path) -> None:
    drawn = draw(network_of(pipeline_folder), ("to_q",))
    file = FORMATS["kohya"](drawn, "unet", tmp_path / "whole")
    whole = file.read_bytes()
    for k, (content, fault) in enumerate(
        [
            (whole[:-9], r"is truncated \([\d,]+ of [\d,]+ bytes\); fetch it again"),
            (whole[:40], "is truncated, or no safetensors"),
            (b"", "is truncated, or no safetensors"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        ]
    ):
        (tmp_path / f"{k}.safetensors").write_bytes(content)
        refused(pipeline_folder, tmp_path / f"{k}.safetensors", fault)
    for name in ("x.bin", "x.ckpt", "x.pt"):
        (tmp_path / name).write_bytes(b"\x80\x04.")
        refused(pipeline_folder, tmp_path / name, "is pickled, and reading it could run anything")
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04.")
    refused(pipeline_folder, folder, "adapter_model.bin is pickled")
    half = {name: value for name, value in load_file(file).items() if "lora_up" not in name}
    save_file(half, tmp_path / "half.safetensors")
    refused(pipeline_folder, tmp_path / "half.safetensors", "one factor without the other")
