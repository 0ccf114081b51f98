"""Folders of captioned images: a metadata file, or a .txt beside each image.

Nothing outside the folder is read.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError, few, first_line

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def captions_beside(folder: Path, images: Sequence[Path]) -> tuple[str, ...]:
    """The captions in the .txt of the same name beside each image; empty where there is none.

    Raises:
        UserError: if no image has one, or a file leads outside the folder.
    """
    texts = [image.with_suffix(".txt") for image in images]
    present = [text for text in texts if text.is_file()]
    if not present:
        names = [f.name for f in folder.iterdir() if f.suffix.lower() not in IMAGE_ENDINGS]
        found = sorted(names)
        raise UserError(
            f"{folder}: no captions; add metadata.jsonl or metadata.csv with the columns file_name "
            "and text, or a .txt beside each image (found beside the images: "
            f"{few(found, 5) or 'nothing'})"
        )
    _inside(folder, [*images, *present])
    return tuple(_read_text(text).strip() if text.is_file() else "" for text in texts)


def _inside(folder: Path, files: Sequence[Path]) -> None:
    root = folder.resolve()
    outside = [str(file) for file in files if not file.resolve().is_relative_to(root)]
    if outside:
        raise UserError(
            f"{folder}: {few(outside, 3)} lead outside the folder and are not followed; copy the "
            "files into it"
        )


def check_metadata(file: Path) -> set[Path]:
    """The images that the rows name; captions are judged later, with the images.

    Raises:
        UserError: unless each row names an image that exists inside the folder.
    """
    rows = _metadata_rows(file)
    nameless = [str(k) for k, row in rows if not row.get("file_name")]
    if nameless:
        raise UserError(
            f"{file}: no file_name in row {few(nameless)}; each row needs the columns file_name "
            "and text"
        )
    images = [file.parent / str(row["file_name"]) for _, row in rows]
    _inside(file.parent, images)
    named = zip(rows, images, strict=True)
    missing = [f"row {k} ({row['file_name']})" for (k, row), image in named if not image.is_file()]
    if missing:
        raise UserError(
            f"{file}: no such image: {few(missing)}; remove these rows or add the files"
        )
    return {image.resolve() for image in images}


def _metadata_rows(file: Path) -> list[tuple[int, dict[str, Any]]]:
    """(row number from 1, row) of a metadata file."""
    if file.suffix == ".parquet":
        import pyarrow.parquet as pq

        try:
            return list(enumerate(pq.read_table(file).to_pylist(), 1))
        except Exception as error:  # pyarrow raises kinds of its own
            raise UserError(f"{file}: not a parquet table ({first_line(error)})") from None
    text = _read_text(file)
    if file.suffix == ".csv":
        try:
            return list(enumerate(csv.DictReader(io.StringIO(text)), 1))
        except csv.Error as error:
            raise UserError(f"{file}: not a CSV table ({error})") from None
    lines = enumerate(text.splitlines(), 1)
    return [(k, _json_row(file, k, line)) for k, line in lines if line.strip()]


def _json_row(file: Path, k: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file}: line {k} is not valid JSON ({error.msg}); mend that line"
        ) from None
    if not isinstance(row, dict):
        raise UserError(
            f'{file}: line {k} is not a JSON object; write {{"file_name": …, "text": …}}'
        )
    return row


def _read_text(file: Path) -> str:
    """A text file, with or without a byte order mark."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file}: not UTF-8; save it as UTF-8") from None
