"""A folder of members and one of hold-outs, real files of eight formats, straight from the disk."""

import json
from pathlib import Path

import numpy as np
import pytest
from folders import picture
from PIL import Image
from runs import Run

from lit_clid.data.decoding import AVIF, HEIC, JPEG_2000
from lit_clid.scores import Scores

ENDINGS = {
    "PNG": "png",
    "JPEG": "jpg",
    "WEBP": "webp",
    "BMP": "bmp",
    "GIF": "gif",
    "TIFF": "tif",
    **({"AVIF": "avif"} if AVIF else {}),
    **({"JPEG2000": "jp2"} if JPEG_2000 else {}),
    **({"HEIF": "heic"} if HEIC else {}),
}


def turned(image: Image.Image, file: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(file, exif=exif)


def written(folder: Path, first: int) -> Path:
    """A record of each format, and of each kind of image that people have."""
    folder.mkdir()
    pictures = iter(picture(first + k, (80, 64)) for k in range(99))
    for kind, ending in ENDINGS.items():
        next(pictures).save(folder / f"plain.{ending}.{ending}", kind)
    turned(next(pictures), folder / "turned.jpg")
    next(pictures).quantize(32).save(folder / "palette.png")
    next(pictures).convert("CMYK").save(folder / "cmyk.jpeg")
    next(pictures).convert("LA").save(folder / "greys.png")
    clear = next(pictures)
    clear.putalpha(clear.convert("L"))
    clear.save(folder / "clear.webp", lossless=True)
    greys = np.asarray(next(pictures).convert("L")).astype(np.uint16) * 257
    Image.fromarray(greys).save(folder / "deep.tiff")
    frames = [next(pictures).quantize(32) for _ in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    for k, file in enumerate(sorted(folder.iterdir())):
        file.with_suffix(".txt").write_text(f"record {file.name} of {first} as number {k}")
    return folder


@pytest.mark.slow
def test_two_folders_of_eight_formats_are_audited_by_one_command(
    run: Run, pipeline_folder: Path, tmp_path: Path
) -> None:
    members, holdouts = written(tmp_path / "seen", 0), written(tmp_path / "unseen", 100)
    count = len(list(members.glob("*.txt")))
    words = [f"data.path={members}", f"data.nonmember_path={holdouts}", f"runs={tmp_path}"]
    words += [f"data.members={count}", f"data.nonmembers={count}", "attacks=[loss]"]
    words += [f"audit.target={pipeline_folder}", "trainer.enable_progress_bar=false"]
    code, told = run("audit", "configs/folder.yaml", *words)
    assert code == 0, told
    assert "2 images are animated or have several pages; the first frame is read" in told
    assert "left out" not in told
    table = Scores.load(tmp_path / "folder" / "scores" / "target.parquet")
    names = {name.removeprefix("nonmembers:") for name in table.ids}
    assert len(table.ids) == 2 * count
    assert {Path(name).suffix for name in names} >= {f".{each}" for each in ENDINGS.values()}
    assert np.isfinite(table.signals["loss"]).all()
    report = json.loads((tmp_path / "folder" / "report.json").read_text())
    assert report
    code, told = run("audit", "configs/folder.yaml", *words)
    assert code == 0 and "already audited" in told
