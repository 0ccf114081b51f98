"""The split: which record is a member or a hold-out of which role.

It is drawn once from the seed and written as a manifest.

`split.csv` has a line per record (id, where, image hash, caption hash, role, member), `split.json`
what it was drawn from, `split.seen.json` what spares a second look. Wherever it is needed again it
is re-read and verified, never re-drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from lit_clid.about import Captioner
from lit_clid.config.options.data import OWN, DataOptions
from lit_clid.data.again import read_header, verify
from lit_clid.data.deal import Alone, find_suspects
from lit_clid.data.described import Describe, describe
from lit_clid.data.entries import UNKNOWN, Entries
from lit_clid.data.groups import groups_of
from lit_clid.data.manifest import fingerprint, read_csv, write_csv
from lit_clid.data.places import Places
from lit_clid.data.scan import hash_bytes, scan
from lit_clid.data.seen import write_seen
from lit_clid.data.several import (
    dealt,
    further,
    hashes_of_further,
    images_of,
    several,
    with_wordings,
)
from lit_clid.data.source import Source
from lit_clid.data.sources import open_sources
from lit_clid.data.texts import Each
from lit_clid.data.told import say_dealt, say_going_on, say_left_out, say_shared, say_telling
from lit_clid.data.twins import Sameness, find_twins, without_copies
from lit_clid.errors import UserError
from lit_clid.files import write_json
from lit_clid.ids import Ids
from lit_clid.provenance import refuse_changes

FURTHER = "further_captions"
"""Key of the hashes of captions that a record has beside its first."""


@dataclass(frozen=True)
class Split:
    """The manifest with its sources opened.

    Args:
        entries: every record of both roles.
        sources: one, or one of members and one of hold-outs.
        skipped: rows left out, as "id: reason".
        shared: role → how many `records` and distinct `captions`, where its members and hold-outs
            share captions.
        captions_by: the model that wrote the captions; None where the data have them.
        places: id → (source, row number) of every record; splits of the same sources share them.
    """

    entries: Entries
    sources: tuple[Source, ...]
    skipped: tuple[str, ...]
    shared: Mapping[str, dict[str, int]] = field(default_factory=dict)
    captions_by: Captioner | None = None
    places: Places = field(default_factory=lambda: Places(()), compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.places.sources is not self.sources:
            object.__setattr__(self, "places", Places(self.sources))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of who plays which part in a training with which content, wherever the files lie."""
        return fingerprint(self.entries.take(self.entries.members != UNKNOWN))

    @cached_property
    def asked(self) -> str:
        """The same, with the suspects and all captions: what an audit asks about."""
        averaged = any(source.averaged for source in self.sources)
        return with_wordings(fingerprint(self.entries), self.wordings() if averaged else {})

    def wordings(self) -> dict[str, tuple[str, ...]]:
        """id → the captions under which a record is asked about."""
        return dict(zip(self.entries.ids, self.worded(self.entries), strict=True))

    def worded(self, entries: Entries) -> Sequence[tuple[str, ...]]:
        """The captions under which N of the records are asked about."""
        return Each(self.places.wordings, self.numbers(entries))

    def captions(self, entries: Entries) -> Sequence[str]:
        """The captions of N of the records."""
        return Each(self.places.caption, self.numbers(entries))

    @property
    def vouched(self) -> bool:
        """Whether the data say who is a member: by a column, or by a source of hold-outs."""
        marks = {source.mark for source in self.sources}
        return self.sources[0].member is not None or "nonmembers:" in marks

    @property
    def suspects(self) -> Entries:
        """The entries of which nobody knows."""
        return self.entries.told(None)

    def of(self, role: str, member: bool | None = None) -> Entries:
        """The entries of a role: its members, its hold-outs, or all with the suspects."""
        own = self.entries.playing(role)
        return own if member is None else own.told(member)

    @property
    def commits(self) -> dict[str, str]:
        """Of the hub data sets among its sources, each as "datasets/owner/name"."""
        told = {f"datasets/{source.name}": source.commit for source in self.sources}
        return {name: commit for name, commit in told.items() if commit is not None}

    @property
    def importance(self) -> str | None:
        """Hash of the word importances that the user supplied, or None."""
        given = [source.importance for source in self.sources]
        return hash_bytes(str(given).encode()) if any(given) else None

    def require(self, role: str) -> Entries:
        """The members of a role.

        Raises:
            UserError: if the data had no records left for this role.
        """
        members = self.of(role, True)
        if not members:
            raise UserError(
                f"role: the data have no records left for a {role}; ask for fewer members and "
                "nonmembers"
            )
        return members

    def spare(self, role: str) -> Entries:
        """Hold-outs of the other role, on which this role's model is never audited."""
        others = self.entries.take(self.entries.roles != self.entries.code(role)).told(False)
        return others.take(self.of(role).ids.places(others.ids) < 0)

    @property
    def groups(self) -> dict[str, str]:
        """id → group of the records of both roles that have one."""
        found = groups_of(self.sources)
        own = self.entries.ids if found else ()
        return {name: found[name] for name in own if name in found}

    @property
    def images(self) -> dict[str, str]:
        """id → id of the first record of its image, of the records that share one on purpose."""
        if not any(source.images for source in self.sources):
            return {}
        return images_of(self.entries.ids, self.numbers(self.entries), self.places)

    def once(self, entries: Entries) -> Entries:
        """Those of the entries that are the first of their image."""
        images = self.images
        first = (images.get(name, name) == name for name in entries.ids)
        return entries.take(np.fromiter(first, bool, len(entries))) if images else entries

    def numbers(self, entries: Entries) -> np.ndarray:
        """Which records of all sources (N,) the entries are, −1 where there is none."""
        if entries.lines is self.entries.lines:
            return self.places.of_lines(entries.lines)[entries.at]
        return self.places.numbers(entries.ids)

    def located(self, entries: Entries) -> Sequence[tuple[Source, int]]:
        """The source and the row of N of the records."""
        return Each(self.places.at, self.numbers(entries))


def load_split(
    options: DataOptions,
    seed: int,
    folder: Path,
    same: Sameness = list,
    *,
    alone: Alone = Alone.NO,
    write: Describe | None = None,
) -> Split:
    """Re-read and verify the split of the run `folder`, or draw and write it.

    Args:
        options: data options.
        seed: of the deal.
        folder: of the run.
        same: which captions are one caption to the model, asked only when the split is drawn;
            by default those of the same text.
        alone: whether records are kept for a shadow.
        write: has images described where `options.captions` names a model.

    Raises:
        UserError: for unreadable rows (unless skipped), too few records, records shared by members
            and hold-outs, a manifest drawn from something else, or data that changed since it was
            drawn.
    """
    manifest, trusting = folder / "split.csv", options.verify == "auto"
    opened, by = describe(open_sources(options), options, write, manifest)
    opened = several(opened, options)
    sources = tuple(opened.values())
    if manifest.is_file():
        return replace(_reread(manifest, options, seed, sources), captions_by=by)
    scanned = scan(sources, options.on_error, trusting=trusting)
    rows, skipped = scanned.rows, list(scanned.bad)
    for source in sources:
        skipped += say_left_out(source)
    say_going_on(scanned.going_on)
    places, at = scanned.places, scanned.at
    unknown = find_suspects(places.names, opened)
    first = further(places, unknown)
    # of twins the first is kept: a hold-out goes that a suspect is a copy of
    order = np.lexsort((first[at] >= 0, ~unknown[at]))
    rows, at = rows.take(order), at[order]
    captions, keep = Each(places.caption, at), options.shared_captions
    twins = find_twins(rows, captions, same, keep, by is not None, first[at] >= 0)
    if options.on_duplicates == "drop":
        kept, dropped = twins.drop(rows)
        rows, at = rows.take(kept), at[kept]
        skipped += dropped
    entries = dealt(rows, at, first, opened, options, seed, alone=alone)
    twins.refuse(entries)
    if unknown.any():
        entries, copies = without_copies(entries)
        skipped += copies
        say_dealt(rows, entries)
    shared = twins.shared(entries)
    drawn = {"seed": seed, "data": options.drawn_from, "skipped": skipped}
    split = Split(entries, sources, tuple(skipped), shared, by, places)
    drawn |= {"shared_captions": shared} if shared else {}
    drawn |= {"commits": split.commits} if split.commits else {}
    drawn[FURTHER] = hashes_of_further(entries.ids, split.numbers(entries), split.places)
    write_json(folder / "split.json", drawn)
    write_csv(manifest, entries)
    write_seen(manifest, scanned.seen)
    say_shared(shared)
    say_telling(twins.telling(entries))
    return split


def _reread(manifest: Path, options: DataOptions, seed: int, sources: tuple[Source, ...]) -> Split:
    header = read_header(manifest)
    # what older manifests do not tell: they share no captions, have no suspects, were not streamed
    untold = {"shared_captions": options.shared_captions, "suspects": None, "stream": None}
    untold |= {"captions": OWN, "several_captions": "first", "sample": None}
    found = {"seed": header["seed"], **untold, **header["data"]}
    refuse_changes(found, {"seed": seed, **options.drawn_from}, str(manifest))
    entries, shared = read_csv(manifest), header.get("shared_captions", {})
    split = Split(entries, sources, tuple(header["skipped"]), shared)
    places, numbers = split.places, split.numbers(entries)
    now = hashes_of_further(entries.ids, numbers, places)
    told = header.get(FURTHER, now)
    other = Ids(name for name in {**told, **now} if told.get(name) != now.get(name))
    changed = other.places(entries.ids) >= 0
    verify(entries, numbers, places, manifest, options, other=changed)
    return split
