"""Columns say of very many records what objects would."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lit_clid.data import known
from lit_clid.data.beside import Beside
from lit_clid.data.entries import Entries, Entry
from lit_clid.data.folder import walk
from lit_clid.data.keyed import Sample, Samples
from lit_clid.data.known import Known
from lit_clid.data.metadata import Rows
from lit_clid.data.names import unique
from lit_clid.data.packed import Part, Parts
from lit_clid.data.places import Places
from lit_clid.data.source import Source
from lit_clid.data.texts import Each, Lists, Paths, TextColumn
from lit_clid.data.zipped import ZipPart

HASHES = st.one_of(st.just("0" * 32), st.text("0123456789abcdef", min_size=32, max_size=32))
WHERES = st.one_of(st.just("a#1"), st.text(max_size=4), st.sampled_from(["#", "a#01", "a#²", "#7"]))
TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=5)
ENTRIES = st.lists(
    st.builds(
        Entry,
        TEXT,
        WHERES.filter(lambda where: where.isprintable()),
        st.one_of(HASHES, TEXT),
        HASHES,
        st.sampled_from(["", "target", "shadow", "other"]),
        st.sampled_from([True, False, None]),
    ),
    max_size=9,
)


def source(*names: str) -> Source:
    return Source("s", names, names, lambda row: Image.new("RGB", (1, 1), (row, 0, 0)))


@given(ENTRIES)
def test_entries_are_a_tuple_of_them(entries: list[Entry]) -> None:
    held = Entries.of(iter(entries))
    assert list(held) == entries and held == tuple(entries) and len(held) == len(entries)
    assert [held[k] for k in range(-len(entries), len(entries))] == entries * 2
    assert list(held[1:3]) == entries[1:3] and list(held.ids) == [entry.id for entry in entries]
    for member in (True, False, None):
        assert list(held.told(member)) == [entry for entry in entries if entry.member is member]
    assert list(held.playing("shadow")) == [entry for entry in entries if entry.role == "shadow"]
    assert list(held.by_image()) == sorted(entries, key=lambda entry: entry.image_hash)
    alike = [[one.image_hash == other.image_hash for one in entries] for other in entries]
    images = held.images
    assert [[bool(one == other) for one in images] for other in images] == alike


ANY = st.lists(st.text(max_size=4), max_size=9)


@given(ANY, st.lists(ANY, max_size=5))
def test_texts_are_what_was_written(texts: list[str], rows: list[list[str]]) -> None:
    held = TextColumn(texts)
    assert list(held) == texts and held == tuple(texts) and held[1:3] == texts[1:3]
    assert list(Lists(rows)) == [tuple(row) for row in rows] and held[-1:] == texts[-1:]


NAMED = st.lists(st.tuples(st.text("ab/-", min_size=1, max_size=3), st.integers(0, 1)), max_size=9)


@given(NAMED, NAMED)
def test_files_beside_images_are_those_of_their_name(
    images: list[tuple[str, int]], texts: list[tuple[str, int]]
) -> None:
    pictures = [Path(f"x/{stem}{('.png', '.JPG')[kind]}") for stem, kind in images]
    files = [Path(f"x/{stem}{('.txt', '.caption')[kind]}") for stem, kind in texts]
    found = Beside(Paths(pictures), Paths(files))
    for row, picture in enumerate(pictures):
        stem = picture.with_suffix("")
        assert found.of(row) == [file for file in files if file.with_suffix("") == stem]
        assert pictures[int(np.argmax(found.stems == found.stems[row]))].with_suffix("") == stem
    stems = {picture.with_suffix("") for picture in pictures}
    assert sorted(found.used) == sorted(file for file in files if file.with_suffix("") in stems)
    assert list(found.alone) == [file for file in files if file.with_suffix("") not in stems]


PARTS = st.builds(ZipPart, st.sampled_from([Path("a"), Path("b")]), *[st.integers(0, 2**62)] * 5)


@given(st.lists(PARTS, max_size=9), st.lists(st.dictionaries(TEXT, PARTS, max_size=3), max_size=5))
def test_parts_of_archives_are_what_was_found(
    parts: list[ZipPart], records: list[dict[str, Part]]
) -> None:
    assert list(Parts(parts)) == parts and Parts(parts)[1:3] == parts[1:3]
    samples = [Sample(str(k), each) for k, each in enumerate(records)]
    held = Samples(samples)
    assert list(held) == samples
    assert held.endings == list(dict.fromkeys(name for each in records for name in each))


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", None, 3, ["y"]]))))
def test_rows_are_the_dicts_that_were_given(rows: list[dict[str, object]]) -> None:
    held = Rows(rows)
    assert held.column_names == list(dict.fromkeys(name for row in rows for name in row))
    for name in "abc":
        assert held[name] == [row.get(name) for row in rows]


def test_rows_without_columns_are_rows() -> None:
    rows = Rows([{}, {}])
    assert len(rows) == 2 and list(rows) == [{}, {}]
    rows.extend([{"a": "x"}, {}])
    assert list(rows) == [{"a": None}, {"a": None}, {"a": "x"}, {"a": None}]


def test_an_error_is_no_end_of_the_rows() -> None:
    def told(row: int) -> int:
        return [0, 1, 2][row]

    with pytest.raises(IndexError):
        list(Each(told, range(5)))


def test_a_record_that_is_not_there_has_no_place() -> None:
    places = Places([source("a", "b"), source("b", "c")])
    assert places.numbers(["c", "?", "b"]).tolist() == [3, -1, 2]
    assert [places[name][1] for name in "abc"] == [0, 0, 1] and "?" not in places
    assert places["b"][0] is places.sources[1]
    with pytest.raises(KeyError):
        places.at(-1)
    with pytest.raises(KeyError):
        list(Each(places.caption, places.numbers(["a", "?"])))


def test_some_entries_are_sent_without_the_others() -> None:
    entries = Entries.of(Entry(f"r{k}", f"a#{k}", "0" * 32, "", "", True) for k in range(999))
    sent = pickle.dumps(entries[:2])
    assert pickle.loads(sent) == entries[:2] and len(sent) < len(pickle.dumps(entries)) / 5


def test_names_that_are_not_text_are_kept() -> None:
    odd = Path(b"a/\xff\xfe.png".decode("utf-8", "surrogateescape"))
    held = Paths([odd, Path("b")])
    assert list(held) == [odd, Path("b")]
    assert held.among(Paths([odd])).tolist() == [True, False]


def test_names_that_repeat_get_their_row() -> None:
    assert unique(["b", "a", "b", "c"]) == ("b#0", "a", "b#2", "c")
    assert unique([]) == () and unique(["b", "a"]) == ("b", "a")


def test_a_folder_is_listed_in_the_order_of_its_paths(tmp_path: Path) -> None:
    for name in ("b/x.png", "b.png", "b-a/y.png", "b/c/z.png", ".hidden/w.png", "a.txt", "B.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b", target_is_directory=True)
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    found = walk(tmp_path)
    files = [*tmp_path.glob("**/*.png"), tmp_path / "a.txt"]
    visible = {file for file in files if ".hidden" not in file.parts and "link" not in file.parts}
    assert list(found.files) == sorted(visible | {tmp_path / "self.png"})
    assert found.refused == ("link: a folder behind a link",)


def test_what_is_known_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "FEWEST", 4)
    held, told, dice = Known(3), dict[bytes, bytes](), np.random.default_rng(0)
    for k in range(200):  # some again, some with zeros at their end
        key = bytes(14) + dice.integers(0, 9, 2, dtype=np.uint8).tobytes()
        held[key[::-1] if k % 2 else key] = told[key[::-1] if k % 2 else key] = bytes([k, 1, 0])
    assert held and held.get(b"\xff" * 16) is None
    assert {key: held.get(key) for key in told} == told
