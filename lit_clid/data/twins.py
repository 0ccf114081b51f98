"""Twins: records that hold the same, which may not be a member and a hold-out of one role."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lit_clid.config.options.data import ROLES
from lit_clid.data.entries import Entries
from lit_clid.errors import ManyError

PROMPT = 4
"""So many records of one caption were made with a prompt, not described one by one."""
Sameness = Callable[[Sequence[str]], Sequence[str]]
"""Captions → a key each; captions of equal keys are one caption to the model."""


@dataclass(frozen=True)
class Twins:
    """Which records hold the same.

    Args:
        images, captions: a number for each line that was read (L,); equal ones mean the same image,
            or the same caption.
        sharing: records of one caption may be members and hold-outs alike.
        by_chance: where some are, a model that wrote the captions saw no difference.
    """

    images: np.ndarray
    captions: np.ndarray
    sharing: bool
    by_chance: bool = False

    @property
    def apart(self) -> dict[str, np.ndarray]:
        """Numbers by what members and hold-outs may not share."""
        return {"image": self.images} | ({} if self.sharing else {"caption": self.captions})

    def drop(self, rows: Entries) -> tuple[np.ndarray, list[str]]:
        """Keep the first record of each image and, where they may not be shared, each caption.

        Returns:
            Which rows are kept (N,), and what was left out, as "id: reason".
        """
        kept, dropped, names = np.ones(len(rows), bool), list[str](), rows.ids
        apart = {kind: keys[rows.at] for kind, keys in self.apart.items()}
        first = {kind: np.full(keys.max(initial=0) + 1, -1) for kind, keys in self.apart.items()}
        for row in range(len(rows)):
            for kind, keys in apart.items():
                twin = int(first[kind][keys[row]])
                if twin >= 0:
                    dropped.append(f"{names[row]}: same {kind} as {names[twin]}")
                    kept[row] = False
                    break
            else:
                for kind, keys in apart.items():
                    first[kind][keys[row]] = row
        return kept, dropped

    def refuse(self, entries: Entries) -> None:
        """Refuse a member and a hold-out of one role that share an image or a caption.

        The audit would grade noise.
        """
        for role in ROLES:
            own = entries.playing(role)
            for kind, keys in self.apart.items():
                for others, name in ((False, "hold-outs"), (None, "suspects")):
                    _refuse_pairs(
                        _pairs(own, keys, others), f"{name} of the {role}", kind, "member"
                    )
                _refuse_pairs(_pairs(own, keys, None, False), "suspects", kind, "hold-out")

    def shared(self, entries: Entries) -> dict[str, dict[str, int]]:
        """Role → how many `records` and distinct `captions`, if both sides share one."""
        found: dict[str, dict[str, int]] = {}
        for role in ROLES if not self.by_chance else ():
            own = entries.playing(role)
            keys = [self.captions[own.told(member).at] for member in (True, False)]
            if len(np.intersect1d(*keys)):
                captions = len(np.unique(self.captions[own.at]))
                found[role] = {"records": len(own), "captions": captions}
        return found

    def telling(self, entries: Entries) -> dict[str, int]:
        """Role → of how many records a prompt tells whether they are members, if that is half of
        either kind: `PROMPT` or more of their kind have it, and none of the other kind.
        """
        found: dict[str, int] = {}
        for role in ROLES:
            own = entries.playing(role)
            inside, outside = (self.captions[own.told(member).at] for member in (True, False))
            told = [_only_here(inside, outside), _only_here(outside, inside)]
            sizes = [len(inside), len(outside)]
            if any(2 * n >= size > 1 for n, size in zip(told, sizes, strict=True)):
                found[role] = sum(told)
        return found


def _only_here(mine: np.ndarray, others: np.ndarray) -> int:
    """How many have a prompt of mine that none of the others has."""
    keys, counts = np.unique(mine, return_counts=True)
    return int(counts[(counts >= PROMPT) & ~np.isin(keys, others)].sum())


READ = {"image": "", "caption": " (as the model's tokenizers read it)"}
WAYS = {
    "image": "",
    "caption": ", or data.shared_captions=keep to audit images that share a caption",
}


def without_copies(entries: Entries) -> tuple[Entries, list[str]]:
    """The target's suspects, and its hold-outs, each image once: copies are not independent, and a
    test would count them as if they were.

    Returns:
        The entries, and what was left out, as "id: reason".
    """
    asked = np.flatnonzero((entries.roles == entries.code("target")) & (entries.members != 1))
    keys = 2 * entries.images[asked] + (entries.members[asked] == 0)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    kept, copies, names = np.ones(len(entries), bool), list[str](), entries.ids
    for row, twin in zip(asked.tolist(), asked[first[which]].tolist(), strict=True):
        if row != twin:
            kept[row] = False
            copies.append(f"{names[row]}: same image as {names[twin]}")
    return entries.take(kept), copies


def find_twins(
    rows: Entries,
    captions: Sequence[str],
    same: Sameness,
    shared_captions: str,
    written: bool = False,
    first: np.ndarray | None = None,
) -> Twins:
    """The twins among the rows.

    Captions that are templates or name the subject are kept for all: there are fewer of them than
    half the images.

    Args:
        rows: of the entries.
        captions: theirs.
        same: which captions are one to the model.
        shared_captions: of the data options.
        written: a model wrote the captions, to which two images may look alike: that makes no twins
            of them unless it is asked for.
        first: which rows (N,) share an image with another on purpose.
    """
    keys = pa.array(same(captions), pa.large_string()).dictionary_encode()
    lines = np.zeros((2, len(rows.lines)), np.int64)
    lines[0, rows.at] = rows.images
    if first is not None:
        lines[0, rows.at[first]] = len(rows) + np.flatnonzero(first)
    lines[1, rows.at] = keys.indices.to_numpy()
    images = len(np.unique(lines[0, rows.at]))
    templates = 2 * len(keys.dictionary) < images  # or they name the subject
    found = Twins(lines[0], lines[1], shared_captions == "keep")
    if shared_captions != "auto":
        return found
    by_chance = written and not templates
    return replace(found, sharing=templates or by_chance, by_chance=by_chance)


def _refuse_pairs(pairs: Sequence[str], others: str, kind: str, whose: str) -> None:
    if pairs:
        raise ManyError(
            f"data: {len(pairs)} {others} share their {kind} with a {whose}{READ[kind]}",
            pairs,
            f"; remove one of each, or set data.on_duplicates=drop{WAYS[kind]}",
        )


def _pairs(
    entries: Entries,
    keys: np.ndarray,
    others: bool | None = False,
    kind: bool = True,
) -> list[str]:
    """ "member = hold-out" for every hold-out that has a member's key, or of two other kinds."""
    inside, outside = entries.told(kind), entries.told(others)
    held, first = np.unique(keys[inside.at], return_index=True)
    asked = keys[outside.at]
    there = np.isin(asked, held)
    twins = first[np.searchsorted(held, asked[there])]
    pairs = zip(inside.take(twins).ids, outside.take(there).ids, strict=True)
    return [f"{member} = {holdout}" for member, holdout in pairs]
