"""Groups of records: artists, clients or domains, by a column or by the folder of the image."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from lit_clid.config.options.data import DataOptions
from lit_clid.data.source import Source
from lit_clid.data.texts import TextColumn
from lit_clid.errors import UserError

FOLDER = "folder"
"""`data.group_column` for the sub-folder of the image."""


def by_folder(source: Source) -> Source:
    """The source with the sub-folder of each file for a group, unless a column says the groups."""
    if source.groups is not None:
        return source
    folders = (str(PurePosixPath(name).parent) for name in source.ids)
    return replace(source, groups=TextColumn("" if name == "." else name for name in folders))


def check_groups(sources: Mapping[str, Source], options: DataOptions) -> None:
    """Refuse a group column that the suspects do not have.

    Raises:
        UserError: naming their source.
    """
    column = options.group_column
    asked = sources.get("suspects", sources["first"])
    if column is None or any(asked.groups or ()):
        return
    lacks = "has no such column" if asked.groups is None else "says no group"
    if column == FOLDER:
        lacks = "holds its images in no sub-folder"
    raise UserError(
        f"data.group_column: {column!r}: {asked.name} {lacks}; name the column that says whose "
        "each record is, or null"
    )


def groups_of(sources: tuple[Source, ...]) -> dict[str, str]:
    """id → group of every row that has one."""
    found: dict[str, str] = {}
    for source in sources:
        pairs = zip(source.names, source.groups or (), strict=False)
        found |= {name: group for name, group in pairs if group}
    return found
