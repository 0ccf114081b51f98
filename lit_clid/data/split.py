"""The split: which record is a member or a hold-out of which role.

It is drawn once from the seed and written as a manifest.

`split.csv` has a line per record (id, where, image hash, caption hash, role, member), `split.json`
what it was drawn from, `split.seen.json` what spares a second look. Wherever it is needed again it
is re-read and verified, never re-drawn.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lit_clid.config.options.data import DataOptions
from lit_clid.data.again import verify
from lit_clid.data.deal import deal, find_piles, find_suspects
from lit_clid.data.groups import groups_of
from lit_clid.data.scan import (
    Entry,
    from_csv,
    hash_bytes,
    scan,
    to_csv,
)
from lit_clid.data.seen import write_seen
from lit_clid.data.source import Source
from lit_clid.data.sources import open_sources
from lit_clid.data.told import say_dealt, say_going_on, say_left_out, say_shared, say_telling
from lit_clid.data.twins import Sameness, find_twins, without_copies
from lit_clid.errors import UserError
from lit_clid.files import read_json, write_json, write_text
from lit_clid.provenance import refuse_changes


@dataclass(frozen=True)
class Split:
    """The manifest with its sources opened.

    Args:
        entries: every record of both roles.
        sources: one, or one of members and one of hold-outs.
        skipped: rows left out, as "id: reason".
        shared: role → how many `records` and distinct `captions`, where its members and hold-outs
            share captions.
    """

    entries: tuple[Entry, ...]
    sources: tuple[Source, ...]
    skipped: tuple[str, ...]
    shared: Mapping[str, dict[str, int]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Hash of who plays which part in a training with which content, wherever the files lie."""
        return _hash(entry for entry in self.entries if entry.member is not None)

    @property
    def asked(self) -> str:
        """The same, with the suspects: what an audit asks about."""
        return _hash(self.entries)

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
    options: DataOptions, seed: int, folder: Path, same: Sameness = list, *, alone: bool = False
) -> Split:
    """Re-read and verify the split of the run `folder`, or draw and write it.

    Args:
        options: data options.
        seed: of the deal.
        folder: of the run.
        same: which captions are one caption to the model, asked only when the split is drawn;
            by default those of the same text.
        alone: there is no shadow to keep records for.

    Raises:
        UserError: for unreadable rows (unless skipped), too few records, records shared by members
            and hold-outs, a manifest drawn from something else, or data that changed since it was
            drawn.
    """
    opened = open_sources(options)
    sources = tuple(opened.values())
    manifest, trusting = folder / "split.csv", options.verify == "auto"
    if manifest.is_file():
        return _reread(manifest, options, seed, sources)
    scanned = scan(sources, options.on_error, trusting=trusting)
    rows, skipped = scanned.rows, list(scanned.bad)
    for source in sources:
        skipped += say_left_out(source)
    say_going_on(scanned.going_on)
    unknown = find_suspects(opened)
    # of twins the first is kept: a hold-out goes that a suspect is a copy of
    rows = dict(sorted(rows.items(), key=lambda item: item[0] not in unknown))
    captions = _captions(sources)
    twins = find_twins(rows, captions, same, options.shared_captions)
    if options.on_duplicates == "drop":
        rows, dropped = twins.drop(rows)
        skipped += dropped
    entries = _draw(rows, opened, options, seed, alone=alone)
    twins.refuse(entries)
    if unknown:
        entries, copies = without_copies(entries)
        skipped += copies
        say_dealt(rows, entries)
    shared = twins.shared(entries)
    drawn = {"seed": seed, "data": options.drawn_from, "skipped": skipped}
    write_json(folder / "split.json", {**drawn, **({"shared_captions": shared} if shared else {})})
    write_text(manifest, to_csv(entries))
    write_seen(manifest, scanned.seen)
    say_shared(shared)
    say_telling(twins.telling(entries))
    return Split(entries, sources, tuple(skipped), shared)


def _captions(sources: Sequence[Source]) -> dict[str, str]:
    """id → caption of every row."""
    found: dict[str, str] = {}
    for source in sources:
        found |= dict(zip(source.names, source.captions, strict=True))
    return found


def _draw(
    rows: Mapping[str, Entry],
    opened: Mapping[str, Source],
    options: DataOptions,
    seed: int,
    *,
    alone: bool,
) -> tuple[Entry, ...]:
    """Say of every row where it may be taken from, and deal."""
    parts = deal(find_piles(list(rows), opened, alone=alone), options, seed)
    return tuple(replace(rows[name], role=role, member=member) for name, role, member in parts)


def _reread(manifest: Path, options: DataOptions, seed: int, sources: tuple[Source, ...]) -> Split:
    note = manifest.with_suffix(".json")
    if not note.is_file():
        raise UserError(
            f"{manifest}: {note.name} is missing beside it; restore it or delete the run folder"
        )
    header: dict[str, Any] = read_json(note)
    # what older manifests do not tell: they share no captions, have no suspects, were not streamed
    untold = {"shared_captions": options.shared_captions, "suspects": None, "stream": None}
    found = {"seed": header["seed"], **untold, **header["data"]}
    refuse_changes(found, {"seed": seed, **options.drawn_from}, str(manifest))
    text = manifest.read_text(encoding="utf-8")
    lines = csv.DictReader(io.StringIO(text))
    entries = tuple(from_csv(line) for line in lines)
    shared = header.get("shared_captions", {})
    split = Split(entries, sources, tuple(header["skipped"]), shared)
    verify(split.entries, split.locate(), manifest, trusting=options.verify == "auto")
    return split
