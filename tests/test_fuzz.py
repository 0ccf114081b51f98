"""Files that nobody wrote by hand: whatever is in them, one line names them, and nothing else ends.

The examples are drawn from the same seed every time, and from those that once found something.
"""

import json
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import options, picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lit_clid.about import About, read_about
from lit_clid.commands.reading import read
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError
from lit_clid.models.weights import header
from lit_clid.parquet import write_parquet
from lit_clid.scores import Scores

pytestmark = pytest.mark.slow
FUZZ = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.text(max_size=20)
NUMBERS = st.one_of(st.integers(), st.floats())
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)
DEEP = "[" * 3000
"""JSON that a recursive reader runs out of stack with."""


def settles(act: Callable[[], Any]) -> None:
    """Either it works, or it is one line."""
    with suppress(UserError):
        act()


def changed(content: bytes, places: list[tuple[int, int]]) -> bytes:
    """The content with some of its bytes replaced."""
    found = bytearray(content)
    for place, value in places:
        found[place % len(found)] = value
    return bytes(found)


PLACES = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=6)
SECTIONS = ("data", "finetune", "trainer", "audit", "evidence", "attacks", "defenses", "sweep")
KEYS = ("source", "members", "seed", "path", "name", "t", "attacks", "precision", "batch_size")


@FUZZ
@given(st.dictionaries(st.sampled_from([*SECTIONS, *KEYS]) | TEXT, VALUES, max_size=4), st.data())
def test_configurations(tmp_path: Path, content: dict[str, Any], data: st.DataObject) -> None:
    section = data.draw(st.sampled_from(SECTIONS))
    content[section] = data.draw(st.dictionaries(st.sampled_from(KEYS) | TEXT, VALUES, max_size=3))
    (tmp_path / "c.yaml").write_text(json.dumps(content), encoding="utf-8")
    settles(lambda: read([str(tmp_path / "c.yaml")]))


@FUZZ
@given(st.text(max_size=60) | st.sampled_from(["&a [*a]", "a: &a\n  b: *a", "!!python/x {}"]))
def test_texts_of_configurations(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    settles(lambda: read([str(tmp_path / "c.yaml")]))


@FUZZ
@given(st.lists(TEXT | st.sampled_from(["attacks=[", "data.members=1e999", "=", "a.b.c=&x"])))
def test_words_of_a_command(words: list[str]) -> None:
    settles(lambda: read([word for word in words if word not in ("-h", "--help")]))


@FUZZ
@given(
    st.sampled_from(["metadata.csv", "metadata.jsonl", "list.csv", "list.jsonl", "a.txt"]),
    st.binary(max_size=80) | TEXT.map(str.encode) | VALUES.map(lambda v: json.dumps(v).encode()),
    st.booleans(),
)
def test_metadata(tmp_path: Path, name: str, content: bytes, headed: bool) -> None:
    for file in tmp_path.iterdir():
        file.unlink()
    picture(0).save(tmp_path / "a.png")
    head = b"file_name,text\n" if name.endswith("csv") and headed else b""
    (tmp_path / name).write_bytes(head + content)
    place = tmp_path / name if name.startswith("list") else tmp_path
    settles(lambda: open_source(options(place)))


@FUZZ
@given(st.binary(max_size=120) | st.lists(st.lists(LEAVES, max_size=5), max_size=5))
def test_tables_as_text(tmp_path: Path, content: Any) -> None:
    if not isinstance(content, bytes):
        rows = "\n".join(",".join(map(str, row)) for row in content)
        content = f"id,member,s\n{rows}".encode("utf-8", "surrogatepass")
    (tmp_path / "t.csv").write_bytes(content)
    settles(lambda: Scores.load(tmp_path / "t.csv"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    ids, dice = [f"r{k}" for k in range(40)], np.random.default_rng(0)
    write_parquet(path, ids, [k < 20 for k in range(40)], {"s": dice.normal(size=40)})
    return path.read_bytes()


@FUZZ
@given(PLACES)
def test_tables_as_parquet(tmp_path: Path, table: bytes, places: list[tuple[int, int]]) -> None:
    (tmp_path / "t.parquet").write_bytes(changed(table, places))
    settles(lambda: Scores.load(tmp_path / "t.parquet"))


@FUZZ
@given(VALUES, st.sampled_from(list(About.__dataclass_fields__)))
def test_notes_of_tables(tmp_path: Path, content: Any, key: str) -> None:
    for told in (content, {"version": 1, key: content}, {"attacks": {"a": content}}):
        (tmp_path / "t.json").write_text(json.dumps(told))
        settles(lambda: read_about(tmp_path / "t.parquet"))


@FUZZ
@given(
    st.dictionaries(
        TEXT, st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets"]), VALUES)
    )
    | VALUES
    | st.dictionaries(TEXT, st.fixed_dictionaries({"data_offsets": VALUES | st.lists(LEAVES)})),
    st.integers(-8, 8),
)
def test_headers_of_safetensors(tmp_path: Path, told: Any, longer: int) -> None:
    start = json.dumps(told).encode()
    length = struct.pack("<Q", max(0, len(start) + longer))
    for content in (length + start, length + start + bytes(64), b"\xff" * 8 + start):
        (tmp_path / "w.safetensors").write_bytes(content)
        settles(lambda: header(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("content", [b"", b"\0", DEEP.encode(), b'{"a":' * 3000])
def test_headers_that_are_no_json(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(struct.pack("<Q", len(content)) + content)
    with pytest.raises(UserError, match=r"w\.safetensors: is truncated, or no safetensors"):
        header(file)


def test_nesting_without_end(tmp_path: Path) -> None:
    """A text, as short as it is, on which every recursive reader runs out of stack."""
    for name in ("c.yaml", "metadata.jsonl", "list.jsonl", "list.json", "t.json"):
        (tmp_path / name).write_text(DEEP)
    picture(0).save(tmp_path / "a.png")
    acts: dict[str, Callable[[], Any]] = {
        "c.yaml": lambda: read([str(tmp_path / "c.yaml")]),
        "attacks": lambda: read([f"attacks={DEEP}"]),
        "metadata.jsonl": lambda: open_source(options(tmp_path)),
        "list.jsonl": lambda: open_source(options(tmp_path / "list.jsonl")),
        "t.json": lambda: read_about(tmp_path / "t.parquet"),
    }
    for name, act in acts.items():
        with pytest.raises(UserError, match=re.escape(name)) as told:
            act()
        assert len(str(told.value)) < 500 + len(str(tmp_path))
