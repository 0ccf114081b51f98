"""Twins: records that hold the same, which may not be a member and a hold-out of one role."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lit_clid.config.options.data import ROLES
from lit_clid.data.scan import Entry
from lit_clid.errors import ManyError

PROMPT = 4
"""So many records of one caption were made with a prompt, not described one by one."""
Sameness = Callable[[Sequence[str]], Sequence[str]]
"""Captions → a key each; captions of equal keys are one caption to the model."""


@dataclass(frozen=True)
class Twins:
    """Which records hold the same.

    Args:
        images, captions: id → key; equal keys mean the same image, or the same caption.
        sharing: records of one caption may be members and hold-outs alike.
        by_chance: where some are, a model that wrote the captions saw no difference.
    """

    images: Mapping[str, str]
    captions: Mapping[str, str]
    sharing: bool
    by_chance: bool = False

    @property
    def templates(self) -> bool:
        """Whether captions are templates or name the subject: fewer than half the images."""
        return 2 * len(set(self.captions.values())) < len(set(self.images.values()))

    @property
    def apart(self) -> dict[str, Mapping[str, str]]:
        """Keys by what members and hold-outs may not share."""
        return {"image": self.images} | ({} if self.sharing else {"caption": self.captions})

    def drop(self, rows: Mapping[str, Entry]) -> tuple[dict[str, Entry], list[str]]:
        """Keep the first record of each image and, where they may not be shared, each caption."""
        kept: dict[str, Entry] = {}
        dropped: list[str] = []
        first: dict[tuple[str, str], str] = {}
        for name, entry in rows.items():
            held = [(kind, key[name]) for kind, key in self.apart.items()]
            twin = next((each for each in held if each in first), None)
            if twin is not None:
                dropped.append(f"{name}: same {twin[0]} as {first[twin]}")
            else:
                kept[name] = entry
                first |= dict.fromkeys(held, name)
        return kept, dropped

    def refuse(self, entries: Sequence[Entry]) -> None:
        """Refuse a member and a hold-out of one role that share an image or a caption.

        The audit would grade noise.
        """
        for role in ROLES:
            own = [entry for entry in entries if entry.role == role]
            for kind, keys in self.apart.items():
                for others, name in ((False, "hold-outs"), (None, "suspects")):
                    _refuse_pairs(
                        _pairs(own, keys, others), f"{name} of the {role}", kind, "member"
                    )
                _refuse_pairs(_pairs(own, keys, None, False), "suspects", kind, "hold-out")

    def shared(self, entries: Sequence[Entry]) -> dict[str, dict[str, int]]:
        """Role → how many `records` and distinct `captions`, if both sides share one."""
        found: dict[str, dict[str, int]] = {}
        for role in ROLES if not self.by_chance else ():
            own = [entry for entry in entries if entry.role == role]
            if _pairs(own, self.captions):
                captions = {self.captions[entry.id] for entry in own}
                found[role] = {"records": len(own), "captions": len(captions)}
        return found

    def telling(self, entries: Sequence[Entry]) -> dict[str, int]:
        """Role → of how many records a prompt tells whether they are members, if that is half of
        either kind: `PROMPT` or more of their kind have it, and none of the other kind.
        """
        found: dict[str, int] = {}
        for role in ROLES:
            own = [entry for entry in entries if entry.role == role]
            inside = Counter(self.captions[entry.id] for entry in own if entry.member)
            outside = Counter(self.captions[entry.id] for entry in own if entry.member is False)
            told = [_only_here(inside, outside), _only_here(outside, inside)]
            sizes = [inside.total(), outside.total()]
            if any(2 * n >= size > 1 for n, size in zip(told, sizes, strict=True)):
                found[role] = sum(told)
        return found


def _only_here(mine: Counter[str], others: Counter[str]) -> int:
    """How many have a prompt of mine that none of the others has."""
    return sum(n for key, n in mine.items() if n >= PROMPT and key not in others)


READ = {"image": "", "caption": " (as the model's tokenizers read it)"}
WAYS = {
    "image": "",
    "caption": ", or data.shared_captions=keep to audit images that share a caption",
}


def without_copies(entries: Sequence[Entry]) -> tuple[tuple[Entry, ...], list[str]]:
    """The target's suspects, and its hold-outs, each image once: copies are not independent, and a
    test would count them as if they were.

    Returns:
        The entries, and what was left out, as "id: reason".
    """
    kept: list[Entry] = []
    copies: list[str] = []
    first: dict[tuple[bool | None, str], str] = {}
    for entry in entries:
        key = entry.member, entry.image_hash
        if entry.role == "target" and entry.member is not True and key in first:
            copies.append(f"{entry.id}: same image as {first[key]}")
            continue
        if entry.role == "target":
            first[key] = entry.id
        kept.append(entry)
    return tuple(kept), copies


def find_twins(
    rows: Mapping[str, Entry],
    captions: Mapping[str, str],
    same: Sameness,
    shared_captions: str,
    written: bool = False,
    first: Mapping[str, str] | None = None,
) -> Twins:
    """The twins among the rows.

    Captions that are templates or name the subject are kept for all: there are fewer of them than
    half the images.

    Args:
        rows: entries by id.
        captions: by id.
        same: which captions are one to the model.
        shared_captions: of the data options.
        written: a model wrote the captions, to which two images may look alike: that makes no twins
            of them unless it is asked for.
        first: id → id of the first record of its image, of records that share one on purpose.
    """
    keys = same([captions[name] for name in rows])
    own = dict(zip(rows, keys, strict=True))
    images = {name: entry.image_hash for name, entry in rows.items()}
    images |= {name: f"{images[name]} {name}" for name in first or {} if name in images}
    found = Twins(images, own, shared_captions == "keep")
    if shared_captions != "auto":
        return found
    by_chance = written and not found.templates
    return replace(found, sharing=found.templates or by_chance, by_chance=by_chance)


def _refuse_pairs(pairs: Sequence[str], others: str, kind: str, whose: str) -> None:
    if pairs:
        raise ManyError(
            f"data: {len(pairs)} {others} share their {kind} with a {whose}{READ[kind]}",
            pairs,
            f"; remove one of each, or set data.on_duplicates=drop{WAYS[kind]}",
        )


def _pairs(
    entries: Sequence[Entry],
    keys: Mapping[str, str],
    others: bool | None = False,
    kind: bool = True,
) -> list[str]:
    """ "member = hold-out" for every hold-out that has a member's key, or of two other kinds."""
    inside = {keys[entry.id]: entry.id for entry in reversed(entries) if entry.member is kind}
    outside = [e.id for e in entries if e.member is others and keys[e.id] in inside]
    return [f"{inside[keys[name]]} = {name}" for name in outside]
