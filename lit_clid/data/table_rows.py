"""The records of a `datasets` table: images by bytes or by paths beside its files."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lit_clid.config.options.data import DataOptions
from lit_clid.data.columns import find_image
from lit_clid.data.images import TableImages
from lit_clid.data.lists import find_root
from lit_clid.data.names import require_one_folder, row_ids
from lit_clid.data.source import Source, from_rows
from lit_clid.errors import UserError, first_line


def from_dataset(
    dataset: Any,
    options: DataOptions,
    name: str,
    files: Sequence[Path],
    kept: Sequence[Path] = (),
    allowed: tuple[Path, ...] | None = None,
) -> Source:
    """The source of a `datasets` table.

    Args:
        files: of the table; beside them may lie those of its images.
        kept: files of the library's cache that hold all rows in their order, where there are none.
        allowed: folders that images may be read from; None means that of the files or, without
            files, the libraries' caches.
    """
    import datasets

    image = find_image(dataset, options, name)
    try:
        dataset = dataset.cast_column(image, datasets.Image(decode=False))
    except Exception as error:  # pyarrow's and the library's own
        raise UserError(
            f"{name}: column '{image}' holds no single images ({first_line(error, 80)}); give one "
            "image per row, or name another column with data.image_column=NAME"
        ) from None
    folders = {file.parent for file in files}
    root = Path(os.path.commonpath(folders)) if folders else None
    if options.root is not None:
        root, folders = find_root(options.root, name), set()
    if len(folders) > 1:
        require_one_folder(dataset, image, name)
    return replace(
        from_rows(dataset, options, name),
        ids=row_ids(dataset, image, root),
        open_image=TableImages(dataset, image, allowed or _allowed(root), tuple(files or kept)),
    )


def _allowed(root: Path | None) -> tuple[Path, ...]:
    """Folders that images may be read from: the source's own, or the libraries' caches."""
    if root is not None:
        return (root.resolve(),)
    import datasets
    from huggingface_hub.constants import HF_HUB_CACHE

    own = datasets.config
    caches = (own.HF_CACHE_HOME, own.HF_DATASETS_CACHE, own.DOWNLOADED_DATASETS_PATH, HF_HUB_CACHE)
    return tuple(Path(cache).expanduser().resolve() for cache in caches)
