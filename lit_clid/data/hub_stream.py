"""The first rows of a hub data set, streamed once instead of downloading all of it, and kept.

They lie in the library's cache, so that the second look needs no network and sees the same rows.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.data.counted import counted
from lit_clid.data.hub import (
    ADVICE,
    UNTYPED,
    HubTable,
    builder_of,
    commit_of_builder,
    kind_of,
    unread,
)
from lit_clid.errors import UserError, first_line
from lit_clid.hub import revised

PACKED = ("zip", "tar", "gzip", "bz2", "xz", "zstd")
"""How the library says that a file lies within another of the data set."""


def stream_hub(name: str, config: str | None, split: str, count: int) -> HubTable:
    """The first rows of one split of a data set.

    Args:
        name: its hub id, perhaps with "@revision".
        config: its configuration, where it has several.
        split: such as "train".
        count: of rows.

    Raises:
        UserError: if they cannot be read, there are fewer, or the data set is CSV.
    """
    import datasets

    datasets.disable_progress_bars()
    kept = _folder(name, config, split, count)
    if not kept.is_dir():
        console.say(f"streaming the first {count:,} rows of {name}; they are kept in {kept}")
        try:
            _keep(name, config, split, count, kept)
        except UserError:
            raise
        except Exception as error:  # the library's own, its builders' and the network's
            raise unread(name, error, "streamed") from None
    try:
        table = datasets.load_from_disk(str(kept))
    except Exception as error:  # pyarrow's and the library's own
        raise UserError(
            f"{kept}: the rows that were kept are not whole any more ({first_line(error, 80)}); "
            "delete the folder, and they are streamed again"
        ) from None
    kind, _, commit = table.info.description.partition(" ")
    return HubTable(table, kind in UNTYPED, commit or None)


def _folder(name: str, config: str | None, split: str, count: int) -> Path:
    """Where the rows are kept."""
    from datasets import config as library

    told = json.dumps([name, config, split, count])
    key = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
    return Path(library.HF_DATASETS_CACHE) / "first rows" / key


def _keep(name: str, config: str | None, split: str, count: int, kept: Path) -> None:
    import datasets

    repository, _ = revised(name)
    builder = builder_of(name, config)
    kind, commit = kind_of(builder), commit_of_builder(builder)
    if kind == "csv":
        raise UserError(f"data.source '{name}': the library changes what CSV files say; {ADVICE}")
    stream = builder.as_streaming_dataset(split=split)
    images = [c for c, f in (stream.features or {}).items() if isinstance(f, datasets.Image)]
    for column in images:
        stream = stream.cast_column(column, datasets.Image(decode=False))
    part = kept.with_name(f".{kept.name}.{os.getpid()}.part")
    try:
        table = datasets.Dataset.from_generator(
            _rows,
            features=stream.features,
            cache_dir=str(part / "made"),
            gen_kwargs={"stream": stream, "images": images, "name": repository, "count": count},
            fingerprint=kept.name,
        )
        if len(table) < count:
            raise UserError(
                f"data.stream: {count} rows are asked for and {name} has {len(table)}; ask for "
                "fewer, or null to take all"
            )
        table.info.description = kind if commit is None else f"{kind} {commit}"
        table.save_to_disk(str(part / "kept"))
        with suppress(OSError):  # another process was first
            (part / "kept").rename(kept)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _rows(stream: Any, images: list[str], name: str, count: int) -> Iterator[dict[str, Any]]:
    """Rows whose images are bytes."""
    rows = islice(stream, count)
    for row in counted(rows, "streaming", count, "row"):
        yield {**row, **{column: _with_bytes(row[column], name) for column in images}}


def _with_bytes(cell: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    """The cell of an image with its bytes; without, where they lie outside the data set."""
    if cell is None or cell["bytes"] is not None:
        return cell
    *within, own = str(cell["path"]).split("::")
    packed = all(step.partition("://")[0] in PACKED for step in within)
    if not packed or not own.startswith(f"hf://datasets/{name}@"):
        return None
    from datasets.utils.file_utils import xopen

    with xopen(cell["path"], "rb") as file:
        return {"bytes": file.read(), "path": None}
