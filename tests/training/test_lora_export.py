"""What a LoRA training leaves beside its pipeline: files that every tool puts on the base."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import zoo
from asked import plain_pipeline
from pipelines import make_pipeline, make_sd3, make_sdxl
from safetensors import safe_open
from tuning import recipe, tune

from lit_clid.data.split import Split
from lit_clid.models.load import check_target, load_target
from lit_clid.models.lora import KOHYA_FILE
from lit_clid.models.weights import LORA_FILE
from lit_clid.source import Source
from lit_clid.training.exported import LORA, finish

pytestmark = pytest.mark.slow

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: partial(zoo.make, name) for name in zoo.ZOO},
}
READ = [name for name in MAKERS if not name.startswith("pixart")]
"""Pipelines that load LoRA files at all."""
KOHYA_READ = (
    "sd",
    "sdxl",
    "kolors",
    "flux dev",
    "flux schnell",
    "chroma",
    "qwen-image",
    "z-image",
)
"""Those for which diffusers knows kohya's names; it leaves the others' out without a word."""


def kept(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its weights by the names they have without peft."""
    found = network.state_dict().items()
    plain = {name.replace(".base_layer", ""): value for name, value in found}
    return {name: value for name, value in plain.items() if ".lora_" not in name}


@pytest.mark.parametrize("family", MAKERS)
def test_the_files_put_on_the_base_make_the_exported_weights(
    family: str, split: Split, tmp_path: Path
) -> None:
    base = MAKERS[family](tmp_path / "base")
    options = recipe(train="lora", lora_rank=4, lora_alpha=2.0, learning_rate=0.1, ema_decay=None)
    module, trainer, _ = tune(base, split, tmp_path / "logs", options, 3)
    finish(module, trainer, tmp_path / "model", {})
    part = check_target(str(base)).network
    expected = kept(getattr(plain_pipeline(tmp_path / "model"), part))
    pipe = plain_pipeline(base)
    before = kept(getattr(pipe, part))
    assert max(float((expected[k] - before[k]).abs().max()) for k in before) > 1e-3
    for name in (LORA_FILE, KOHYA_FILE):
        lora = ((str(tmp_path / "model" / LORA / name), 1.0),)
        ours = load_target(Source(str(base), lora=lora), channels_last=False)
        found = [ours.denoiser.network]
        if family in (READ if name == LORA_FILE else KOHYA_READ):
            pipe.load_lora_weights(tmp_path / "model" / LORA, weight_name=name)
            pipe.fuse_lora(components=[part])
            pipe.unload_lora_weights()
            found.append(getattr(pipe, part))
            pipe = plain_pipeline(base)
        for network in found:
            for key, value in kept(network).items():
                torch.testing.assert_close(value, expected[key], rtol=1e-5, atol=1e-6, msg=key)


def test_kohya_s_file_tells_its_rank_and_alpha(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    options = recipe(train="lora", lora_rank=4, lora_alpha=2.0)
    module, trainer, _ = tune(pipeline_folder, split, tmp_path / "logs", options, 1)
    finish(module, trainer, tmp_path / "model", {})
    with safe_open(str(tmp_path / "model" / LORA / KOHYA_FILE), framework="pt") as tensors:
        told, names = tensors.metadata(), list(tensors.keys())
    assert told["ss_network_dim"] == "4" and float(told["ss_network_alpha"]) == 2
    assert all(name.startswith("lora_unet_") for name in names)
    assert {name.partition(".")[2] for name in names} == {
        "alpha",
        "lora_down.weight",
        "lora_up.weight",
    }
