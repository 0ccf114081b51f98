"""Captioners: image-to-text models of transformers that say what an image shows.

Decoding is greedy, so that a caption follows from the image and the model. Weights are read from
safetensors alone, and nothing that a model brings along is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from lit_clid.errors import UserError, few, first_line
from lit_clid.hub import commit_of, is_hub_id, refusal, revised
from lit_clid.models.identity import network_fingerprint
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.weights import hub_file

LONGEST = 64
"""Most tokens of a caption; text encoders of this field read 77."""
REQUEST = "Describe this image in one sentence."
"""What a model is asked that answers requests about images."""


class Captioner:
    """A captioner, frozen, in evaluation mode.

    Args:
        name: folder or hub id.
        network: that generates.
        images: makes pixels of images.
        tokenizer: makes words of tokens.
        processor: lays out a request beside an image; None for a model that takes images alone.
    """

    def __init__(
        self, name: str, network: nn.Module, images: Any, tokenizer: Any, processor: Any = None
    ) -> None:
        self.name, self.network = name, network.eval().requires_grad_(False)
        self.images, self.tokenizer, self.processor = images, tokenizer, processor
        self.device = torch.device("cpu")
        parts = (sorted(tokenizer.get_vocab().items()), images.to_dict(), self.decoding)
        self.fingerprint = network_fingerprint(network, [str(part) for part in parts])

    @property
    def decoding(self) -> str:
        """How captions are made, in words."""
        asked = "" if self.processor is None else f", asked {REQUEST!r}"
        return f"greedy, at most {LONGEST} tokens{asked}"

    @property
    def commit(self) -> str | None:
        """Of a hub id; None for a folder."""
        where, revision = revised(self.name)
        return commit_of(hub_file(where, "config.json", revision)) if is_hub_id(where) else None

    def to(self, device: torch.device) -> "Captioner":
        """Move the network to `device`, in place."""
        self.network.to(device)
        self.device = device
        return self

    @torch.no_grad()
    def describe(self, images: Sequence[Image.Image]) -> list[str]:
        """A caption for each RGB image, perhaps an empty one.

        Raises:
            UserError: if the network cannot be asked so.
        """
        try:
            inputs = self._inputs(list(images))
            shown = inputs.to(self.device, next(self.network.parameters()).dtype)
            tokens = self.network.generate(  # type: ignore[operator]
                **shown, do_sample=False, num_beams=1, max_new_tokens=LONGEST
            )
        except torch.OutOfMemoryError:
            raise UserError(
                f"data.captions: {self.name} does not fit the device's memory; take a smaller "
                "captioner, or trainer.accelerator=cpu"
            ) from None
        except Exception as error:  # whatever networks raise that want more than images
            raise UserError(
                f"data.captions: {self.name} writes no caption of an image ({first_line(error)}); "
                "take a captioner such as BLIP, GIT or ViT-GPT2"
            ) from None
        said = tokens[:, inputs["input_ids"].shape[1] :] if "input_ids" in inputs else tokens
        texts = self.tokenizer.batch_decode(said, skip_special_tokens=True)
        return [" ".join(text.split()) for text in texts]

    def _inputs(self, images: list[Image.Image]) -> Any:
        """What the network is shown."""
        if self.processor is None:
            return self.images(images=images, return_tensors="pt")
        words = {"type": "text", "text": REQUEST}
        asked = [
            [{"role": "user", "content": [{"type": "image", "image": image}, words]}]
            for image in images
        ]
        return self.processor.apply_chat_template(
            asked,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True, "padding_side": "left"},
        )


@dataclass(frozen=True)
class Place:
    """Where a captioner lies: a folder, or a hub id, perhaps with "@revision"."""

    name: str

    @property
    def where(self) -> str:
        """For the library."""
        if is_hub_id(self.name):
            return revised(self.name)[0]
        return str(Path(self.name).expanduser()) if self.name.startswith("~") else self.name

    @property
    def more(self) -> dict[str, str]:
        """Likewise: the revision, if one is named."""
        revision = revised(self.name)[1]
        return {} if revision is None else {"revision": revision}

    def refuse(self, why: str) -> UserError:
        """What a user is told."""
        return UserError(f"data.captions: {self.name} {why}")


def load_captioner(name: str, *, half: bool = False) -> Captioner:
    """Load an image-to-text model, on the CPU.

    Args:
        name: folder or hub id.
        half: weights in the precision in which they are stored instead of float32.

    Raises:
        UserError: if it does not exist, is no image-to-text model of transformers, has no weights
            as safetensors, or lacks a part.
    """
    place = Place(name)
    _check_kind(place)
    with quiet_imports():
        from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer
    tokenizer = _part(place, "tokenizer", AutoTokenizer)
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        # what the library makes where there is no file
        raise place.refuse("has no tokenizer with words; save it beside the model")
    images = _part(place, "image processor", AutoImageProcessor, use_fast=False)
    processor = None
    if getattr(tokenizer, "chat_template", None):
        processor = _part(place, "processor", AutoProcessor)
    return Captioner(name, _network(place, half), images, tokenizer, processor)


def _check_kind(place: Place) -> None:
    """Refuse what is no image-to-text model, by its configuration alone."""
    folder = Path(place.where)
    if not is_hub_id(place.where) and not (folder / "config.json").is_file():
        lack = "holds no config.json" if folder.is_dir() else "is no folder"
        raise place.refuse(
            f"{lack}; give the folder that save_pretrained of transformers wrote, or a hub id"
        )
    with quiet_imports():
        from transformers import PretrainedConfig
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KINDS,
        )
    try:
        config, _ = PretrainedConfig.get_config_dict(place.where, **place.more)
    except Exception as error:  # the hub library's own and the network's
        refused = refusal(place.where, place.more.get("revision"), error)
        if refused is not None:
            raise UserError(f"data.captions: {refused}") from None
        raise place.refuse(
            "is neither a folder here nor reachable as a hub id "
            f"({first_line(error)}); check the spelling and the network"
        ) from None
    kind = config.get("model_type")
    if kind not in KINDS:
        raise place.refuse(
            f"is of kind {kind!r}, which is no image-to-text model of transformers; take a "
            "captioner such as BLIP, GIT or ViT-GPT2"
        )


def _part(place: Place, part: str, loader: Any, **options: Any) -> Any:
    with quiet_imports():
        try:
            more = {**place.more, **options}
            return loader.from_pretrained(place.where, trust_remote_code=False, **more)
        except Exception as error:  # as many kinds as there are libraries below
            raise place.refuse(
                f"has no {part} that loads ({first_line(error, 80)}); save it beside the model "
                "with save_pretrained"
            ) from None


def _network(place: Place, half: bool) -> nn.Module:
    """The network, all of whose weights were there.

    A model for another task may share its configuration; what it lacks would be drawn at random.
    """
    with quiet_imports():
        from transformers import AutoModelForImageTextToText
    stored: Any = "auto" if half else torch.float32
    try:
        network, told = AutoModelForImageTextToText.from_pretrained(
            place.where,
            use_safetensors=True,
            output_loading_info=True,
            dtype=stored,
            trust_remote_code=False,
            **place.more,
        )
    except Exception as error:
        if _has_no_tensors(place, error):
            raise place.refuse(
                "has no weights as safetensors, and pickled ones are not read; save it again with "
                "save_pretrained, or take another"
            ) from None
        raise place.refuse(f"does not load ({first_line(error)})") from None
    lacking = sorted(told["missing_keys"])
    if lacking:
        raise place.refuse(
            f"lacks {len(lacking)} weights of a captioner ({few(lacking, 2)}); it was made for "
            "another task"
        )
    found: nn.Module = network
    return found


def _has_no_tensors(place: Place, error: Exception) -> bool:
    folder = Path(place.where)
    if folder.is_dir():
        return not list(folder.glob("*.safetensors"))
    return "safetensors" in str(error)
