"""What is exported, at the end and on the way."""

import copy
from dataclasses import replace
from pathlib import Path

import lightning as L
import pytest
import torch
from safetensors.torch import load_file
from tuning import FACTS, recipe, tune

from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import read_json
from lit_clid.models.lora import folded
from lit_clid.training.exported import finish, finished_model
from lit_clid.training.module import FineTune
from lit_clid.training.trainer import checkpoint_steps

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("train", ["cross_attention", "lora"])
def test_the_export_is_an_ordinary_pipeline(
    pipeline_folder: Path, split: Split, tmp_path: Path, train: str
) -> None:
    from diffusers import DiffusionPipeline

    module, trainer, _ = tune(pipeline_folder, split, tmp_path / "logs", recipe(train=train), 3)
    z, t, c = (
        torch.randn(2, 8, 8, 8),
        torch.tensor([5, 900]),
        module.target.embed(["a red critter", ""]),
    )
    before = module.target.eps(z, t, c)
    finish(module, trainer, tmp_path / "model", {"name": "x"})
    plain = DiffusionPipeline.from_pretrained(tmp_path / "model", safety_checker=None)
    plain.set_progress_bar_config(disable=True)
    with torch.no_grad():
        torch.testing.assert_close(
            plain.unet(z, t, c["tokens"]).sample, before, rtol=1e-4, atol=1e-5
        )
    assert len(plain("a red critter", num_inference_steps=2, output_type="pil").images) == 1
    base = load_file(pipeline_folder / "vae" / "diffusion_pytorch_model.safetensors")
    kept = load_file(tmp_path / "model" / "vae" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(kept[name], value) for name, value in base.items())
    assert finished_model(tmp_path / "model", FACTS)
    with pytest.raises(UserError, match=r"finetune.train is 'unet' now"):
        finished_model(tmp_path / "model", replace(FACTS, rest={"finetune.train": "unet"}))


def test_models_on_the_way_are_those_of_shorter_runs(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    """What is exported after four steps is the model of a run of four, averages included."""
    from safetensors.torch import load_file

    from lit_clid.training.exported import write_model

    assert checkpoint_steps([0.4, 0.6], 10, 6) == {0.4: 4, 0.6: 6}
    options = recipe(validate_every=100, checkpoints=[0.4])

    def write(module: FineTune, trainer: L.Trainer, step: int) -> None:
        write_model(module, trainer, tmp_path / f"at-{step}", {})

    tune(pipeline_folder, split, tmp_path / "long", options, 6, write=write)
    short, ended, _ = tune(pipeline_folder, split, tmp_path / "short", options, 4)
    finish(short, ended, tmp_path / "model", {})
    name = Path("unet") / "diffusion_pytorch_model.safetensors"
    found, expected = load_file(tmp_path / "at-4" / name), load_file(tmp_path / "model" / name)
    assert all(torch.equal(found[key], value) for key, value in expected.items())
    assert read_json(tmp_path / "at-4" / "lit_clid.json")["steps"] == 4


def test_lora_is_exported_on_the_way_without_ending_it(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    module, _, _ = tune(pipeline_folder, split, tmp_path, recipe(train="lora"), 2)
    before = copy.deepcopy(module.weights())
    with folded(module.target):
        assert not any("lora" in name for name in module.target.pipeline.unet.state_dict())
    assert module.target.pipeline.unet is module.network
    assert all(torch.equal(value, before[name]) for name, value in module.weights().items())
