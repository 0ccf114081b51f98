"""What is measured of a final model's samples, each figure left out where its option is null.

On the fixed noise of the hold-outs' captions: the Fréchet distance of the samples to all hold-outs'
images, beside that of as many members' images (the distance of real images to real images), and
CLIPScore.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from lit_clid import console
from lit_clid.auditing.utility.features import clip_score, features_named
from lit_clid.auditing.utility.frechet import frechet_distance
from lit_clid.config.options.experiment import UtilityOptions
from lit_clid.data.module import CaptionedImages
from lit_clid.data.records import RecordSet
from lit_clid.files import read_json, whole, write_json
from lit_clid.models.samples import Samples, draw_samples
from lit_clid.models.target import Target
from lit_clid.plain import Plain

REPORT = "utility.report.json"
"""The report's name, beside the tables."""
SHEET = "samples.png"
BATCH = 16
"""Images at a time; changes no figure."""


@dataclass(frozen=True, kw_only=True)
class SampleReport(Plain):
    """Figures of a model's samples; None for what was not asked.

    Args:
        options: that they depend on.
        frechet: Fréchet distance of the samples to the hold-outs' images, 0 or more.
        frechet_of_members_images: that of as many members' images.
        clip_score: 0 to 100.
    """

    VERSION: ClassVar[int | None] = 1

    options: dict[str, Any] = field(default_factory=dict)
    frechet: float | None = None
    frechet_of_members_images: float | None = None
    clip_score: float | None = None


def read_report(folder: Path) -> SampleReport:
    """The report in a folder; an empty one if there is none.

    Raises:
        UserError: for a file that is none.
    """
    report = folder / REPORT
    return SampleReport.from_json(read_json(report) if report.is_file() else {}, str(report))


def is_reported(folder: Path, options: UtilityOptions) -> bool:
    """True if the folder holds a report made under these options."""
    return read_report(folder).options == _asked(options)


def report_samples(
    target: Target, data: CaptionedImages, options: UtilityOptions, folder: Path
) -> None:
    """Draw samples, grade them and write the report; one process does it.

    Args:
        target: where it is to draw.
        data: whose hold-outs tell the captions, and whose members are compared.
        options: what to draw and which figures.
        folder: where the report and the sheet of samples are written.

    Raises:
        UserError: if a model that the options name does not load.
    """
    figures = _figures(target, data, options, folder) if options.samples else {}
    report = SampleReport(options=_asked(options), **figures)
    write_json(folder / REPORT, report.as_json())


def _asked(options: UtilityOptions) -> dict[str, Any]:
    """What a report depends on."""
    return {key: value for key, value in asdict(options).items() if key not in ("t", "draws")}


def _figures(
    target: Target, data: CaptionedImages, options: UtilityOptions, folder: Path
) -> dict[str, float]:
    holdouts, side = data.holdouts, data.holdouts.side
    ids = [entry.id for entry in holdouts.entries[: options.samples]]
    console.say(f"samples: {len(ids)} images, {options.sampling_steps} steps each")
    made = draw_samples(
        target,
        ids,
        holdouts.captions[: len(ids)],
        side,
        data.seed,
        options.sampling_steps,
        options.guidance,
    )
    if options.sheet:
        with whole(folder / SHEET) as part:
            made.sheet(options.sheet).save(part, format="PNG")
    figures: dict[str, float] = {}
    if options.features is not None:
        figures |= _distances(target, made, data, options.features)
    if options.alignment is not None:
        score = clip_score(options.alignment, target.device)
        figures["clip_score"] = score(made.images, made.captions)
    return figures


def _distances(target: Target, made: Samples, data: CaptionedImages, name: str) -> dict[str, float]:
    """Fréchet distances to the hold-outs: of the samples, and of as many members' images."""
    features = features_named(name, target, data.holdouts.side)
    if not isinstance(features, int):
        features.to(target.device)
    members = torch.cat(list(_images(data.known, len(made.images))))
    distances = {}
    for key, images in (("frechet", made.images), ("frechet_of_members_images", members)):
        real = _images(data.holdouts, len(data.holdouts))
        distances[key] = frechet_distance(features, real, images.to(target.device))
    return distances


def _images(records: RecordSet, count: int) -> Iterator[Tensor]:
    """Batches of the first images (B, 3, H, W) in [0, 1]."""
    rows = range(min(count, len(records)))
    for k in range(0, len(rows), BATCH):
        yield (records.images(rows[k : k + BATCH]) + 1) / 2
