"""Pipelines handed over in memory: which model is laid down, and which is another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handing import ASKED, audit, opened, pairs, scores
from pipelines import make_sdxl
from safetensors.torch import load_file

import lit_clid
from lit_clid.errors import UserError
from lit_clid.judging.report.result import Result
from lit_clid.models.kept import keep_pipeline
from lit_clid.models.load import load_target

pytestmark = pytest.mark.usefixtures("few_permutations")


def test_lora_on_a_pipeline_is_folded_in_and_its_base_is_the_reference(
    pipeline: Any, tmp_path: Path
) -> None:
    import torch
    from peft import LoraConfig

    pipeline.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"]), "own")
    torch.manual_seed(0)
    for name, parameter in pipeline.unet.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.2)
    given = {"members": pairs(0), "holdouts": pairs(100)}
    found = audit(pipeline, tmp_path, reference="base", **given)
    assert found.reference is not None and found.reference.endswith("-base")
    pipeline.unet.disable_adapters()
    off = audit(pipeline, tmp_path, **given)
    assert (scores(off) == np.sort(found.beside["reference"].signals["loss"])).all()
    pipeline.unet.enable_adapters()
    pipeline.fuse_lora(components=["unet"])
    fused = audit(pipeline, tmp_path, **given)
    np.testing.assert_allclose(scores(fused), scores(found), rtol=1e-4)
    assert not np.allclose(scores(off), scores(found), rtol=1e-4)


def test_models_that_cannot_be_asked(pipeline: Any, tmp_path: Path) -> None:
    given = {"members": pairs(0), "holdouts": pairs(100)}
    with pytest.raises(UserError, match="a dict is no pipeline that can be asked"):
        audit({}, tmp_path, **given)
    pipeline.unet.to("meta")
    with pytest.raises(UserError, match="the weights of unet are not in the pipeline"):
        audit(pipeline, tmp_path, **given)


def test_lora_is_folded_into_half_precision_in_float32(pipeline: Any, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig

    pipeline.unet.to(torch.bfloat16)
    pipeline.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q"]), "own")
    torch.manual_seed(0)
    for name, parameter in pipeline.unet.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=1e-4)  # half precision would round it away
    kept = keep_pipeline(pipeline, tmp_path)
    name = "unet/diffusion_pytorch_model.safetensors"
    own, base = (load_file(Path(str(place)) / name) for place in (kept.folder, kept.base))
    layers = {n: m for n, m in pipeline.unet.named_modules() if hasattr(m, "get_base_layer")}
    assert layers
    for name, layer in layers.items():
        found = own[f"{name}.weight"].float() - base[f"{name}.weight"].float()
        wanted = layer.lora_B["own"].weight.float() @ layer.lora_A["own"].weight.float()
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-8)


def test_what_is_switched_off_is_left_out(pipeline: Any, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig

    plain = keep_pipeline(pipeline, tmp_path)
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"]), "own")
    for name, parameter in pipeline.unet.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.2)
    pipeline.fuse_lora(components=["unet"])
    pipeline.unet.disable_adapters()
    off = keep_pipeline(pipeline, tmp_path)
    assert off.base is None and off.folder != plain.folder
    names = [load_target(place.folder).fingerprint for place in (plain, off)]
    assert names[0] != names[1]  # unmerging rounds
    place = "unet/diffusion_pytorch_model.safetensors"
    for name, value in load_file(Path(plain.folder) / place).items():
        torch.testing.assert_close(load_file(Path(off.folder) / place)[name], value)


def test_what_else_decides_answers_is_part_of_a_pipeline_s_name(
    pipeline: Any, tmp_path: Path
) -> None:
    first = keep_pipeline(pipeline, tmp_path)
    assert keep_pipeline(pipeline, tmp_path) == first
    pipeline.tokenizer.model_max_length = 40
    shorter = keep_pipeline(pipeline, tmp_path)
    pipeline.register_to_config(requires_safety_checker=True)
    assert len({first.folder, shorter.folder, keep_pipeline(pipeline, tmp_path).folder}) == 3


def test_a_model_that_was_trained_here_keeps_its_note_and_its_records(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    trainer = {"max_steps": 2, "accelerator": "cpu", "precision": "32-true"}
    given = {"members": pairs(0, 16), "holdouts": pairs(100, 16), "runs": tmp_path}
    changes = {"data": {"resolution": 16}, "finetune": {"train": "cross_attention", "samples": 0}}
    made = lit_clid.train(pipeline_folder, trainer=trainer, **changes, **given)
    held = opened(made.folder)
    found = lit_clid.audit(held, attacks=ASKED, reference=None, data=changes["data"], **given)
    assert isinstance(found, Result)
    assert found.members == 8  # those that it was trained on
    training = found.target.about.training
    assert training is not None and training.steps == 2
    with torch_changed(held):
        other = keep_pipeline(held, tmp_path / "p")
    assert not (Path(other.folder) / "lit_clid.json").exists()


@contextmanager
def torch_changed(pipeline: Any) -> Iterator[None]:
    """Within this, a weight is another."""
    weight = next(pipeline.unet.parameters()).data
    weight += 1
    yield
    weight -= 1


@pytest.mark.slow
def test_pipelines_of_other_families_are_laid_down(tmp_path: Path) -> None:
    from diffusers import DiffusionPipeline

    folder = make_sdxl(tmp_path / "sdxl")
    held = DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    given = {"members": pairs(0), "holdouts": pairs(100)}
    found = audit(held, tmp_path / "a", **given)
    again = audit(folder, tmp_path / "b", **given)
    np.testing.assert_array_equal(scores(found), scores(again))
