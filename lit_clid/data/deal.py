"""Dealing records out: which plays a member or a hold-out of which role.

The deal is a function of the seed and the names alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from lit_clid.config.options.data import DataOptions
from lit_clid.data.entries import CODES, UNKNOWN
from lit_clid.data.source import Source
from lit_clid.errors import UserError
from lit_clid.ids import Ids
from lit_clid.randomness import permutation


class Alone(Enum):
    """Whether records are kept for a shadow."""

    NO = "they are"
    CLAIM = "none where there are suspects"
    YES = "none, where it is known who is a member or there are suspects"


@dataclass(frozen=True)
class Part:
    """Records that play the same.

    Args:
        ids: theirs.
        role: target or shadow.
        member: whether they are; None for suspects.
    """

    ids: Ids
    role: str
    member: bool | None


@dataclass(frozen=True)
class Piles:
    """Where members and hold-outs may be taken from.

    Args:
        inside: ids that may be members; `outside`: ids that may be hold-outs; equal if one source
            supplies both.
        known: `inside` is what the target was trained on, as a member column says, so no shadow may
            learn from it.
        suspects: ids of which nobody knows; all of them are the target's.
        alone: there is no shadow to keep records for.
    """

    inside: Ids
    outside: Ids
    known: bool = False
    suspects: Ids = field(default_factory=Ids)
    alone: bool = False


def find_piles(names: Sequence[str], sources: Mapping[str, Source], *, alone: Alone) -> Piles:
    """Say of every record where it may be taken from.

    Args:
        names: ids of the usable records of all sources.
        sources: the "first", and perhaps "nonmembers" and "suspects".
        alone: whether records are kept for a shadow; where nothing says who is a member, all but
            the suspects are then hold-outs, if there are any.

    Raises:
        UserError: if a member column contradicts the source of hold-outs.
    """
    names, first = Ids(names), sources["first"]
    at = Ids(first.names).places(names)
    said = _told(first)
    unknown = find_suspects(names, sources)
    suspects, others = names.take(unknown), names.take(~unknown)
    vouched = "nonmembers" in sources or first.member is not None
    whole = (
        bool(suspects)
        if alone is Alone.CLAIM
        else alone is Alone.YES and (bool(suspects) or vouched)
    )
    if "nonmembers" in sources:
        if first.member is not None and (said == 0).any():
            raise UserError(
                f"{first.name}: its member column calls some rows hold-outs, but "
                "data.nonmember_source supplies those; set data.member_column=null or leave out "
                "data.nonmember_source"
            )
        inside = at[~unknown] >= 0
        return Piles(others.take(inside), others.take(~inside), False, suspects, whole)
    if first.member is not None:
        inside = (said[at] == 1)[~unknown]
        return Piles(others.take(inside), others.take(~inside), True, suspects, whole)
    if whole:
        return Piles(Ids(), others, suspects=suspects, alone=True)
    return Piles(others, others, suspects=suspects)


def find_suspects(names: Ids, sources: Mapping[str, Source]) -> np.ndarray:
    """Which of the names (N,) are of records of which nobody knows."""
    first = sources["first"]
    at = Ids(first.names).places(names)
    found = (at >= 0) & (_told(first)[at] == UNKNOWN) & (first.member is not None)
    if "suspects" in sources:
        found |= Ids(sources["suspects"].names).places(names) >= 0
    return found


def _told(source: Source) -> np.ndarray:
    """What a source says of each row's member (N + 1,): 1, 0 and `UNKNOWN`; the last is of none."""
    told = (None,) * len(source.ids) if source.member is None else source.member
    return np.fromiter((CODES[member] for member in (*told, None)), np.int8)


def deal(piles: Piles, options: DataOptions, seed: int) -> list[Part]:
    """Deal the target's members and hold-outs, then the shadow's if the records suffice.

    Raises:
        UserError: if there are fewer records than one source is asked for, or than the target
            needs.
    """
    suspects = Part(piles.suspects.take(piles.suspects.order()), "target", None)
    return [*_deal(piles, options, seed), suspects]


def _deal(piles: Piles, options: DataOptions, seed: int) -> list[Part]:
    if piles.alone:
        return _deal_alone(piles, options, seed)
    if piles.known:
        return _deal_known(piles, options, seed)
    redrawn = options.shadow == "redrawn"
    if piles.inside == piles.outside:
        return _deal_one(piles.inside, options, seed, redrawn)
    return _deal_two(piles, options, seed, redrawn)


def _deal_one(names: Ids, options: DataOptions, seed: int, redrawn: bool) -> list[Part]:
    share = len(names) // (2 if redrawn else 4)
    members, nonmembers = options.members or share, options.nonmembers or share
    need = (1 if redrawn else 2) * (members + nonmembers)
    words = f"{'' if redrawn else '2 × '}({members} members + {nonmembers} hold-outs)"
    _require(len(names), need, "records", words)
    target = _shuffled(names, seed, "split")
    shadow = _shuffled(names, seed, "shadow split") if redrawn else target[members + nonmembers :]
    return [
        *_take(target[:members], target[members:][:nonmembers], "target"),
        *_take(shadow[:members], shadow[members:][:nonmembers], "shadow"),
    ]


def _deal_two(piles: Piles, options: DataOptions, seed: int, redrawn: bool) -> list[Part]:
    share = 1 if redrawn else 2
    members = options.members or len(piles.inside) // share
    nonmembers = options.nonmembers or len(piles.outside) // share
    _require(len(piles.inside), members, "members", f"data.members = {members}")
    _require(len(piles.outside), nonmembers, "hold-outs", f"data.nonmembers = {nonmembers}")
    inside = _shuffled(piles.inside, seed, "members")
    outside = _shuffled(piles.outside, seed, "hold-outs")
    parts = _take(inside[:members], outside[:nonmembers], "target")
    if redrawn:
        inside = _shuffled(inside, seed, "shadow split")
        outside = _shuffled(outside, seed, "shadow split")
    else:
        inside, outside = inside[members:], outside[nonmembers:]
    if len(inside) >= members and len(outside) >= nonmembers:
        parts += _take(inside[:members], outside[:nonmembers], "shadow")
    return parts


def _deal_alone(piles: Piles, options: DataOptions, seed: int) -> list[Part]:
    """Every record is the target's, but for those beyond what was asked for."""
    if not piles.suspects:  # who claims takes what there is
        members = options.members or len(piles.inside)
        nonmembers = options.nonmembers or len(piles.outside)
        _require(len(piles.inside), members, "members", f"data.members = {members}")
        _require(len(piles.outside), nonmembers, "hold-outs", f"data.nonmembers = {nonmembers}")
    inside = _shuffled(piles.inside, seed, "members")[: options.members]
    outside = _shuffled(piles.outside, seed, "hold-outs")[: options.nonmembers]
    _require(len(outside), 1, "hold-outs", "to compare others with")
    return _take(inside, outside, "target")


def _deal_known(piles: Piles, options: DataOptions, seed: int) -> list[Part]:
    """The shadow learns on records that the target did not see, as many as the hold-outs leave."""
    members = options.members or len(piles.inside)
    nonmembers = options.nonmembers or len(piles.outside) // 3
    _require(len(piles.inside), members, "members", f"data.members = {members}")
    _require(len(piles.outside), nonmembers, "hold-outs", f"data.nonmembers = {nonmembers}")
    inside = _shuffled(piles.inside, seed, "members")
    outside = _shuffled(piles.outside, seed, "hold-outs")
    left = outside[nonmembers:]
    half = len(left) // 2
    return [
        *_take(inside[:members], outside[:nonmembers], "target"),
        *_take(left[:half][:members], left[half:][:nonmembers], "shadow"),
    ]


def _shuffled(names: Ids, seed: int, stream: str) -> Ids:
    order = permutation(len(names), seed, stream)
    return names.take(names.order()[np.array(order, np.int64)])


def _take(members: Ids, holdouts: Ids, role: str) -> list[Part]:
    return [Part(members, role, True), Part(holdouts, role, False)]


def _require(have: int, need: int, what: str, for_what: str) -> None:
    if have < need or need < 1:
        raise UserError(
            f"data: {have} usable {what}, but the split asks for {need} ({for_what}); ask for "
            "fewer, add records, or let data.shadow=redrawn deal the shadow's records from the "
            "same pile"
        )
