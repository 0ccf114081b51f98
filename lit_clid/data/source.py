"""A source of records: N captioned images, wherever they come from."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.columns import (
    find_captions,
    read_all_captions,
    read_groups,
    read_importances,
    read_members,
    read_rephrasings,
)
from lit_clid.data.images import ImageRows, StoredImages
from lit_clid.data.texts import Lists, TextColumn
from lit_clid.ids import Ids

KINDS: dict[str, type[Any]] = {
    "ids": Ids,
    "captions": TextColumn,
    "groups": TextColumn,
    "others": Lists,
    "images": TextColumn,
}
"""Columns of texts, and what holds each."""


@dataclass(frozen=True)
class Source:
    """N captioned images, of which there may be very many: what each row says is kept in columns,
    however it is given.

    Args:
        name: for messages.
        ids: unique names of the rows (file names where there are files).
        captions: stripped captions; an empty string where the row has none.
        open_image: row number → RGB image; raises OSError, ValueError or SyntaxError if it does not
            decode.
        member: per row, if the source says so; None for rows of which it does not.
        groups: per row, if a column says it; an empty string for rows of none.
        importance: word importances per row, if a column holds them.
        unlisted: images of the folder that no metadata row names.
        others: further captions or rephrasings per row.
        left_out: what looks like records and is none, each as "name: reason".
        notes: what a reader of the data should be told, a sentence each.
        mark: stands before the ids of a further source, which may hold files of the same name.
        averaged: an audit's signals are means over a row's caption and its further ones.
        images: per row the id of the first row of its image; None where every row has its own.
        commit: of a hub data set; None for any other source.
        rows: where these are some rows of more, the number of each among all.
        of: where these are a sample, how many records it was drawn from.
    """

    name: str
    ids: Sequence[str]
    captions: Sequence[str]
    open_image: Callable[[int], Image.Image]
    member: tuple[bool | None, ...] | None = None
    groups: Sequence[str] | None = None
    importance: tuple[tuple[float, ...] | None, ...] | None = None
    unlisted: tuple[str, ...] = ()
    others: Sequence[tuple[str, ...]] | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mark: str = ""
    averaged: bool = False
    images: Sequence[str] | None = None
    commit: str | None = None
    rows: Sequence[int] | None = None
    of: int | None = None

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            given = getattr(self, name)
            if given is not None and not isinstance(given, kind):
                object.__setattr__(self, name, kind(given))

    @property
    def names(self) -> Sequence[str]:
        """The ids with the mark."""
        return Ids(f"{self.mark}{name}" for name in self.ids) if self.mark else self.ids

    def number(self, row: int) -> int:
        """The number of a row among all, where these are some of more."""
        return row if self.rows is None else self.rows[row]

    def take(self, rows: Sequence[int]) -> "Source":
        """These of its rows, which may repeat and then have one name."""
        images, found = self.open_image, dict[str, Any]()
        for name in (*KINDS, "member", "importance"):
            column = getattr(self, name)
            if column is not None:
                kind = KINDS.get(name, tuple)
                found[name] = kind(column[row] for row in rows)
        if isinstance(images, StoredImages):
            found["open_image"] = images.take(rows)
        else:
            found["open_image"] = ImageRows(images, array("q", rows))
        return replace(self, **found, rows=array("q", map(self.number, rows)))

    def wordings(self, row: int) -> tuple[str, ...]:
        """The captions under which a row is asked about, each once."""
        others = self.others[row] if self.averaged and self.others is not None else ()
        return tuple(dict.fromkeys((self.captions[row], *others)))


def from_rows(
    rows: Any, options: DataOptions, name: str, cells: Iterable[tuple[str, ...]] | None = None
) -> Source:
    """What the columns of a table say, its images aside.

    Args:
        cells: each row's caption and its further ones; None takes them from the caption's column,
            or none where a model is to write them.
    """
    if options.captions is not None:
        cells = repeat(("",), len(rows))
    if cells is None:
        cells = read_all_captions(rows, find_captions(rows, options, name), name)
    captions, others = TextColumn(), Lists()
    for first, *more in cells:
        captions.append(first)
        others.append(more)
    if options.rephrasings_column is not None:
        others = read_rephrasings(rows, options.rephrasings_column, name)
    importance = None
    if options.importance_column is not None:
        importance = read_importances(rows, options.importance_column, captions, name)
    member = read_members(rows, options, name)
    groups = read_groups(rows, options)
    return Source(name, (), captions, _no_image, member, groups, importance, others=others)


def _no_image(row: int) -> Image.Image:
    raise ValueError(f"row {row} has no image")
