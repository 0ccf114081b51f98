"""Data sets of the hub, read by the `datasets` library; what it would retype is refused."""

from typing import Any

from lit_clid.errors import UserError, first_line

TYPED = ("parquet", "arrow", "webdataset", "lance")
"""Kinds of the library's builders whose files say themselves what is text."""


def read_hub(name: str, config: str | None, split: str) -> tuple[Any, bool]:
    """Read one split of a data set.

    Args:
        name: its hub id.
        config: its configuration, where it has several.
        split: such as "train".

    Returns:
        The `datasets` table, and whether its text was written in a file without types (CSV, JSON),
        so that the library guessed them.

    Raises:
        UserError: if it cannot be read.
    """
    import datasets

    datasets.disable_progress_bars()
    try:
        builder = datasets.load_dataset_builder(name, config)
        table = datasets.load_dataset(name, config, split=split)
    except Exception as error:  # the library's own, its builders' and the network's
        raise UserError(
            f"data.source '{name}': cannot be read ({first_line(error.__cause__ or error)}); check "
            "the spelling, data.config, data.split and the network"
        ) from None
    return table, type(builder).__module__.rsplit(".", 1)[-1] not in TYPED


def require_written(table: Any, column: str, name: str) -> None:
    """Refuse a caption column whose cells are no longer what was written.

    Args:
        table: whose types the library guessed.
        column: of the captions.
        name: of the data set, for messages.

    Raises:
        UserError: if the library read anything but text, or took words such as `NA` for missing.
    """
    import datasets

    advice = (
        "download the data set and give the folder: data.source=imagefolder data.path=FOLDER reads "
        "text as it was written"
    )
    feature = table.features[column]
    of = getattr(feature, "feature", feature)
    if not (isinstance(of, datasets.Value) and of.dtype in ("string", "large_string")):
        kind = getattr(of, "dtype", type(of).__name__)
        raise UserError(
            f"{name}: column '{column}' was read as {kind}, not as the text that was written; "
            f"{advice}"
        )
    missing = [str(k) for k, cell in enumerate(table[column][:], 1) if cell is None]
    if missing:
        raise UserError(
            f"{name}: column '{column}' has no text in {len(missing)} rows (row {missing[0]}): "
            f"empty, or a word such as NA that the library takes for missing; {advice}"
        )
