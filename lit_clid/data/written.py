"""The file of captions that a model wrote: a line of JSON per image, known by its decoded pixels.

Before the captions of each writing stands a line that says which model wrote them. Lines are only
ever added, so that writing goes on where it stopped.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lit_clid.about import Captioner
from lit_clid.data.metadata import json_row
from lit_clid.errors import UserError
from lit_clid.files import check_writable, read_text

BY = "captioner"
"""Key of a line that says who wrote the next ones."""


@dataclass(frozen=True)
class Written:
    """What a file of captions holds.

    Args:
        captions: by the hash of the image.
        by: who wrote the last of them; None of an empty file.
    """

    captions: Mapping[str, str] = field(default_factory=dict)
    by: Captioner | None = None


def read_written(path: Path) -> Written:
    """Read the captions that lie in a file; none if there is no such file.

    A last line that was not finished is left out.

    Raises:
        UserError: for a file that is none of captions, or whose captions several models wrote.
    """
    if not path.is_file():
        return Written()
    captions: dict[str, str] = {}
    by: Captioner | None = None
    lines = read_text(path).split("\n")[:-1]
    for number, line in enumerate(lines, 1):
        where = f"{path}: line {number}"
        row = json_row(line, where)
        if BY in row:
            told = Captioner.from_json(row[BY], where, BY)
            refuse_other(told, by, path)
            by = told
        elif by is None or not all(isinstance(row.get(key), str) for key in ("image", "caption")):
            raise UserError(f"{where}: is no caption of an image; restore the file or delete it")
        else:
            captions[row["image"]] = row["caption"]
    return Written(captions, by)


def refuse_other(new: Captioner, old: Captioner | None, path: Path) -> None:
    """Refuse a captioner that is not the one which wrote the captions that are there.

    Raises:
        UserError: naming the file.
    """
    if old is not None and new.fingerprint != old.fingerprint:
        raise UserError(
            f"{path}: its captions were written by {old}, and {new} is another model or asked "
            "otherwise; use the old one, or delete the file to have every image described anew"
        )


def add_written(path: Path, by: Captioner, batches: Iterable[Mapping[str, str]]) -> None:
    """Add captions to a file as they come.

    Args:
        path: of the file, made if there is none.
        by: who writes them.
        batches: captions by the hash of the image.

    Raises:
        WriteError: if the file cannot be written.
    """
    check_writable(path.parent)
    _drop_unfinished(path)
    with path.open("a", encoding="utf-8") as file:
        file.write(_line({BY: by.as_json()}))
        for captions in batches:
            for image, caption in captions.items():
                file.write(_line({"image": image, "caption": caption}))
            file.flush()


def _line(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _drop_unfinished(path: Path) -> None:
    """Cut off what stands behind the last whole line."""
    if path.is_file():
        whole = path.read_bytes().rfind(b"\n") + 1
        with path.open("r+b") as file:
            file.truncate(whole)
