"""What the tests share that hand models and records over in memory."""

from pathlib import Path
from typing import Any

import numpy as np
from folders import picture
from PIL import Image

import lit_clid
from lit_clid.judging.report.result import Result
from lit_clid.models.quiet import quiet_imports

ASKED = ["loss", "clid_th_null"]
Pairs = list[tuple[Image.Image, str]]


def pairs(first: int, count: int = 12) -> Pairs:
    return [(picture(first + k), f"picture number {first + k}") for k in range(count)]


def folder_of(place: Path, records: Pairs) -> Path:
    place.mkdir(parents=True)
    for k, (image, text) in enumerate(records):
        image.save(place / f"{k:03d}.png")
        (place / f"{k:03d}.txt").write_text(text)
    return place


def dataset_of(records: Pairs, **columns: list[Any]) -> Any:
    import datasets

    images, texts = zip(*records, strict=True)
    return datasets.Dataset.from_dict(
        {"image": list(images), "text": list(texts), **columns}
    ).cast_column("image", datasets.Image())


def opened(folder: Path) -> Any:
    with quiet_imports():
        from diffusers import StableDiffusionPipeline

        return StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True)


def audit(model: Any, runs: Path, **more: Any) -> Result:
    usual: dict[str, Any] = {"attacks": ASKED, "audit": {"swapped": 0}, "reference": None}
    found = lit_clid.audit(model, runs=runs, **{**usual, **more})
    assert isinstance(found, Result)
    return found


def scores(found: Result) -> np.ndarray:
    return np.sort(found.target.signals["loss"])
