"""The split: which record is a member or a hold-out of which role.

It is drawn once from the seed and written as a manifest.

`split.csv` has a line per record (id, where, image hash, caption hash, role, member), `split.json`
what it was drawn from, `split.seen.json` what spares a second look. Wherever it is needed again it
is re-read and verified, never re-drawn.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lit_clid.about import Captioner
from lit_clid.config.options.data import OWN, DataOptions
from lit_clid.data.again import read_header, verify
from lit_clid.data.deal import Alone, find_suspects
from lit_clid.data.described import Describe, describe
from lit_clid.data.groups import groups_of
from lit_clid.data.scan import (
    Entry,
    from_csv,
    hash_bytes,
    scan,
    to_csv,
)
from lit_clid.data.seen import write_seen
from lit_clid.data.several import (
    captions_of,
    dealt,
    further,
    hashes_of_further,
    images_of,
    several,
    with_wordings,
    wordings,
)
from lit_clid.data.source import Source
from lit_clid.data.sources import open_sources
from lit_clid.data.told import say_dealt, say_going_on, say_left_out, say_shared, say_telling
from lit_clid.data.twins import Sameness, find_twins, without_copies
from lit_clid.errors import UserError
from lit_clid.files import write_json, write_text
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
    """

    entries: tuple[Entry, ...]
    sources: tuple[Source, ...]
    skipped: tuple[str, ...]
    shared: Mapping[str, dict[str, int]] = field(default_factory=dict)
    captions_by: Captioner | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of who plays which part in a training with which content, wherever the files lie."""
        return _hash(entry for entry in self.entries if entry.member is not None)

    @property
    def asked(self) -> str:
        """The same, with the suspects and all captions: what an audit asks about."""
        return with_wordings(_hash(self.entries), self.wordings())

    def wordings(self) -> dict[str, tuple[str, ...]]:
        """id → the captions under which a record is asked about."""
        return wordings(self.entries, self.locate())

    @property
    def vouched(self) -> bool:
        """Whether the data say who is a member: by a column, or by a source of hold-outs."""
        return self.sources[0].member is not None or any(
            source.mark == "nonmembers:" for source in self.sources
        )

    @property
    def suspects(self) -> tuple[Entry, ...]:
        """The entries of which nobody knows."""
        return tuple(entry for entry in self.entries if entry.member is None)

    def of(self, role: str, member: bool | None = None) -> tuple[Entry, ...]:
        """The entries of a role: its members, its hold-outs, or all with the suspects."""
        own = (entry for entry in self.entries if entry.role == role)
        return tuple(entry for entry in own if member is None or entry.member is member)

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

    def require(self, role: str) -> tuple[Entry, ...]:
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

    def spare(self, role: str) -> tuple[Entry, ...]:
        """Hold-outs of the other role, on which this role's model is never audited."""
        own = {entry.id for entry in self.of(role)}
        others = [e for e in self.entries if e.role != role and e.member is False]
        return tuple(entry for entry in others if entry.id not in own)

    def captions(self) -> dict[str, str]:
        """id → caption of every record of both roles."""
        place = self.locate()
        return {e.id: place[e.id][0].captions[place[e.id][1]] for e in self.entries}

    @property
    def groups(self) -> dict[str, str]:
        """id → group of the records of both roles that have one."""
        found = groups_of(self.sources)
        return {entry.id: found[entry.id] for entry in self.entries if entry.id in found}

    @property
    def images(self) -> dict[str, str]:
        """id → id of the first record of its image, of the records that share one on purpose."""
        return images_of(self.entries, self.sources)

    def once(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Those of the entries that are the first of their image."""
        images = self.images
        return tuple(entry for entry in entries if images.get(entry.id, entry.id) == entry.id)

    def locate(self) -> dict[str, tuple[Source, int]]:
        """id → (source, row number)."""
        place: dict[str, tuple[Source, int]] = {}
        for source in self.sources:
            for row, name in enumerate(source.names):
                place[name] = source, row
        return place


def _hash(entries: Iterable[Entry]) -> str:
    parts = [(e.id, e.image_hash, e.caption_hash, e.role, e.member) for e in entries]
    return hash_bytes(str(parts).encode())


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
    unknown = find_suspects(opened)
    first = further(sources, unknown)
    # of twins the first is kept: a hold-out goes that a suspect is a copy of
    order = sorted(rows, key=lambda name: (name not in unknown, name in first))
    rows = {name: rows[name] for name in order}
    captions, keep = captions_of(sources), options.shared_captions
    twins = find_twins(rows, captions, same, keep, by is not None, first)
    if options.on_duplicates == "drop":
        rows, dropped = twins.drop(rows)
        skipped += dropped
    entries = dealt(rows, opened, options, seed, alone=alone)
    twins.refuse(entries)
    if unknown:
        entries, copies = without_copies(entries)
        skipped += copies
        say_dealt(rows, entries)
    shared = twins.shared(entries)
    drawn = {"seed": seed, "data": options.drawn_from, "skipped": skipped}
    split = Split(entries, sources, tuple(skipped), shared, by)
    drawn |= {"shared_captions": shared} if shared else {}
    drawn |= {"commits": split.commits} if split.commits else {}
    drawn[FURTHER] = hashes_of_further(entries, split.locate())
    write_json(folder / "split.json", drawn)
    write_text(manifest, to_csv(entries))
    write_seen(manifest, scanned.seen)
    say_shared(shared)
    say_telling(twins.telling(entries))
    return split


def _reread(manifest: Path, options: DataOptions, seed: int, sources: tuple[Source, ...]) -> Split:
    header = read_header(manifest)
    # what older manifests do not tell: they share no captions, have no suspects, were not streamed
    untold = {"shared_captions": options.shared_captions, "suspects": None, "stream": None}
    untold |= {"captions": OWN, "several_captions": "first"}
    found = {"seed": header["seed"], **untold, **header["data"]}
    refuse_changes(found, {"seed": seed, **options.drawn_from}, str(manifest))
    text = manifest.read_text(encoding="utf-8")
    lines = csv.DictReader(io.StringIO(text))
    entries = tuple(from_csv(line) for line in lines)
    shared = header.get("shared_captions", {})
    split = Split(entries, sources, tuple(header["skipped"]), shared)
    place = split.locate()
    told, now = header.get(FURTHER), hashes_of_further(entries, place)
    other = [] if told is None else [each for each in place if told.get(each) != now.get(each)]
    verify(entries, place, manifest, trusting=options.verify == "auto", other=other)
    return split
