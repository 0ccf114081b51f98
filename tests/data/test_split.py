"""The split and its manifest: disjoint, re-read, and refused where it does not fit."""

import json
from collections import Counter
from pathlib import Path

import pytest
from folders import image_folder, load, options, picture

from lit_clid.data.manifest import FIELDS
from lit_clid.data.split import load_split
from lit_clid.errors import UserError


def test_a_moved_folder_is_the_same_data(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    split = load(folder, tmp_path)
    moved = folder.rename(tmp_path / "elsewhere")
    assert load(moved, tmp_path).fingerprint == split.fingerprint


def test_a_misspelt_member_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column 'is_membr'"):
        load(image_folder(tmp_path / "images"), tmp_path, member_column="is_membr")


def test_the_split_is_disjoint_and_re_read(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    split = load(folder, tmp_path)
    counts = Counter((e.role, e.member) for e in split.entries)
    assert counts == {(r, m): 4 for r in ("target", "shadow") for m in (True, False)}
    assert len({e.id for e in split.entries}) == 16
    again = load(folder, tmp_path)
    assert (again.entries, again.fingerprint) == (split.entries, split.fingerprint)
    assert load_split(options(folder), 1, tmp_path / "other").entries != split.entries


def test_shadow_and_target_share_a_seed_not_records(tmp_path: Path) -> None:
    split = load(image_folder(tmp_path / "images"), tmp_path)
    assert not {e.id for e in split.of("target")} & {e.id for e in split.of("shadow")}


def test_counts_may_be_left_open(tmp_path: Path) -> None:
    split = load(image_folder(tmp_path / "images"), tmp_path, members=None, nonmembers=None)
    assert len(split.entries) == 24


def test_a_member_column_is_obeyed(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    (folder / "metadata.jsonl").write_text(
        "".join(json.dumps({**r, "member": k < 8}) + "\n" for k, r in enumerate(rows))
    )
    split = load(folder, tmp_path, members=8)
    assert {e.id for e in split.of("target", True)} == {f"{k:03d}.png" for k in range(8)}
    assert not [
        e for e in split.of("shadow") if e.id < "008"
    ]  # the shadow never learns from the target's members
    plain = load_split(options(folder, member_column=None), 0, tmp_path / "plain")
    assert {e.id for e in plain.of("target", True)} != {f"{k:03d}.png" for k in range(4)}


def test_two_sources(tmp_path: Path) -> None:
    inside, outside = image_folder(tmp_path / "in"), tmp_path / "out"
    outside.mkdir()
    for k in range(24):
        picture(100 + k).save(outside / f"{k:03d}.png")
        (outside / f"{k:03d}.txt").write_text(f"another picture {k}")
    split = load(inside, tmp_path, nonmember_source="imagefolder", nonmember_path=str(outside))
    assert all(e.id.startswith("nonmembers:") != e.member for e in split.entries)
    assert len(split.of("shadow", True)) == 4
    source, row = split.places["nonmembers:003.png"]
    assert source.captions[row] == "another picture 3"


def damage(folder: Path) -> None:
    (folder / "003.png").write_bytes(b"")
    (folder / "005.png").write_bytes((folder / "005.png").read_bytes()[:60])
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    rows[9]["text"] = " "
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_unusable_rows_are_all_listed_or_skipped(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    damage(folder)
    with pytest.raises(UserError) as error:
        load(folder, tmp_path)
    for words in (
        "3 rows cannot be used",
        "003.png (row 4): image",
        "005.png (row 6): image",
        "009.png (row 10): empty caption",
        "data.on_error=skip",
    ):
        assert words in str(error.value)
    split = load(folder, tmp_path, on_error="skip")
    assert len(split.skipped) == 3
    assert not {"003.png", "005.png", "009.png"} & {e.id for e in split.entries}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "nowhere"}, "no folder nowhere"),
        ({"path": None}, "none given"),
        ({"members": 40}, "24 usable records, but the split asks for 88"),
        ({"source": "no/such/hub/id"}, "neither an embedded family"),
        ({"source": "nobody/nothing"}, "data.split and the network"),
        ({"source": "nothing/*.parquet"}, "no file matches"),
        ({"caption_column": "words"}, "no caption column 'words'"),
        ({"source": "critters", "members": None}, "unlimited"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    folder = image_folder(tmp_path / "images")
    with pytest.raises(UserError, match=message):
        load(folder, tmp_path, **changes)


def test_shared_images_are_refused_or_dropped(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", 16)
    for k in range(16):
        picture(k % 8).save(folder / f"{k:03d}.png")
    for shared in ("auto", "keep", "refuse"):
        with pytest.raises(UserError, match="share their image with a member: "):
            load(folder, tmp_path, shared_captions=shared)
    split = load(folder, tmp_path, on_duplicates="drop", members=2, nonmembers=2)
    assert len(split.skipped) == 8
    assert len({e.image_hash for e in split.entries}) == 8


@pytest.mark.parametrize(
    ("seed", "changes", "message"),
    [(1, {}, "seed is 1 now and was 0"), (0, {"members": 3}, "members is 3 now and was 4")],
)
def test_a_split_of_another_making_is_refused(
    tmp_path: Path, seed: int, changes: dict[str, object], message: str
) -> None:
    folder = image_folder(tmp_path / "images")
    load(folder, tmp_path)
    with pytest.raises(UserError, match=message):
        load(folder, tmp_path, seed, **changes)


def test_changed_data_are_noticed(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    used = load(folder, tmp_path).entries[0].id
    picture(999).save(folder / used)
    with pytest.raises(UserError, match=f"changed since the split was drawn: {used}"):
        load(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("split.json", "[]", "does not tell what the split was drawn from"),
        ("split.json", "{}", "does not tell what the split was drawn from"),
        ("split.csv", "id,where\na,b\n", "a line lacks image_hash, caption_hash, role, member"),
        ("split.csv", f"{','.join(FIELDS)}\na,b,c,d,part,1\n", "role of a is 'part'; restore"),
    ],
)
def test_a_damaged_manifest_is_a_line(name: str, held: str, said: str, tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    load(folder, tmp_path)
    (tmp_path / "run" / name).write_text(held)
    with pytest.raises(UserError, match=said):
        load(folder, tmp_path)


def test_of_a_record_in_both_roles_the_last_line_counts(tmp_path: Path) -> None:
    folder, run = image_folder(tmp_path / "images"), tmp_path / "run"
    changes = {"members": 8, "nonmembers": 8, "shadow": "redrawn"}
    names = list(load_split(options(folder, **changes), 0, run).entries.ids)
    lines = (run / "split.csv").read_text().splitlines(keepends=True)
    twice = next(name for name in names if names.count(name) == 2)
    first, last = (k for k, name in enumerate(names, 1) if name == twice)
    for k in (first, last):
        cells = lines[k].split(",")
        cells[2] = "0" * 32
        (run / "split.csv").write_text("".join([*lines[:k], ",".join(cells), *lines[k + 1 :]]))
        if k == first:
            load_split(options(folder, **changes), 0, run)
    with pytest.raises(UserError, match=f"changed since the split was drawn: {twice}"):
        load_split(options(folder, **changes), 0, run)
