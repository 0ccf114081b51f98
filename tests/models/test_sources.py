"""Models in single files, denoisers beside a base, shards, revisions: what names them all."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from pipelines import make_sd3, make_sdxl
from safetensors.torch import save_file
from singles import save_single

from lit_clid.errors import UserError
from lit_clid.models.captions import caption_keys
from lit_clid.models.load import check_target, load_target
from lit_clid.models.weights import hashes
from lit_clid.source import Source

WEIGHTS = "diffusion_pytorch_model.safetensors"


def pipeline_of(base: Path) -> Any:
    return load_target(str(base), channels_last=False).pipeline


def refused(source: Source, fault: str) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        load_target(source)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def single(pipeline_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single")
    return save_single(pipeline_of(pipeline_folder), folder / "model.safetensors")


def test_a_single_file_is_the_pipeline_it_was_made_of(pipeline_folder: Path, single: Path) -> None:
    source = Source(str(single), config=str(pipeline_folder))
    assert check_target(source).pipeline == "StableDiffusionPipeline"
    found = load_target(source)
    assert found.fingerprint == load_target(str(pipeline_folder)).fingerprint
    captions = ["a red critter", "A RED critter", "two eyes"]
    assert caption_keys(source, captions) == caption_keys(str(pipeline_folder), captions)
    assert list(hashes(source) or {}) == [str(single)]


def test_a_single_file_is_trained_and_exported_as_a_folder(
    pipeline_folder: Path, single: Path, tmp_path: Path
) -> None:
    found = load_target(Source(str(single), config=str(pipeline_folder)), channels_last=False)
    found.export(tmp_path / "model")
    assert load_target(str(tmp_path / "model")).fingerprint == found.fingerprint


def test_what_is_no_single_file_of_a_pipeline(
    pipeline_folder: Path, single: Path, tmp_path: Path
) -> None:
    config, pipeline = str(pipeline_folder), pipeline_of(pipeline_folder)
    save_single(pipeline, tmp_path / "deaf.safetensors", text=False)
    refused(
        Source(str(tmp_path / "deaf.safetensors"), config=config),
        "deaf.safetensors: holds no whole pipeline .*and this file with target.network",
    )
    (tmp_path / "cut.safetensors").write_bytes(single.read_bytes()[:-5])
    refused(Source(str(tmp_path / "cut.safetensors"), config=config), "cut.safetensors: is trunc")
    for name in ("model.ckpt", "model.pt", "model.bin"):
        refused(Source(str(tmp_path / name), config=config), f"{name}: is pickled")
    refused(Source(str(tmp_path / "no.safetensors"), config=config), "no such file; check")
    xl = make_sdxl(tmp_path / "xl")
    refused(Source(str(single), config=str(xl)), "model.safetensors: ")
    refused(Source(str(single), config=str(tmp_path / "no")), "no diffusers pipeline there")


def test_a_denoiser_takes_the_place_of_the_base_s_own(
    pipeline_folder: Path, single: Path, tmp_path: Path
) -> None:
    pipe = pipeline_of(pipeline_folder)
    with torch.no_grad():
        for parameter in pipe.unet.parameters():
            parameter.add_(0.01)
    pipe.save_pretrained(tmp_path / "changed")
    (tmp_path / "alone").mkdir()
    save_file(pipe.unet.state_dict(), tmp_path / "alone" / "unet.safetensors")
    save_single(pipe, tmp_path / "first.safetensors")
    expected = load_target(str(tmp_path / "changed"))
    base = load_target(str(pipeline_folder))
    assert expected.kin == base.kin and expected.fingerprint != base.fingerprint
    for named in (
        tmp_path / "changed",
        tmp_path / "changed" / "unet",
        tmp_path / "alone" / "unet.safetensors",
        tmp_path / "first.safetensors",
    ):
        source = Source(str(pipeline_folder), network=str(named))
        assert load_target(source).fingerprint == expected.fingerprint, named
        assert source.base == Source(str(pipeline_folder)) and hashes(source)


def test_a_denoiser_of_another_architecture_is_refused(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    xl, sd3 = make_sdxl(tmp_path / "xl"), make_sd3(tmp_path / "sd3", t5=False)
    for named in (xl, xl / "unet" / WEIGHTS, sd3 / "transformer", sd3 / "transformer" / WEIGHTS):
        refused(
            Source(str(pipeline_folder), network=str(named)),
            r"target.network: .* is no UNet2DConditionModel of this base \(.*target.path",
        )
    (tmp_path / "unet.bin").write_bytes(b"\x80\x04.")
    refused(Source(str(pipeline_folder), network=str(tmp_path / "unet.bin")), "unet.bin is pickled")


def test_shards_are_read_and_missed(pipeline_folder: Path, tmp_path: Path) -> None:
    pipe = pipeline_of(pipeline_folder)
    for variant in (None, "fp16"):
        folder = tmp_path / str(variant)
        pipe.save_pretrained(folder, max_shard_size="300KB", variant=variant)
        shards = sorted((folder / "unet").glob("*.safetensors"))
        assert len(shards) > 1
        found = load_target(str(folder))
        assert found.fingerprint == load_target(str(pipeline_folder)).fingerprint
        whole = shards[0].read_bytes()
        shards[0].write_bytes(whole[:-1])
        refused(Source(str(folder)), f"{shards[0].name}: is truncated")
        shards[0].unlink()
        refused(Source(str(folder)), f"its shards {shards[0].name} are missing; fetch them again")


@pytest.mark.parametrize(("variant", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_variants_of_all_parts(
    pipeline_folder: Path, tmp_path: Path, variant: str, dtype: torch.dtype
) -> None:
    pipe = pipeline_of(pipeline_folder).to(dtype)
    pipe.save_pretrained(tmp_path / "half", variant=variant)
    found = load_target(str(tmp_path / "half"))
    for part in ("unet", "vae", "text_encoder"):
        own, half = (getattr(p, part).state_dict() for p in (found.pipeline, pipe))
        for name, value in own.items():
            assert value.dtype in (torch.float32, torch.int64)
            assert torch.equal(value, half[name].to(value.dtype)), (part, name)


def test_truncated_weights_of_every_part_are_named(pipeline_folder: Path, tmp_path: Path) -> None:
    for part in ("unet", "vae", "text_encoder"):
        folder = shutil.copytree(pipeline_folder, tmp_path / part)
        (file,) = (folder / part).glob("*.safetensors")
        file.write_bytes(file.read_bytes()[:-100])
        refused(Source(str(folder)), rf"{part}/\w+\.safetensors: is truncated \(")


def test_pickled_weights_are_not_read(pipeline_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pipeline_folder, tmp_path / "pickled")
    file = folder / "unet" / WEIGHTS
    file.rename(file.with_suffix(".bin"))
    refused(Source(str(folder)), r"part unet/ is incomplete, \*\.safetensors is missing")


def test_a_missing_text_encoder_is_named(pipeline_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pipeline_folder, tmp_path / "deaf")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "text_encoder": [None, None]}))
    refused(Source(str(folder)), "model_index.json names no text_encoder")
