"""Records that have several captions: whether an audit asks about the first, takes the mean over
all, or has a record of each.

Records of one image are never parted: they are dealt out together, and resampled together.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lit_clid.config.options.data import DataOptions
from lit_clid.data.deal import Alone, deal, find_piles
from lit_clid.data.entries import CODES, Entries
from lit_clid.data.places import Places
from lit_clid.data.scan import hash_bytes
from lit_clid.data.source import Source
from lit_clid.errors import UserError, few
from lit_clid.ids import Ids


def several(sources: Mapping[str, Source], options: DataOptions) -> dict[str, Source]:
    """The sources as `data.several_captions` wants them.

    Raises:
        UserError: if records of each caption would have the name of another record.
    """
    if options.several_captions == "each":
        return {name: _each(source) for name, source in sources.items()}
    averaged = options.several_captions == "average"
    return {name: replace(source, averaged=averaged) for name, source in sources.items()}


def _each(source: Source) -> Source:
    """A row for every caption: the image's own name, then that with #2, #3, …."""
    rows: list[int] = []
    captions: list[str] = []
    ids: list[str] = []
    for row, name in enumerate(source.ids):
        others = () if source.others is None else source.others[row]
        told = dict.fromkeys(text for text in (source.captions[row], *others) if text)
        for k, caption in enumerate(told or [""], 1):
            rows.append(row)
            captions.append(caption)
            ids.append(name if k == 1 else f"{name}#{k}")
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise UserError(
            f"{source.name}: {few(twice, 3)} would name two records; rename these images, or "
            "average over captions with data.several_captions=average"
        )

    return replace(
        replace(source, others=None).take(rows),
        ids=tuple(ids),
        captions=tuple(captions),
        images=tuple(source.ids[row] for row in rows),
    )


def further(places: Places, unknown: np.ndarray) -> np.ndarray:
    """The number of the first record of its image, of every record that is not the first; −1 of the
    others (N,).

    Args:
        places: of all records.
        unknown: which are suspects (N,).

    Raises:
        UserError: if there are such records and suspects, whose tests count every record once.
    """
    found = [np.zeros(0, np.int64)]
    start = 0
    for source in places.sources:
        ids = Ids(source.ids)
        first = ids.places(source.images) if source.images else np.arange(len(ids))
        found.append(np.where(first == np.arange(len(ids)), -1, first + start))
        start += len(ids)
    first = np.concatenate(found)
    if (first >= 0).any() and unknown.any():
        raise UserError(
            "data.several_captions: records of each caption are not independent, and what is said "
            "of suspects counts every record once; take the mean with "
            "data.several_captions=average"
        )
    return first


def images_of(ids: Ids, numbers: np.ndarray, places: Places) -> dict[str, str]:
    """id → id of the first record of its image, of the records that share one on purpose.

    Args:
        ids: of some records, with their `numbers`, −1 where one is not there.
        places: of all.
    """
    first = np.where(numbers < 0, -1, further(places, np.zeros(0, bool))[numbers])
    own = np.flatnonzero(first >= 0)
    pairs = dict(zip(ids.take(own), places.names.take(first[own]), strict=True))
    return {**pairs, **{image: image for image in pairs.values()}}


def dealt(
    rows: Entries,
    at: np.ndarray,
    first: np.ndarray,
    opened: Mapping[str, Source],
    options: DataOptions,
    seed: int,
    *,
    alone: Alone,
) -> Entries:
    """Say of every first row of an image where it may be taken from, and deal them, the further
    rows of an image with the first.

    Args:
        rows: the usable ones.
        at: their numbers (N,).
        first: see `further`.
    """
    names = rows.ids
    head = first[at] < 0
    owner = np.where(head, at, first[at])
    order = np.argsort(owner * 2 + ~head, kind="stable")  # the rows of an image, the first ahead
    starts, ends = (np.searchsorted(owner[order], at, side) for side in ("left", "right"))
    found, roles, members = [], [], []
    piles = find_piles(names.take(head), opened, alone=alone)
    try:
        parts = deal(piles, options, seed)
    except UserError as error:
        drawn = any(source.of is not None for source in opened.values())
        raise UserError(f"{error}{'; or raise data.sample' if drawn else ''}") from None
    for part in parts:
        own = names.places(part.ids)
        counts = ends[own] - starts[own]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found.append(order[np.repeat(starts[own], counts) + within])
        roles.append(np.full(len(found[-1]), rows.code(part.role), np.int8))
        members.append(np.full(len(found[-1]), CODES[part.member], np.int8))
    chosen = rows.take(np.concatenate(found))
    return replace(chosen, roles=np.concatenate(roles), members=np.concatenate(members))


def hashes_of_further(ids: Ids, numbers: np.ndarray, places: Places) -> dict[str, str]:
    """id → hash of the further captions, of the records that are there and have any."""
    found: dict[str, str] = {}
    if not any(source.others for source in places.sources):
        return found
    for name, number in zip(ids, numbers.tolist(), strict=True):
        others = () if number < 0 else places.others(number)
        if others:
            found[name] = hash_bytes(str(others).encode())
    return found


def with_wordings(fingerprint: str, told: Mapping[str, tuple[str, ...]]) -> str:
    """A fingerprint that knows further captions, too; the same where there are none."""
    if not any(len(captions) > 1 for captions in told.values()):
        return fingerprint
    return hash_bytes(f"{fingerprint}{list(told.items())}".encode())
