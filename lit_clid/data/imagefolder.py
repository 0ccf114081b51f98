"""The records of a folder of images, by its metadata files or by what lies beside each image."""

from dataclasses import replace

import numpy as np

from lit_clid.config.options.data import DataOptions
from lit_clid.data.beside import Beside, captions_beside, several_lines, texts_alone
from lit_clid.data.columns import CAPTION_NAMES, captions_of
from lit_clid.data.decoding import IMAGE_ENDINGS
from lit_clid.data.described import undescribed
from lit_clid.data.folder import Listing, listed
from lit_clid.data.groups import FOLDER, by_folder
from lit_clid.data.metadata import Row, Rows, read_json
from lit_clid.data.names import unique
from lit_clid.data.source import Source, from_rows
from lit_clid.data.text import printable
from lit_clid.data.texts import Lists, Paths
from lit_clid.errors import UserError, few


def read_folder(listing: Listing, options: DataOptions) -> Source:
    """The records of a folder.

    Raises:
        UserError: if it holds no images, or nothing says their captions.
    """
    if not listing.images:
        found = listing.left_out()
        raise UserError(
            f"{listing.folder}: no images ({', '.join(IMAGE_ENDINGS)}); give the folder that holds "
            f"them{f' (left out: {few(list(found), 3)})' if found else ''}"
        )
    if listing.metadata:
        source = _described(listing, options)
    elif options.captions is not None:
        source = _with_columns(undescribed(listing), listing, options)
    else:
        source = _beside(listing, options)
    return by_folder(source) if options.group_column == FOLDER else source


def _with_columns(source: Source, listing: Listing, options: DataOptions) -> Source:
    """A folder whose captions a model writes, with the columns that its .json have beside them."""
    told = from_rows(_objects_beside(listing), options, source.name)
    return replace(
        told,
        ids=source.ids,
        captions=source.captions,
        others=None,
        open_image=source.open_image,
        left_out=source.left_out,
    )


def _beside(listing: Listing, options: DataOptions) -> Source:
    """A folder with a text or a JSON object beside each image."""
    described = _objects_beside(listing)
    pairs = zip(listing.images, described, strict=True)
    objects = Lists(_captions(row, str(image.with_suffix(".json"))) for image, row in pairs)
    found = captions_beside(listing, objects)
    return replace(
        from_rows(described, options, printable(str(listing.folder)), found.cells),
        ids=unique(map(listing.name, listing.images)),
        open_image=listing.store.images(listing.images),
        left_out=listing.left_out(found.alone),
        notes=several_lines(str(listing.folder), found.several),
    )


def _objects_beside(listing: Listing) -> Rows:
    """The keys of the .json of the same name beside each image, as img2dataset writes it; none
    where there is no such file, or no object in it.
    """
    files = Beside(listing.images, listing.files.ending_in([".json"]))
    rows = Rows()
    for k in range(len(listing.images)):
        told = [read_json(listing.store.text(file), str(file)) for file in files.of(k)[-1:]]
        rows.extend(row if isinstance(row, dict) else {} for row in told or [{}])
    return rows


def _captions(row: Row, where: str) -> tuple[str, ...]:
    """The caption and the further ones that an object holds; an empty one where it has none."""
    name = next((name for name in CAPTION_NAMES if row.get(name)), None)
    return ("",) if name is None else captions_of(row[name], f"{where}: {name}")


def _described(listing: Listing, options: DataOptions) -> Source:
    """A folder with metadata files, those of the split's own sub-folder where it has any."""
    name, part = printable(str(listing.folder)), listing.folder / options.split
    own = [file for file in listing.metadata if file.is_relative_to(part)]
    rows, images = listed(listing, own or listing.metadata)
    store = listing.store
    (root,) = store.real([listing.folder])
    named = Paths(store.real(images))
    within = Paths(file for file in listing.images if not own or file.is_relative_to(part))
    known = Paths(store.real(within)).among(named)
    unlisted = (listing.name(within[int(row)]) for row in np.flatnonzero(~known))
    return replace(
        from_rows(rows, options, name),
        ids=unique(printable(file.relative_to(root).as_posix()) for file in named),
        open_image=store.images(images),
        unlisted=tuple(unlisted),
        left_out=listing.left_out(texts_alone(listing)),
    )
