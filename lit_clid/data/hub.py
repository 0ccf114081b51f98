"""Data sets of the hub, read by the `datasets` library; what it would retype is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_clid.data.columns import CAPTION_NAMES
from lit_clid.errors import UserError, few, first_line
from lit_clid.hub import COMMIT, is_hub_id, refusal, revised

UNTYPED = ("csv", "json", "text", "xml", "imagefolder", "folder_based_builder")
"""Kinds of the library's builders whose files do not say what is text."""
KEPT = "cache"
"""How the library calls the builder of what was fetched before."""
ADVICE = (
    "download the data set, give its images a metadata.jsonl or metadata.csv with file_name and "
    "text, and read it with data.source=imagefolder data.path=FOLDER, which takes text as written"
)


@dataclass(frozen=True)
class HubTable:
    """One split of a data set.

    Args:
        rows: as the `datasets` library holds them.
        guessed: whether its text was written in a file without types, so that the library guessed
            them.
        commit: of the repository; None for a folder.
    """

    rows: Any
    guessed: bool
    commit: str | None = None


def read_hub(name: str, config: str | None, split: str) -> HubTable:
    """Read one split of a data set.

    Args:
        name: its hub id, perhaps with "@revision".
        config: its configuration, where it has several.
        split: such as "train".

    Raises:
        UserError: if it cannot be read, or is CSV: the library guesses the types of every ten
            thousand rows anew.
    """
    import datasets

    datasets.disable_progress_bars()
    try:
        builder = builder_of(name, config)
        kind = kind_of(builder)
        if kind != "csv":
            builder.download_and_prepare()
            rows = builder.as_dataset(split=split)
            return HubTable(rows, kind in UNTYPED, commit_of_builder(builder))
    except UserError:
        raise
    except Exception as error:  # the library's own, its builders' and the network's
        raise unread(name, error, "read") from None
    raise UserError(f"data.source '{name}': the library changes what CSV files say; {ADVICE}")


def builder_of(name: str, config: str | None) -> Any:
    """What the library reads a data set with.

    Where the hub is out of reach it takes what it fetched last, of whichever revision; here that of
    the revision is taken, as the hub's own cache knows it.

    Raises:
        UserError: if that revision was never fetched.
    """
    import datasets

    repository, revision = revised(name)
    builder = datasets.load_dataset_builder(repository, config, revision=revision)
    if _kind(builder) != KEPT:
        return builder
    wanted, latest = _fetched(repository, revision), Path(builder.cache_dir)
    if builder.hash == wanted or (wanted is None and revision is None):
        return builder
    if wanted is None or not latest.with_name(wanted).is_dir():
        raise UserError(
            f"data.source: {name} is not kept here in this revision, and the hub is out of reach; "
            "fetch it once with the network"
        )
    version, name_of_config = latest.parts[-2], latest.parts[-3]
    return type(builder)(
        dataset_name=builder.dataset_name,
        config_name=name_of_config,
        version=version,
        hash=wanted,
        repo_id=repository,
    )


def _fetched(repository: str, revision: str | None) -> str | None:
    """The commit that a revision of a data set was when it was last fetched."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    if revision is not None and COMMIT.fullmatch(revision):
        return revision
    folder = repo_folder_name(repo_id=repository, repo_type="dataset")
    ref = Path(HF_HUB_CACHE) / folder / "refs" / (revision or "main")
    return ref.read_text(encoding="utf-8").strip() if ref.is_file() else None


def _kind(builder: Any) -> str:
    return str(type(builder).__module__.rsplit(".", 1)[-1])


def kind_of(builder: Any) -> str:
    """What a builder reads, such as "parquet", or read when it was fetched."""
    return str(builder.info.builder_name) if _kind(builder) == KEPT else _kind(builder)


def commit_of_builder(builder: Any) -> str | None:
    """The commit of the repository that a builder reads; None for a folder."""
    told = str(builder.hash or "")
    return told if COMMIT.fullmatch(told) else None


def unread(name: str, error: Exception, way: str) -> UserError:
    """Why a data set cannot be "read" or "streamed", in a line."""
    from huggingface_hub import HfApi

    repository, revision = revised(name)
    said = refusal(repository, revision, error, "datasets/")
    if said is None and is_hub_id(name):  # the library may not tell what the hub told it
        try:
            HfApi().dataset_info(repository, revision=revision)
        except Exception as reason:
            said = refusal(repository, revision, reason, "datasets/")
    if said is not None:
        return UserError(f"data.source: {said}")
    return UserError(
        f"data.source '{name}': cannot be {way} ({first_line(error.__cause__ or error)}); check "
        "the spelling, data.config, data.split and the network"
    )


def require_written(table: Any, column: str, name: str) -> None:
    """Refuse a caption column whose cells are no longer what was written.

    Args:
        table: whose types the library guessed.
        column: of the captions.
        name: of the data set, for messages.

    Raises:
        UserError: if the library read anything but text.
    """
    kinds = list(_kinds(table.features[column]))
    other = [kind for kind in kinds if kind not in ("string", "large_string", "null")]
    if other:
        raise UserError(
            f"{name}: column '{column}' was read as {few(other)}, not as the text that was "
            f"written; {ADVICE}"
        )


def missing_note(table: Any, column: str, name: str) -> tuple[str, ...]:
    """What to tell of captions that are missing in a table whose types were guessed."""
    missing = [str(k) for k, cell in enumerate(table[column][:], 1) if cell is None]
    if not missing:
        return ()
    return (
        f"{name}: {len(missing)} captions are missing (row {few(missing, 5)}), or are words such "
        "as NA that the library takes for missing where they stand in a CSV file",
    )


def _kinds(feature: Any) -> Iterator[str]:
    """The types of the cells of a column, of its lists and keys."""
    if isinstance(feature, dict):
        for name in feature:
            if name in CAPTION_NAMES:
                yield from _kinds(feature[name])
    elif hasattr(feature, "feature"):
        yield from _kinds(feature.feature)
    else:
        yield str(getattr(feature, "dtype", type(feature).__name__))
