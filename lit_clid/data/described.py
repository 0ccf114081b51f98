"""Records whose captions a model writes: each gets one by what its image shows.

The model describes every record, also one that has a caption: were members described by people and
hold-outs by a model, that alone would tell them apart.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from lit_clid.about import Captioner
from lit_clid.config.options.data import DataOptions
from lit_clid.data.beside import texts_alone
from lit_clid.data.counted import counted
from lit_clid.data.folder import Listing
from lit_clid.data.manifest import read_csv
from lit_clid.data.scan import hash_pixels, look
from lit_clid.data.seen import Stamps
from lit_clid.data.source import Source
from lit_clid.data.text import printable
from lit_clid.data.written import Written
from lit_clid.errors import ManyError, UserError
from lit_clid.ids import Ids

Images = Mapping[str, Callable[[], Image.Image]]
"""Images by the hash of their pixels, opened when they are looked at."""
Describe = Callable[[Images], Written]
"""Images → a caption for each."""
UNSEEN = "an image that does not decode"
"""Caption of a row that is no record, so that it is left out for its image's sake."""
TOGETHER = 16
"""Images that are described at a time."""


def undescribed(listing: Listing) -> Source:
    """A folder of images, whatever texts lie beside them."""
    images = listing.images
    return Source(
        name=printable(str(listing.folder)),
        ids=Ids(map(listing.name, images)),
        captions=("",) * len(images),
        open_image=listing.store.images(images),
        left_out=listing.left_out(texts_alone(listing)),
    )


def describe(
    sources: Mapping[str, Source], options: DataOptions, write: Describe | None, manifest: Path
) -> tuple[dict[str, Source], Captioner | None]:
    """The sources with the captions that `data.captions` asks for.

    Args:
        sources: by name.
        options: data options.
        write: has images described.
        manifest: of the split; where there is one, its records alone are looked for, by the hashes
            that it holds. Whether these are true still is for others to verify.

    Returns:
        The sources, and who wrote their captions; None where the data have them.

    Raises:
        UserError: for empty captions, unless such rows are skipped.
    """
    if options.captions is None:
        return dict(sources), None
    assert write is not None
    known = _known(manifest) if manifest.is_file() else None
    trusting = options.verify == "auto"
    seen = {name: _hashes(source, known, trusting) for name, source in sources.items()}
    images: dict[str, Callable[[], Image.Image]] = {}
    for name, source in sources.items():
        for row, found in enumerate(seen[name]):
            if found is not None:
                images.setdefault(found, partial(_open, source, row, found))
    written = write(images)
    told = {name: _told(source, seen[name], written) for name, source in sources.items()}
    if options.on_error == "fail":
        _refuse_empty(list(told.values()), options.captions)
    return told, written.by


def in_batches(
    images: Images, describe: Callable[[Sequence[Image.Image]], Sequence[str]]
) -> Iterator[dict[str, str]]:
    """Captions of the images by their hash, a batch at a time."""
    names = list(images)
    with tqdm(
        desc="describing images", total=len(names), unit="image", leave=False, disable=None
    ) as bar:
        for start in range(0, len(names), TOGETHER):
            some = names[start : start + TOGETHER]
            captions = describe([images[name]() for name in some])
            yield dict(zip(some, captions, strict=True))
            bar.update(len(some))


def _known(manifest: Path) -> dict[str, str]:
    """id → hash of the image, of a manifest."""
    return {entry.id: entry.image_hash for entry in read_csv(manifest)}


def _hashes(source: Source, known: Mapping[str, str] | None, trusting: bool) -> list[str | None]:
    """The hash of each row's image; None where it does not decode or is not known."""
    if known is not None:
        return [known.get(name) for name in source.names]
    rows = range(len(source.ids))
    with ThreadPoolExecutor() as pool:
        found = pool.map(partial(_hash, source, Stamps(), trusting), rows)
        return list(counted(found, "looking at images", len(rows)))


def _hash(source: Source, stamps: Stamps, trusting: bool, row: int) -> str | None:
    try:
        return look(source.open_image, row, stamps, trusting).seen.image_hash
    except Exception:  # Pillow's decoders raise all kinds; who checks the records tells which
        return None


def _open(source: Source, row: int, known: str) -> Image.Image:
    """The image whose hash is known."""
    image = source.open_image(row)
    if hash_pixels(image) != known:
        raise UserError(
            f"{source.names[row]}: the image changed since the split was drawn; restore it or use "
            "another name=…"
        )
    return image


def _told(source: Source, hashes: Sequence[str | None], written: Written) -> Source:
    captions = tuple(UNSEEN if each is None else written.captions[each] for each in hashes)
    return replace(source, captions=captions, others=None)


def _refuse_empty(sources: Sequence[Source], model: str) -> None:
    empty: list[str] = []
    for source in sources:
        pairs = zip(source.names, source.captions, strict=True)
        empty += [name for name, caption in pairs if not caption]
    if empty:
        raise ManyError(
            f"data.captions: {model} wrote an empty caption for {len(empty)} images",
            empty,
            "; take another captioner, or set data.on_error=skip to leave them out",
        )
