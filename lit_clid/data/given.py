"""Members and hold-outs that someone hands over in memory, as a split of their own."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import Any

from lit_clid.config.options.data import DataOptions
from lit_clid.data.entries import Entries
from lit_clid.data.handed import given_source, is_dataset, is_map_style
from lit_clid.data.scan import scan
from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.randomness import permutation
from lit_clid.scores import FEWEST

PLAIN = DataOptions(member_column=None)


def given_split(members: Any, holdouts: Any, most: int, seed: int) -> Split:
    """Up to `most` members and as many hold-outs, picked by the seed.

    Args:
        members, holdouts: whatever `given_source` takes, or a folder of captioned images.

    Raises:
        UserError: for anything else, for fewer than two records of a kind, an image that does not
            decode, an empty caption, or an image that is both member and hold-out.
    """
    sources = [
        replace(_picked(given, kind, most, seed), mark=f"{kind}:")
        for kind, given in (("members", members), ("holdouts", holdouts))
    ]
    entries = []
    for source, kind in zip(sources, (True, False), strict=True):
        rows = scan([source], "fail").rows
        entries += [replace(entry, role="target", member=kind) for entry in rows]
    known = {entry.image_hash for entry in entries if entry.member}
    both = [e.id for e in entries if not e.member and e.image_hash in known]
    if both:
        raise UserError(
            f"MembershipGauge: {few(both, 3)} are images of members too; hold-outs must be images "
            "that are never trained on"
        )
    return Split(Entries.of(entries), tuple(sources), ())


def _picked(given: Any, kind: str, most: int, seed: int) -> Source:
    """The records of one kind."""
    if isinstance(given, (str, PathLike)):
        given = open_source(DataOptions(source="imagefolder", path=fspath(given)))
    countable = is_dataset(given) or isinstance(given, Sequence) or is_map_style(given)
    try:
        whole: Any = given if countable else given_source(given, kind, PLAIN)
        count = len(whole.ids) if isinstance(whole, Source) else len(whole)
        if count < FEWEST:
            raise UserError(f"{count} {kind} are too few; give at least {FEWEST}")
        rows = sorted(permutation(count, seed, "gauge", kind)[:most])
        if is_dataset(whole):
            return given_source(whole.select(rows), kind, PLAIN)
        if isinstance(whole, Source):
            return replace(whole, member=None, others=None).take(rows)
        return given_source([whole[row] for row in rows], kind, PLAIN)
    except UserError as error:
        raise UserError(f"MembershipGauge: {error}") from None
