"""Parts of a split that are asked once more (some records, or some with another's caption), and
the parts that its images play in another.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from lit_clid.data.entries import Entries, Entry
from lit_clid.data.manifest import read_csv
from lit_clid.data.scan import hash_bytes
from lit_clid.data.source import Source
from lit_clid.data.split import Split
from lit_clid.ids import Ids
from lit_clid.randomness import permutation

FEWEST = 8
"""Records of a kind whose captions are swapped at all."""


def only(split: Split, ids: Collection[str]) -> Split:
    """The split with these of the target's records alone."""
    own = split.of("target")
    return replace(split, entries=own.take(Ids(ids).places(own.ids) >= 0))


def first_of(split: Split, most: int) -> Split:
    """The split with at most so many of the target's records of each kind, in the order of their
    hashes.
    """
    chosen: set[str] = set()
    for kind in (True, False, None):
        some = split.once(split.of("target").told(kind)).by_image()[:most]
        chosen |= set(some.ids)
    return only(split, chosen)


def plays_the_same(split: Split, role: str, manifest: Path, fingerprint: str) -> bool:
    """Whether a role's images play the parts that they play in another split, whatever their
    captions.

    Args:
        split: whose role.
        role: target or shadow.
        manifest: of the other split.
        fingerprint: that the other must have.
    """
    if not manifest.is_file():
        return False
    others = Split(read_csv(manifest), (), ())
    played = {(entry.image_hash, entry.member) for entry in others.of(role)}
    own = {(entry.image_hash, entry.member) for entry in split.of(role)}
    return others.fingerprint == fingerprint and own <= played


def swapped(split: Split, most: int, seed: int) -> Split | None:
    """At most so many of the target's records of each kind, each with the caption of another of its
    kind; None where a kind has too few, or one caption.

    Suspects stand for members where no member is known.
    """
    inside = split.of("target", True) or split.suspects
    kinds = [inside, split.of("target", False)]
    given: dict[str, str] = {}
    for kind in kinds:
        some = split.once(kind).by_image()[:most]
        order = permutation(len(some), seed, "swapped captions")
        circle = list(some.ids.take(np.array(order, np.int64)))
        if len(circle) < FEWEST or len(set(split.captions(some))) < FEWEST:
            return None
        given |= dict(zip(circle, [*circle[1:], circle[0]], strict=True))
    numbers = split.places.numbers(list(given.values()))
    place = dict(zip(given, map(split.places.at, numbers), strict=True))
    sources = tuple(_with_captions(source, place) for source in split.sources)
    entries: list[Entry] = []
    for entry in only(split, given).entries:
        source, row = place[entry.id]
        said = hash_bytes(source.captions[row].encode())
        entries.append(replace(entry, caption_hash=said))
    return replace(split, sources=sources, entries=Entries.of(entries))


def _with_captions(source: Source, place: Mapping[str, tuple[Source, int]]) -> Source:
    """The source in which the rows of `place` have the captions, and importances, of others."""
    captions = list(source.captions)
    others = list(source.others or [()] * len(captions))
    importance = None if source.importance is None else list(source.importance)
    for row, name in enumerate(source.names):
        if name in place:
            other, at = place[name]
            captions[row] = other.captions[at]
            others[row] = other.others[at] if other.others is not None else ()
            if importance is not None and other.importance is not None:
                importance[row] = other.importance[at]
    kept = None if importance is None else tuple(importance)
    return replace(source, captions=tuple(captions), others=tuple(others), importance=kept)
