"""Captioners of every kind that transformers has, and what is refused before a weight is read."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from captioners import WORDS, make_captioner
from folders import picture

from lit_clid.errors import UserError
from lit_clid.models.captioner import LONGEST, load_captioner
from lit_clid.models.quiet import quiet_imports

KINDS = ("blip", "git", "vit-gpt2", "llava")


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_captioner(tmp_path_factory.mktemp("captioner") / "blip")


def without(folder: Path, copy: Path, *patterns: str) -> str:
    shutil.copytree(folder, copy)
    for pattern in patterns:
        for file in copy.glob(pattern):
            file.unlink()
    return str(copy)


@pytest.mark.parametrize("kind", KINDS)
def test_a_caption_follows_from_the_image_alone(kind: str, tmp_path: Path) -> None:
    captioner = load_captioner(str(make_captioner(tmp_path / kind, kind)))
    images = [picture(k) for k in range(5)]
    captions = captioner.describe(images)
    assert len(set(captions)) > 2
    assert captions == [captioner.describe([image])[0] for image in images]
    known = {*WORDS, "Describe", "image"}
    assert all(set(caption.split()) <= known for caption in captions)
    assert all(len(caption.split()) <= LONGEST for caption in captions)


def test_its_fingerprint_is_of_its_weights_and_of_how_it_is_asked(
    blip: Path, tmp_path: Path
) -> None:
    one = load_captioner(str(blip)).fingerprint
    assert load_captioner(without(blip, tmp_path / "moved")).fingerprint == one
    other = load_captioner(str(make_captioner(tmp_path / "other", seed=1)))
    assert other.fingerprint != one
    file = Path(without(blip, tmp_path / "smaller")) / "processor_config.json"
    told = json.loads(file.read_text())
    told["image_processor"]["image_mean"] = [0.0, 0.0, 0.0]
    file.write_text(json.dumps(told))
    assert load_captioner(str(file.parent)).fingerprint != one


def test_what_lacks_a_part_is_refused_in_one_line(blip: Path, tmp_path: Path) -> None:
    vit = make_captioner(tmp_path / "vit", "vit-gpt2")
    pickled = without(blip, tmp_path / "pickled", "*.safetensors")
    torch.save({}, Path(pickled) / "pytorch_model.bin")
    faults = {
        str(tmp_path / "nowhere"): "is no folder",
        str(tmp_path): "holds no config.json",
        pickled: "has no weights as safetensors, and pickled ones are not read",
        without(blip, tmp_path / "mute", "tokenizer*"): "has no tokenizer with words",
        without(vit, tmp_path / "blind", "preprocessor*"): "has no image processor that loads",
    }
    for name, fault in faults.items():
        with pytest.raises(UserError) as refused:
            load_captioner(name)
        assert str(refused.value).startswith(f"data.captions: {name} {fault}")
        assert "\n" not in str(refused.value)


def test_models_of_another_task_are_refused(blip: Path, tmp_path: Path) -> None:
    with quiet_imports():
        from transformers import (
            BlipConfig,
            BlipForImageTextRetrieval,
            CLIPVisionConfig,
            CLIPVisionModel,
        )
    small = CLIPVisionConfig(image_size=32, patch_size=16, hidden_size=16, num_attention_heads=2)
    CLIPVisionModel(small).save_pretrained(tmp_path / "clip")
    with pytest.raises(UserError, match="of kind 'clip_vision_model', which is no image-to-text"):
        load_captioner(str(tmp_path / "clip"))
    config = BlipConfig.from_pretrained(blip)
    network = BlipForImageTextRetrieval(config)
    folder = Path(without(blip, tmp_path / "retrieval", "*.safetensors"))
    network.save_pretrained(folder)
    with pytest.raises(UserError, match=r"lacks \d+ weights of a captioner .*another task"):
        load_captioner(str(folder))


def test_code_that_a_model_brings_along_is_not_run(blip: Path, tmp_path: Path) -> None:
    folder = Path(without(blip, tmp_path / "foreign"))
    told = json.loads((folder / "config.json").read_text())
    told |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "mine.py").write_text("raise SystemExit('run')")
    with pytest.raises(UserError, match="of kind 'mine', which is no image-to-text model"):
        load_captioner(str(folder))


def test_a_hub_id_that_nobody_can_reach_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^data\.captions: nobody/nothing is neither a folder"):
        load_captioner("nobody/nothing")
