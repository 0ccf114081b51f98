"""What a user is told of a split when it is drawn."""

from collections.abc import Mapping, Sequence

import numpy as np

from lit_clid import console
from lit_clid.data.entries import Entries
from lit_clid.data.source import Source
from lit_clid.errors import few


def say_dealt(rows: Entries, entries: Entries) -> None:
    """How many records of the rows play which part, where there are suspects."""
    own = entries.playing("target")
    counts = {member: len(own.told(member)) for member in (None, True, False)}
    said = [f"{counts[None]} suspects"]
    if counts[True]:
        said.append(f"{counts[True]} members")
    said.append(f"{counts[False]} comparable")
    shadow = np.unique(entries.playing("shadow").at)
    if len(shadow):
        said.append(f"{len(shadow)} the shadow's")
    aside = len(rows) - len(np.unique(entries.at))
    console.say(f"{', '.join(said)}, {aside} set aside")


def say_shared(shared: Mapping[str, dict[str, int]]) -> None:
    """That members and hold-outs of a role share captions."""
    for role, counts in shared.items():
        captions = counts["captions"]
        console.say(
            f"note: the {counts['records']} records of the {role} have {captions} "
            f"caption{'s' if captions > 1 else ''} (as the model reads them), which members and "
            "hold-outs share: kept; data.shared_captions=refuse lets nothing be shared"
        )


def say_left_out(source: Source) -> list[str]:
    """Say what of a source is no record, and why, and return it."""
    found = [f"{name}: no metadata row names it" for name in source.unlisted]
    found += source.left_out
    for note in source.notes:
        console.say(f"note: {note}")
    if found:
        console.say(f"note: {source.name}: {len(found)} left out: {few(found, 5)}")
    return found


def say_going_on(names: Sequence[str]) -> None:
    """That files hold more than the image that is read."""
    if names:
        console.say(
            f"note: {len(names)} images are animated or have several pages; the first frame is "
            f"read: {few(names, 5)}"
        )


def say_telling(telling: Mapping[str, int]) -> None:
    """That prompts tell members from hold-outs."""
    for role, told in telling.items():
        console.say(
            f"note: {told} records of the {role} have prompts of members only, or of hold-outs "
            "only: what reads the caption tells them apart without any memory; give both kinds "
            "the same prompts"
        )
