"""`Entries`: the lines of a manifest as columns, each an object only while it is looked at."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from operator import eq
from typing import Any, overload

import numpy as np
import pyarrow as pa

from lit_clid.config.options.data import ROLES
from lit_clid.ids import Ids

CHUNK = 4096
"""Entries that are objects at a time."""
DIGEST = pa.binary(16)
UNKNOWN = -1
"""Stands for a member of None in a column."""
SAID: dict[int, bool | None] = {1: True, 0: False, UNKNOWN: None}
CODES = {told: code for code, told in SAID.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the manifest; hashes are of the decoded RGB pixels and of the caption's UTF-8.

    `member` is None for a suspect.
    """

    id: str
    where: str
    image_hash: str
    caption_hash: str
    role: str
    member: bool | None


@dataclass(frozen=True, eq=False, repr=False)
class Entries(Sequence[Entry]):
    """N entries, which behave like a tuple of them.

    Args:
        lines: a table of what is read of records: id, where and both hashes.
        at: the lines of the entries (N,).
        roles: the place of each one's role in `names` (N,).
        members: 1, 0 and `UNKNOWN` (N,).
        names: of the roles.
    """

    lines: pa.Table
    at: np.ndarray
    roles: np.ndarray
    members: np.ndarray
    names: tuple[str, ...] = ("", *ROLES)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Entries":
        """Any entries."""
        if isinstance(entries, Entries):
            return entries
        names = dict.fromkeys(("", *ROLES))
        left, blocks = iter(entries), [_lines([])]
        roles, members = [np.zeros(0, np.int8)], [np.zeros(0, np.int8)]
        while some := list(islice(left, CHUNK)):
            blocks.append(_lines(some))
            names |= dict.fromkeys(entry.role for entry in some)
            codes = {name: code for code, name in enumerate(names)}
            roles.append(np.fromiter((codes[entry.role] for entry in some), np.int8))
            members.append(np.fromiter((CODES[entry.member] for entry in some), np.int8))
        told = np.concatenate(roles)
        lines = _joined(blocks)
        return cls(lines, np.arange(len(told)), told, np.concatenate(members), tuple(names))

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> "Entries": ...
    def __getitem__(self, place: "int | slice") -> "Entry | Entries":
        if isinstance(place, slice):
            return self.take(np.arange(*place.indices(len(self))))
        row = range(len(self))[place]
        line, member = int(self.at[row]), SAID[int(self.members[row])]
        names, folders, rows, images, captions = self._cells
        hashes = _told(images[line]), _told(captions[line])
        where = _where(folders[line].as_py(), rows[line].as_py())
        return Entry(names[line].as_py(), where, *hashes, self.names[self.roles[row]], member)

    def __iter__(self) -> Iterator[Entry]:
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            lines = self.lines.take(self.at[part])
            hashes = _spelled(lines["image_hash"]), _spelled(lines["caption_hash"])
            columns = lines["id"].to_pylist(), _wheres(lines), *hashes
            codes = self.roles[part].tolist(), self.members[part].tolist()
            for *texts, role, code in zip(*columns, *codes, strict=True):
                yield Entry(texts[0], texts[1], texts[2], texts[3], self.names[role], SAID[code])

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: of a table of more lines than entries, theirs."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        if len(self) < len(self.lines):
            told |= {"lines": self.lines.take(self.at), "at": np.arange(len(self))}
        return told

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Entries of {len(self)} records"

    def take(self, rows: np.ndarray) -> "Entries":
        """Those at these places, or where a mask (N,) is true."""
        told = self.at[rows], self.roles[rows], self.members[rows]
        return Entries(self.lines, *told, self.names)

    def playing(self, role: str) -> "Entries":
        """Those of a role."""
        return self.take(self.roles == self.code(role))

    def told(self, member: bool | None) -> "Entries":
        """The members, the hold-outs, or those of which nobody knows."""
        return self.take(self.members == CODES[member])

    def code(self, role: str) -> int:
        """What stands for a role in `roles`."""
        return self.names.index(role)

    @property
    def ids(self) -> Ids:
        """The ids of the records."""
        return Ids(self.lines["id"].take(self.at))

    @property
    def images(self) -> np.ndarray:
        """A number (N,) for each image, equal where the hashes are."""
        return self._column("image_hash").combine_chunks().dictionary_encode().indices.to_numpy()

    def by_image(self) -> "Entries":
        """The same in the order of their images' hashes."""
        hashes = self._column("image_hash")
        if hashes.type != DIGEST:
            return self.take(Ids(hashes).order())
        _, held = hashes.combine_chunks().buffers()
        return self.take(np.argsort(np.frombuffer(held, "S16"), kind="stable"))

    @cached_property
    def _cells(self) -> tuple[Any, ...]:
        """The columns of the lines, in one piece each: of these single cells are cheap."""
        columns = self.lines.columns
        return tuple(c.chunk(0) if c.num_chunks == 1 else c.combine_chunks() for c in columns)

    def _column(self, name: str) -> Any:
        return self.lines[name].take(self.at)


class Members(Mapping[str, "bool | None"]):
    """id → member of N entries, looked up one by one only now and then."""

    def __init__(self, entries: Entries) -> None:
        self.ids, self.codes = entries.ids, entries.members

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, name: str) -> bool | None:
        if name not in self.ids:
            raise KeyError(name)
        return SAID[int(self.codes[self.ids.places([name])[0]])]

    def values(self) -> Any:
        """Who is a member, in the order of the ids."""
        return [SAID[code] for code in self.codes.tolist()]

    def items(self) -> Any:
        """Ids, and who is a member."""
        return zip(self.ids, self.values(), strict=True)


def _lines(entries: Sequence[Entry]) -> pa.Table:
    """What is read of records, as columns."""
    folders, rows = list[str](), list[int | None]()
    for entry in entries:
        folder, sign, row = entry.where.rpartition("#")
        plain = bool(sign) and row.isdecimal() and len(row) < 19 and str(int(row)) == row
        folders.append(folder if plain else entry.where)
        rows.append(int(row) if plain else None)
    columns = {
        "id": Ids(entry.id for entry in entries).column,
        "folder": pa.array(folders, pa.dictionary(pa.int32(), pa.string())),
        "row": pa.array(rows, pa.int64()),
    }
    columns["image_hash"] = _packed([entry.image_hash for entry in entries])
    columns["caption_hash"] = _packed([entry.caption_hash for entry in entries])
    return pa.table(columns)


def _packed(hashes: Sequence[str]) -> pa.Array:
    """Hashes as bytes, or as what they are if any is none."""
    joined = "".join(hashes)
    if any(len(each) != 32 for each in hashes) or set(joined) - set("0123456789abcdef"):
        return pa.array(hashes, pa.large_string())
    held = pa.py_buffer(bytes.fromhex(joined))
    return pa.FixedSizeBinaryArray.from_buffers(DIGEST, len(hashes), [None, held])


def _spelled(hashes: pa.ChunkedArray) -> list[str]:
    """The same as they were."""
    found: list[Any] = hashes.to_pylist()
    return [each.hex() for each in found] if hashes.type == DIGEST else found


def _told(cell: Any) -> str:
    """One of them."""
    told: Any = cell.as_py()
    return told.hex() if isinstance(told, bytes) else str(told)


def _joined(blocks: Sequence[pa.Table]) -> pa.Table:
    """One table of all, whose hashes are bytes if those of every block are."""
    tables = list(blocks)
    for name in ("image_hash", "caption_hash"):
        if any(block[name].type != DIGEST for block in blocks):
            for k, block in enumerate(tables):
                place = block.schema.get_field_index(name)
                texts = pa.array(_spelled(block[name]), pa.large_string())
                tables[k] = block.set_column(place, name, texts)
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _wheres(lines: pa.Table) -> list[str]:
    pairs = zip(lines["folder"].to_pylist(), lines["row"].to_pylist(), strict=True)
    return [_where(folder, row) for folder, row in pairs]


def _where(folder: str, row: int | None) -> str:
    return folder if row is None else f"{folder}#{row}"
