"""Parts of a split that are asked once more (some records, or some with another's caption), and
the parts that its images play in another.
"""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from lit_clid.data.scan import Entry, from_csv, hash_bytes
from lit_clid.data.source import Source
from lit_clid.data.split import Split
from lit_clid.randomness import permutation

FEWEST = 8
"""Records of a kind whose captions are swapped at all."""


def only(split: Split, ids: Collection[str]) -> Split:
    """The split with these of the target's records alone."""
    chosen = (entry for entry in split.of("target") if entry.id in ids)
    return replace(split, entries=tuple(chosen))


def first_of(split: Split, most: int) -> Split:
    """The split with at most so many of the target's records of each kind, in the order of their
    hashes.
    """
    chosen: set[str] = set()
    for kind in (True, False, None):
        own = [entry for entry in split.of("target") if entry.member is kind]
        some = sorted(split.once(own), key=lambda entry: entry.image_hash)[:most]
        chosen |= {entry.id for entry in some}
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
    lines = csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8")))
    others = Split(tuple(from_csv(line) for line in lines), (), ())
    played = {(entry.image_hash, entry.member) for entry in others.of(role)}
    own = {(entry.image_hash, entry.member) for entry in split.of(role)}
    return others.fingerprint == fingerprint and own <= played


def swapped(split: Split, most: int, seed: int) -> Split | None:
    """At most so many of the target's records of each kind, each with the caption of another of its
    kind; None where a kind has too few, or one caption.

    Suspects stand for members where no member is known.
    """
    inside = [*split.of("target", True)] or [*split.suspects]
    kinds = [inside, [*split.of("target", False)]]
    given: dict[str, str] = {}
    place = split.locate()
    for kind in kinds:
        some = sorted(split.once(kind), key=lambda entry: entry.image_hash)[:most]
        circle = [some[k].id for k in permutation(len(some), seed, "swapped captions")]
        texts = {name: place[name][0].captions[place[name][1]] for name in circle}
        if len(circle) < FEWEST or len(set(texts.values())) < FEWEST:
            return None
        given |= dict(zip(circle, [*circle[1:], circle[0]], strict=True))
    sources = tuple(_with_captions(source, given, place) for source in split.sources)
    entries: list[Entry] = []
    for entry in split.of("target"):
        if entry.id in given:
            source, row = place[given[entry.id]]
            said = hash_bytes(source.captions[row].encode())
            entries.append(replace(entry, caption_hash=said))
    return replace(split, sources=sources, entries=tuple(entries))


def _with_captions(
    source: Source, given: Mapping[str, str], place: Mapping[str, tuple[Source, int]]
) -> Source:
    """The source in which the rows of `given` have the captions, and importances, of others."""
    captions = list(source.captions)
    others = list(source.others or [()] * len(captions))
    importance = None if source.importance is None else list(source.importance)
    for row, name in enumerate(source.names):
        if name in given:
            other, at = place[given[name]]
            captions[row] = other.captions[at]
            others[row] = other.others[at] if other.others is not None else ()
            if importance is not None and other.importance is not None:
                importance[row] = other.importance[at]
    kept = None if importance is None else tuple(importance)
    return replace(source, captions=tuple(captions), others=tuple(others), importance=kept)
