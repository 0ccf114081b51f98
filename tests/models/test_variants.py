"""Folders whose weights are there in one variant only, or whose sizes are said otherwise."""

import json
from pathlib import Path

import pytest
from pipelines import make_pipeline, make_sdxl

from lit_clid.errors import UserError
from lit_clid.models.load import load_target
from lit_clid.models.variants import only_variant


def only(folder: Path, variant: str, part: str = "*") -> Path:
    """Leave the weights of some parts in one variant."""
    for file in folder.glob(f"{part}/*.safetensors"):
        file.rename(file.with_name(f"{file.stem}.{variant}.safetensors"))
    return folder


@pytest.mark.parametrize("part", ["*", "unet"])
@pytest.mark.parametrize("make", [make_pipeline, make_sdxl])
def test_the_only_variant_is_found(tmp_path: Path, make: object, part: str) -> None:
    folder = make(tmp_path / "model")  # type: ignore[operator]
    plain = load_target(str(folder)).fingerprint
    assert load_target(str(only(folder, "fp16", part))).fingerprint == plain


def test_several_variants_are_named(tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "model")
    only(folder, "fp16", "unet")
    only(folder, "bf16", "vae")
    with pytest.raises(UserError, match=r"variants bf16, fp16; .*target\.variant.*audit\.variant"):
        load_target(str(folder))


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("model.safetensors", None),
        ("model-00001-of-00002.safetensors", None),
        ("model.fp16.safetensors", "fp16"),
        ("diffusion_pytorch_model.fp16-00001-of-00002.safetensors", "fp16"),
        ("diffusion_pytorch_model-00001-of-00002.bf16.safetensors", "bf16"),
        ("other.safetensors", None),
    ],
)
def test_names_of_weights(tmp_path: Path, name: str, variant: str | None) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / name).touch()
    assert only_variant(tmp_path, ["unet", "vae"]) == variant


def rewrite(folder: Path, part: str, **changes: object) -> None:
    file = folder / part / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("size", [[8, 8], [8, 12], None])
def test_sample_sizes_as_a_list_or_null(tmp_path: Path, size: object) -> None:
    folder = make_pipeline(tmp_path / "model")
    plain = load_target(str(folder))
    rewrite(folder, "unet", sample_size=size)
    rewrite(folder, "vae", sample_size=plain.side(None))
    if isinstance(size, list):
        size[0] = plain.pipeline.unet.config.sample_size
        rewrite(folder, "unet", sample_size=[size[0], size[0] + 4])
    assert load_target(str(folder)).side(None) == plain.side(None)


def test_a_size_that_is_said_nowhere_is_asked_for(tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "model")
    side = load_target(str(folder)).side(None)
    rewrite(folder, "unet", sample_size=None)
    target = load_target(str(folder))
    target.pipeline.vae.register_to_config(sample_size=None)
    with pytest.raises(UserError, match=r"data\.resolution: .* does not say"):
        target.side(None)
    assert target.side(side) == side


def test_a_token_beyond_the_embedding_is_named(tmp_path: Path) -> None:
    target = load_target(str(make_pipeline(tmp_path / "model")))
    tokenizer = target.text.tokenizers[0]
    assert target.overlong(["a dog"]) == 0
    tokenizer.add_tokens(["<sks>"])
    assert len(tokenizer) > target.pipeline.text_encoder.config.vocab_size
    for asked in (target.overlong, target.embed):
        with pytest.raises(UserError, match="token '<sks>' and the text encoder does not"):
            asked(["a dog", "a <sks> dog"])
