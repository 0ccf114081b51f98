"""Samples of webdataset shards, of which nothing is held but what is drawn."""

import json
from pathlib import Path

import pytest
from archived import image, shard
from folders import image_folder, options

from lit_clid.data.archives import NAMED
from lit_clid.data.sources import open_source, open_sources
from lit_clid.data.split import load_split
from lit_clid.errors import UserError


def as_parts(folder: Path, records: int, **fields: object) -> str:
    """Shards of one name and one set of keys in ten folders; the fields are those of a `.json`."""
    for part in range(10):
        files: dict[str, bytes | str] = {}
        for k in range(records):
            files |= {f"{k}.png": image(part * records + k), f"{k}.txt": f"picture {part} {k}"}
            if fields:
                files[f"{k}.json"] = json.dumps(fields if (part, k) == (0, 0) else {"width": 3})
        (folder / f"part-{part}").mkdir()
        shard(folder / f"part-{part}" / "0.tar", files)
    return str(folder / "*" / "0.tar")


def test_shards_of_one_name_are_not_one_shard(tmp_path: Path) -> None:
    """Keys that repeat are drawn apart, and are called what the whole calls them."""
    source = as_parts(tmp_path, 20)
    found = open_source(options(Path(), source=source, path=None, sample=50))
    whole = open_source(options(Path(), source=source, path=None))
    keys = [name.partition("#")[0] for name in found.ids]
    assert len(set(keys)) > 12  # of twenty; were they drawn by keys alone, five
    repeats = [row for row, name in enumerate(found.ids) if "#" in name]
    assert repeats and {found.ids[row] for row in repeats} <= set(whole.ids)
    for row in range(50):
        assert found.captions[row] == whole.captions[found.number(row)]


def test_members_that_were_not_drawn_are_not_passed_over(tmp_path: Path) -> None:
    """One record in a hundred says who it is: a sample of others would be dealt at random."""
    source = as_parts(tmp_path, 10, member=1)
    given = {"source": source, "path": None}
    whole = open_source(options(Path(), **given))
    assert whole.member is not None and whole.member[0] is True
    with pytest.raises(
        UserError, match=r"none of the 9 records drawn by data\.sample has 'member'"
    ):
        open_source(options(Path(), sample=9, **given))
    assert open_source(options(Path(), sample=9, member_column=None, **given)).member is None
    assert open_source(options(Path(), sample=100, **given)).member == whole.member


def test_texts_without_json_say_nothing_of_members(tmp_path: Path) -> None:
    source = as_parts(tmp_path, 3)
    assert open_source(options(Path(), sample=9, source=source, path=None)).member is None


def test_holdouts_need_no_member_column(tmp_path: Path) -> None:
    """What a column of theirs said was never asked."""
    members = image_folder(tmp_path / "members", count=12)
    rows = [json.loads(line) for line in (members / "metadata.jsonl").read_text().splitlines()]
    told = "".join(json.dumps({**row, "used": "yes"}) + "\n" for row in rows)
    (members / "metadata.jsonl").write_text(told)
    holdouts = as_parts(tmp_path, 5, member=1)
    found = open_sources(
        options(members, nonmember_source=holdouts, member_column="used", sample=9)
    )
    assert len(found["first"].ids) == 9 and found["first"].member == (True,) * 9
    assert len(found["nonmembers"].ids) == 9 and found["nonmembers"].member is None


def test_what_others_lack_is_counted(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {}
    for k in range(2 * NAMED):
        files[f"{k:04d}.txt"] = f"picture {k}"
        if k % 2:
            files[f"{k:04d}.png"] = image(k)
    whole = f"{shard(tmp_path / 'a.tar', files)}"
    more = {f"more-{k}.txt": "a text" for k in range(7)}
    shard(tmp_path / "b.tar", more)  # type: ignore[arg-type]
    found = open_source(options(Path(), source=whole, path=None, sample=5))
    assert len(found.left_out) == NAMED
    both = open_source(options(Path(), source=f"{tmp_path}/*.tar", path=None, sample=5))
    assert both.left_out[:NAMED] == found.left_out and len(both.left_out) == NAMED + 1
    assert both.left_out[-1] == "7 more of 2 shards: no images" and both.ids != ()


def test_faults_of_the_drawn_say_so(tmp_path: Path) -> None:
    source = as_parts(tmp_path, 3, artist="a")
    given = {"source": source, "path": None, "member_column": None, "members": 20}
    with pytest.raises(UserError, match=r"no column 'w'.*\(of 9 records drawn by data\.sample\)"):
        open_source(options(Path(), sample=9, importance_column="w", **given))
    for sample, more in ((9, "; or raise data.sample"), (31, "")):
        with pytest.raises(UserError, match="usable records") as error:
            load_split(options(Path(), sample=sample, **given), 0, tmp_path / "run")
        assert str(error.value).endswith(f"from the same pile{more}")
