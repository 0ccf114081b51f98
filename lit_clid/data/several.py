"""Records that have several captions: whether an audit asks about the first or about all."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lit_clid.config.options.data import DataOptions
from lit_clid.data.scan import Entry, hash_bytes
from lit_clid.data.source import Source


def several(sources: Mapping[str, Source], options: DataOptions) -> dict[str, Source]:
    """The sources as `data.several_captions` wants them."""
    averaged = options.several_captions == "average"
    return {name: replace(source, averaged=averaged) for name, source in sources.items()}


def wordings(
    entries: Iterable[Entry], place: Mapping[str, tuple[Source, int]]
) -> dict[str, tuple[str, ...]]:
    """id → the captions under which a record is asked about.

    Args:
        entries: of a split.
        place: id → (source, row number).
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        source, row = place[entry.id]
        found[entry.id] = source.wordings(row)
    return found


def with_wordings(fingerprint: str, told: Mapping[str, tuple[str, ...]]) -> str:
    """A fingerprint that knows further captions, too; the same where there are none."""
    if not any(len(captions) > 1 for captions in told.values()):
        return fingerprint
    return hash_bytes(f"{fingerprint}{list(told.items())}".encode())
