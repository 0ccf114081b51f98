"""Lists of paths as people keep them: CSV, TSV, JSON lines, parquet, SQLite; nothing is followed
out of their folder.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import options, picture

from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.data.split import load_split
from lit_clid.errors import UserError

Rows = Sequence[Mapping[str, object]]
KINDS = ("csv", "tsv", "jsonl", "parquet", "sqlite", "db")


def written(file: Path, rows: Rows) -> Path:
    columns = list(rows[0])
    if file.suffix == ".jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    elif file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), file)
    elif file.suffix in (".sqlite", ".db"):
        with sqlite3.connect(file) as opened:
            opened.execute(f"CREATE TABLE images ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            cells = [tuple(row.values()) for row in rows]
            opened.executemany(f"INSERT INTO images VALUES ({marks})", cells)
        opened.close()
    else:
        sign = "\t" if file.suffix == ".tsv" else ","
        lines = [columns, *(map(str, row.values()) for row in rows)]
        file.write_text("\n".join(sign.join(line) for line in lines))
    return file


def images(folder: Path, count: int = 24) -> list[dict[str, object]]:
    (folder / "in").mkdir(parents=True)
    for k in range(count):
        picture(k).save(folder / "in" / f"{k:03d}.png")
    return [{"path": f"in/{k:03d}.png", "caption": f"picture number {k}"} for k in range(count)]


def opened(file: Path, **changes: object) -> Source:
    return open_source(options(file, **changes))


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_read_as_it_is_written(tmp_path: Path, kind: str) -> None:
    file = written(tmp_path / f"records.{kind}", images(tmp_path))
    source = opened(file)
    assert source.ids == tuple(f"in/{k:03d}.png" for k in range(24))
    assert source.captions[9] == "picture number 9"
    assert source.open_image(9).tobytes() == picture(9).tobytes()
    by_pattern = open_source(options(Path(), source=str(file), path=None))
    assert by_pattern.captions == source.captions
    split = load_split(options(file), 0, tmp_path / "run")
    assert load_split(options(file), 0, tmp_path / "run").fingerprint == split.fingerprint
    picture(99).save(tmp_path / split.entries[0].id)
    with pytest.raises(UserError, match="changed since the split was drawn"):
        load_split(options(file), 0, tmp_path / "run")


@pytest.mark.parametrize("kind", KINDS)
def test_absolute_paths_within_the_folder_are_followed(tmp_path: Path, kind: str) -> None:
    rows = [{**row, "path": str(tmp_path / str(row["path"]))} for row in images(tmp_path, 3)]
    source = opened(written(tmp_path / f"records.{kind}", rows))
    assert source.ids[2] == "in/002.png"
    assert source.open_image(2).tobytes() == picture(2).tobytes()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "parquet"])
@pytest.mark.parametrize("name", ["../elsewhere/in/000.png", "{}/elsewhere/in/000.png", "link.png"])
def test_nothing_outside_the_folder_is_followed(tmp_path: Path, kind: str, name: str) -> None:
    images(tmp_path / "elsewhere", 1)
    images(tmp_path / "mine", 1)
    (tmp_path / "mine" / "link.png").symlink_to(tmp_path / "elsewhere" / "in" / "000.png")
    row = {"path": name.format(tmp_path), "caption": "stolen"}
    file = written(tmp_path / "mine" / f"records.{kind}", [row])
    with pytest.raises(UserError, match="lead outside the folder and are not followed"):
        opened(file)


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_is_where_paths_start(tmp_path: Path, kind: str) -> None:
    rows = images(tmp_path / "pictures", 3)
    (tmp_path / "lists").mkdir()
    file = written(tmp_path / "lists" / f"records.{kind}", rows)
    source = opened(file, root=str(tmp_path / "pictures"))
    assert source.ids == ("in/000.png", "in/001.png", "in/002.png")
    assert source.open_image(1).tobytes() == picture(1).tobytes()
    with pytest.raises(UserError, match=r"data\.root: no folder .*nowhere"):
        opened(file, root=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("kind", ["csv", "sqlite"])
def test_columns_may_be_named(tmp_path: Path, kind: str) -> None:
    rows = [{"p": row["path"], "t": row["caption"]} for row in images(tmp_path, 3)]
    file = written(tmp_path / f"records.{kind}", rows)
    with pytest.raises(UserError, match=r"no column of paths \(found: p, t\).*data\.image_column"):
        opened(file)
    with pytest.raises(UserError, match="no column of paths 'q'"):
        opened(file, image_column="q")
    assert opened(file, image_column="p", caption_column="t").captions[1] == "picture number 1"


def test_a_missing_image_names_its_row(tmp_path: Path) -> None:
    rows = [*images(tmp_path, 2), {"path": "in/gone.png", "caption": "gone"}]
    file = written(tmp_path / "records.csv", rows)
    with pytest.raises(UserError, match=r"records\.csv: no such image: row 3 \(in/gone\.png\)"):
        opened(file)


def test_several_tables_must_be_told_apart(tmp_path: Path) -> None:
    file = written(tmp_path / "records.sqlite", images(tmp_path, 3))
    with sqlite3.connect(file) as made:
        made.execute('CREATE TABLE "an ""odd"" one" (path, caption)')
        made.execute("""INSERT INTO "an ""odd"" one" VALUES ('in/002.png', 'odd')""")
    made.close()
    with pytest.raises(UserError, match=r"several tables \(found: images, an \"odd\" one\); name"):
        opened(file)
    with pytest.raises(UserError, match=r"no table 'pictures'.*data\.config=NAME"):
        opened(file, config="pictures")
    assert len(opened(file, config="images").ids) == 3
    assert opened(file, config='an "odd" one').captions == ("odd",)


def test_a_database_is_not_written_to(tmp_path: Path) -> None:
    file = written(tmp_path / "records.db", images(tmp_path, 3))
    before, names = file.read_bytes(), sorted(tmp_path.iterdir())
    opened(file)
    assert file.read_bytes() == before and sorted(tmp_path.iterdir()) == names
    (tmp_path / "records.db-wal").write_bytes(b"more")
    with pytest.raises(UserError, match=r"records\.db-wal beside it holds what was not written"):
        opened(file)


@pytest.mark.parametrize(("kind", "content"), [("db", b"no database" * 99), ("sqlite", b"")])
def test_no_database_is_one_line(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / f"a.{kind}").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read as SQLite|no table"):
        opened(tmp_path / f"a.{kind}")


def test_text_that_is_not_utf8_is_one_line(tmp_path: Path) -> None:
    file = written(tmp_path / "a.db", images(tmp_path, 2))
    with sqlite3.connect(file) as made:
        made.execute("UPDATE images SET caption = CAST(x'ff' AS TEXT)")
    made.close()
    with pytest.raises(UserError, match=r"a\.db: cannot be read as SQLite"):
        opened(file)


def test_a_member_column_of_a_list_is_obeyed(tmp_path: Path) -> None:
    rows = [{**row, "member": k % 2} for k, row in enumerate(images(tmp_path, 4))]
    assert opened(written(tmp_path / "a.csv", rows)).member == (False, True, False, True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_list_is_one_line(tmp_path: Path, kind: str) -> None:
    if kind in ("sqlite", "db"):
        with sqlite3.connect(tmp_path / f"a.{kind}") as made:
            made.execute("CREATE TABLE images (path, caption)")
        made.close()
    elif kind == "parquet":
        pq.write_table(pa.table({"path": pa.array([], pa.string())}), tmp_path / "a.parquet")
    else:
        (tmp_path / f"a.{kind}").write_text("path\tcaption\n" if kind != "jsonl" else "")
    with pytest.raises(UserError, match="no rows; give a"):
        opened(tmp_path / f"a.{kind}")
