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
    missing = [
        str(image.relative_to(folder))
        for image, text in zip(images, texts, strict=True)
        if not text.is_file()
    ]
    if len(missing) == len(images):
        found = sorted(
            file.name for file in folder.iterdir() if file.suffix.lower() not in IMAGE_ENDINGS
        )
        raise UserError(
            f"{folder}: no captions; add metadata.jsonl or metadata.csv with the columns file_name "
            "and text, or a .txt beside each image (found beside the images: "
            f"{few(found, 5) or 'nothing'})"
        )
    _inside(folder, [*images, *(text for text in texts if text.is_file())])
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
    _inside(file.parent, [file.parent / str(row["file_name"]) for _, row in rows])
    missing = [
        f"row {k} ({row['file_name']})"
        for k, row in rows
        if not (file.parent / str(row["file_name"])).is_file()
    ]
    if missing:
        raise UserError(
            f"{file}: no such image: {few(missing)}; remove these rows or add the files"
        )
    return {(file.parent / str(row["file_name"])).resolve() for _, row in rows}


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
    rows = []
    for k, line in enumerate(text.splitlines(), 1):
        if line.strip():
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
            rows.append((k, row))
    return rows


def _read_text(file: Path) -> str:
    """A text file, with or without a byte order mark."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file}: not UTF-8; save it as UTF-8") from None
