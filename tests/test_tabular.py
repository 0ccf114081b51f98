"""Tables from elsewhere: read in their encoding, and no bookkeeping taken for a signal."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lit_clid import tabular
from lit_clid.cells import list_of
from lit_clid.errors import UserError
from lit_clid.judging.judge import judge
from lit_clid.judging.tables import load_tables, read_signals
from lit_clid.scores import Scores
from lit_clid.tabular import read_columns

N = 40
MEMBER = np.arange(N) < N // 2
SIGNAL = np.random.default_rng(0).normal(size=N) + 0.3 * MEMBER
BOOKKEEPING: dict[str, Any] = {
    "Unnamed: 0": range(N),
    "": range(N),
    "__index_level_0__": range(N),
    "index": SIGNAL,
    "count": range(7, 7 + N),
    "backwards": range(N, 0, -1),
    "offset": np.cumsum(np.random.default_rng(1).integers(1, 9, N)),
    "shuffled": np.random.default_rng(2).permutation(N),
    "record": np.where(MEMBER, 1000, 0) + np.random.default_rng(3).permutation(N) * 3,
    "batch": (np.arange(N) + 2) // 4,
    "tied time": np.linspace(0.5, 9.25, N // 2).repeat(2),
    "time": np.linspace(0.5, 9.25, N),
    "label": MEMBER.astype(int),
    "again": np.where(MEMBER, -3.5, 2.0),
    "fold": np.arange(N) % 5,
    "seed": [0] * N,
    "t": np.repeat([440, 450, 460, 470], N // 4),
    "caption": ["a dog"] * N,
}


def write(file: Path, columns: dict[str, Any], sign: str = ",", encoding: str = "utf-8") -> Path:
    rows = {"id": [f"r{k}" for k in range(N)], "member": MEMBER.astype(int), **columns}
    if file.suffix == ".parquet":
        pq.write_table(pa.table({name: list(cells) for name, cells in rows.items()}), file)
        return file
    lines = [sign.join(rows), *(sign.join(map(str, cells)) for cells in zip(*rows.values()))]  # noqa: B905
    text = "\r\n".join(lines)
    file.write_bytes((text.replace(".", ",") if sign == ";" else text).encode(encoding))
    return file


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", BOOKKEEPING)
def test_bookkeeping_is_no_signal(tmp_path: Path, name: str, kind: str) -> None:
    file = write(tmp_path / f"t.{kind}", {name: BOOKKEEPING[name], "real": SIGNAL})
    found = Scores.load(file)
    assert list(found.signals) == ["real"]
    assert [each.rsplit(": ", 1)[0] for each in found.aside] == [name or "(no name)"]
    assert list(judge(found).grades) == ["real"]


def test_an_index_that_pandas_names_is_none_either(tmp_path: Path) -> None:
    table = pa.table(
        {"id": list("abcd"), "member": [1, 1, 0, 0], "s": [1.5, 2, 1, 3], "k": SIGNAL[:4]}
    )
    note = {b"pandas": b'{"index_columns": ["k"], "columns": []}'}
    pq.write_table(table.replace_schema_metadata(note), tmp_path / "t.parquet")
    assert list(Scores.load(tmp_path / "t.parquet").signals) == ["s"]


def test_a_folder_s_name_is_no_column(tmp_path: Path) -> None:
    (tmp_path / "seed=1").mkdir()
    file = write(tmp_path / "seed=1" / "t.parquet", {"real": SIGNAL})
    assert list(Scores.load(file).signals) == ["real"]


@pytest.mark.parametrize(
    "signal", [SIGNAL, np.where(MEMBER, 5, 0) + SIGNAL / 9, np.sort(SIGNAL), np.round(SIGNAL * 99)]
)
def test_signals_stay_signals(tmp_path: Path, signal: np.ndarray) -> None:
    """A perfect attack, a table sorted by its scores and whole numbers are real ones."""
    order = np.random.default_rng(5).permutation(N) if (np.diff(signal) > 0).all() else range(N)
    columns = {"real": signal[order] if isinstance(order, np.ndarray) else signal}
    assert Scores.load(write(tmp_path / "t.csv", columns)).aside == ()


def test_columns_that_are_named_are_taken(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", {name: BOOKKEEPING[name] for name in ("fold", "label")})
    with pytest.raises(UserError, match=r"no column is taken .*fold: whole numbers of 5 values"):
        Scores.load(file)
    assert list(Scores.load(file, ["fold"]).signals) == ["fold"]
    with pytest.raises(UserError, match="'label' repeats the labels"):
        Scores.load(file, ["label"])
    with pytest.raises(UserError, match=r"no column fould \(found: fold, label\)"):
        Scores.load(file, ["fould"])


def test_the_shadow_gives_the_same_columns(tmp_path: Path) -> None:
    target = write(tmp_path / "a.csv", {"real": SIGNAL, "count": SIGNAL[::-1]})
    shadow = write(tmp_path / "b.csv", {"real": SIGNAL + 1, "count": range(N), "more": SIGNAL})
    with pytest.raises(UserError, match="very records"):
        load_tables(str(target), str(shadow))
    text = shadow.read_text().replace("r", "s").replace("seal", "real").replace("membes", "member")
    shadow.write_text(text.replace("mose", "more"))
    tables = load_tables(str(target), str(shadow))[1]
    assert tables["shadow"] is not None
    assert list(tables["shadow"].signals) == ["real", "count"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_separators_and_encodings(tmp_path: Path, sign: str, encoding: str) -> None:
    found = Scores.load(write(tmp_path / "t.csv", {"real": SIGNAL}, sign, encoding))
    by_id = dict(zip(found.ids, found.signals["real"], strict=True))
    assert [by_id[f"r{k}"] for k in range(N)] == SIGNAL.tolist()


def test_a_first_line_may_name_the_separator(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", {"real": SIGNAL}, ";")
    file.write_text("sep=;\n" + file.read_text())
    assert list(Scores.load(file).signals) == ["real"]
    file.write_text(file.read_text().rstrip() + "\nlone\n")
    with pytest.raises(UserError, match=f"line {N + 3} has 1 fields, the header has 3"):
        Scores.load(file)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("id,member,é\n".encode("latin-1"), r"byte 11 is no UTF-8; it may be Latin-1"),
        (b"\xff\xfei\0d\0x", r"byte 7 is no UTF-16\)"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=found):
        Scores.load(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "content",
    [
        *(b"[]", b"3", b"null", b'"x"', b"{broken", b"\xff\xfe\x00", b"[" * 100_000, b"", b"NaN"),
        *(b'{"a": 1}', b'{"attacks": 3}', b'{"version": "x"}', b'{"version": 1, "attacks": []}'),
        *(b'{"attacks": {"a": {}}}', b'{"claims": [1]}', b'{"version": true}', b'{"version": 99}'),
    ],
)
def test_a_foreign_json_beside_a_table_is_one_line_or_nothing(
    tmp_path: Path, content: bytes
) -> None:
    file = write(tmp_path / "t.csv", {"real": SIGNAL})
    (tmp_path / "t.json").write_bytes(content)
    with suppress(UserError):
        assert list(Scores.load(file).signals) == ["real"]
        return
    with pytest.raises(UserError, match=r"^[^\n]*t\.json[^\n]*$"):
        Scores.load(file)


def test_attacks_are_made_of_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", {"d_null": SIGNAL, "l": SIGNAL**2, "note": ["x"] * N})
    spec = {"clid_th": {"columns": ["d_null", "l"], "rule": "robust_mix"}, "loss": "l"}
    target, others = load_tables(str(file), None, read_signals(spec))
    found = judge(target, **others)
    assert list(found.grades) == ["clid_th", "loss"]
    assert "alpha = 0.9" in found.grades["clid_th"].verdict.rule
    assert found.grades["loss"].auroc == judge(Scores.load(file, ["l"])).grades["l"].auroc


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (3, "neither a list of columns nor a mapping"),
        ([3], "neither a list of columns"),
        ({"a": {"column": ["l"]}}, "signals.a: .* does not say its columns"),
        ({"a": {"columns": ["l"], "rul": "first"}}, "unknown key 'rul'; did you mean 'rule'"),
        ({"a": {"columns": ["l", "d"]}}, "several columns need one of first"),
        ({"a": {"columns": ["l"], "rule": "firts"}}, "signals.a.rule: 'firts'"),
        ({"a": {"columns": [1]}}, "is not a list of names"),
    ],
)
def test_signals_that_say_nothing_are_named(wanted: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_signals(wanted)


ODD = [
    'id,member,s,note\na,1,0.5,"x, y"\nb,0,1e-3,"two\nlines"\n',
    'id,member,s\n"a ""quoted""",1,0.5\n\nb,0,-1\n\n',
    "id,member,s\r\na,1, 0.5\r\nb,0,\r\n",
    "id;member;s\na;1;0,5\nb;0;1,25\n",
    'id,member,s\na,1,0.5\nb "c" d,0,2',
    "id,member,s\nä\u2028ö,1,0.5\nNA,0,null\n",
]


@pytest.mark.parametrize(
    "text",
    [
        '"id",member,s,"no\nte"\na,1,0.5,7\nb,0,1,8\n',
        "\nid,member,s,\na,1,0.5,7\nb,0,1,8\n",
        "sep=¦\nid¦member¦s\na¦1¦0.5\nb¦0¦1\n",
    ],
)
def test_what_is_odd_about_a_header_is_read_line_by_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text)
    found = read_columns(file)[0]
    assert [list_of(found[name]) for name in ("id", "s")] == [["a", "b"], ["0.5", "1"]]
    assert None not in found and "None" not in found


@pytest.mark.parametrize("text", ODD)
def test_a_table_read_at_once_is_that_read_line_by_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(text.encode())
    at_once = {name: list_of(cells) for name, cells in read_columns(file)[0].items()}
    assert tabular._at_once(text, ";" if ";" in text else ",") is not None
    monkeypatch.setattr(tabular, "_at_once", lambda *_: None)
    assert {name: list_of(cells) for name, cells in read_columns(file)[0].items()} == at_once
