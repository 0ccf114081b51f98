"""Members and hold-outs share no image, and no caption but templates."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from folders import options, picture
from hypothesis import given
from hypothesis import strategies as st

from lit_clid.data.entries import Entries, Entry
from lit_clid.data.split import Split, load_split
from lit_clid.data.twins import find_twins
from lit_clid.errors import UserError


def captioned(folder: Path, captions: Sequence[str]) -> Path:
    folder.mkdir()
    rows = []
    for k, caption in enumerate(captions):
        picture(k).save(folder / f"{k:03d}.png")
        rows.append(json.dumps({"file_name": f"{k:03d}.png", "text": caption}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(rows))
    return folder


def lower(captions: Sequence[str]) -> list[str]:
    """A model that does not read case."""
    return [caption.lower() for caption in captions]


def draw(folder: Path, run: Path, **changes: object) -> Split:
    return load_split(options(folder, **changes), 0, run, lower)


PAIRS = [f"{word} number {k}" for k in range(8) for word in ("Picture", "picture")]


def test_one_caption_to_the_model_is_refused_or_dropped(tmp_path: Path) -> None:
    folder = captioned(tmp_path / "images", PAIRS)
    with pytest.raises(UserError, match="share their caption with a member") as error:
        draw(folder, tmp_path / "run")
    said = str(error.value)
    assert "data.on_duplicates=drop" in said and "data.shared_captions=keep" in said
    pairs = [part.split(" = ") for part in said.split("read it): ")[1].split(";")[0].split(", ")]
    for member, holdout in (pair for pair in pairs if len(pair) == 2):
        assert int(member[:3]) // 2 == int(holdout.split()[0][:3]) // 2
    split = draw(folder, tmp_path / "run", on_duplicates="drop", members=2, nonmembers=2)
    assert set(split.skipped) == {
        f"{k + 1:03d}.png: same caption as {k:03d}.png" for k in range(0, 16, 2)
    }
    assert split.shared == {}


def test_as_written_they_are_eight_times_two_captions(tmp_path: Path) -> None:
    folder = captioned(tmp_path / "images", PAIRS)
    assert len(load_split(options(folder), 0, tmp_path / "run").entries) == 16


def test_what_is_one_to_the_model_makes_no_difference_to_the_deal(tmp_path: Path) -> None:
    folder = captioned(tmp_path / "images", [f"picture number {k}" for k in range(24)])
    plain = load_split(options(folder), 0, tmp_path / "plain")
    for number, changes in enumerate(
        ({}, {"on_duplicates": "drop"}, {"shared_captions": "keep"}, {"shared_captions": "refuse"})
    ):
        split = draw(folder, tmp_path / f"run{number}", **changes)
        assert (split.entries, split.fingerprint) == (plain.entries, plain.fingerprint)


@pytest.mark.parametrize("on_duplicates", ["fail", "drop"])
def test_templates_are_kept_said_and_remembered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], on_duplicates: str
) -> None:
    folder = captioned(tmp_path / "images", ["a photo of sks dog", "A photo of sks dog"] * 8)
    split = draw(folder, tmp_path / "run", on_duplicates=on_duplicates)
    assert split.shared == {role: {"records": 8, "captions": 1} for role in ("target", "shadow")}
    assert len(split.entries) == 16 and not split.skipped
    said = capsys.readouterr().out
    assert "8 records of the target have 1 caption" in said and "data.shared_captions" in said
    again = draw(folder, tmp_path / "run", on_duplicates=on_duplicates)
    assert (again.shared, again.entries) == (split.shared, split.entries)
    assert not capsys.readouterr().out
    with pytest.raises(UserError, match="shared_captions is 'refuse' now and was 'auto'"):
        draw(folder, tmp_path / "run", on_duplicates=on_duplicates, shared_captions="refuse")


def test_sharing_may_be_refused_and_kept_whatever_the_captions(tmp_path: Path) -> None:
    one = captioned(tmp_path / "one", ["a photo of sks dog"] * 16)
    with pytest.raises(UserError, match="share their caption with a member"):
        draw(one, tmp_path / "run", shared_captions="refuse")
    pairs = captioned(tmp_path / "pairs", PAIRS)
    kept = draw(pairs, tmp_path / "run", shared_captions="keep")
    assert len(kept.entries) == 16 and kept.shared["target"]["records"] == 8


def test_a_manifest_from_before_captions_could_be_shared_is_read(tmp_path: Path) -> None:
    folder = captioned(tmp_path / "images", [f"picture number {k}" for k in range(16)])
    split = draw(folder, tmp_path / "run")
    note = tmp_path / "run" / "split.json"
    drawn = json.loads(note.read_text())
    assert "shared_captions" not in drawn
    del drawn["data"]["shared_captions"]
    note.write_text(json.dumps(drawn))
    assert draw(folder, tmp_path / "run").fingerprint == split.fingerprint


def test_another_word_for_the_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.shared_captions: 'yes' is not one of auto"):
        options(tmp_path, shared_captions="yes")


RECORDS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=14)


@given(RECORDS, st.sampled_from(["auto", "keep", "refuse"]))
def test_after_dropping_nothing_is_refused(
    records: list[tuple[int, int, bool]], shared_captions: str
) -> None:
    rows = Entries.of(
        Entry(f"r{k}", "", f"i{image}", "", "target", member)
        for k, (image, _, member) in enumerate(records)
    )
    captions = [str(caption) for _, caption, _ in records]
    twins = find_twins(rows, captions, list, shared_captions)
    first, dropped = twins.drop(rows)
    kept = rows.take(first)
    assert len(kept) + len(dropped) == len(rows)
    twins.refuse(kept)
    for held in (twins.images, *([] if twins.sharing else [twins.captions])):
        assert len(set(held[kept.at].tolist())) == len(kept)
    if twins.sharing:
        assert set(twins.images[kept.at].tolist()) == set(twins.images.tolist())


def test_copies_of_records_are_no_templates() -> None:
    rows = Entries.of(Entry(f"r{k}", "", f"i{k % 4}", "", "target", k > 5) for k in range(12))
    captions = [f"caption {k % 4}" for k in range(12)]
    assert not find_twins(rows, captions, list, "auto").sharing


@pytest.mark.parametrize(
    ("inside", "outside", "said"),
    [
        (["a sks dog"] * 6, ["a dog"] * 6, "12 records of the target"),
        (["a sks dog"] * 6, [f"dog {k}" for k in range(6)], "6 records of the target"),
        (["a dog"] * 6, ["a dog"] * 6, None),
        ([f"dog {k}" for k in range(6)], [f"cat {k}" for k in range(6)], None),
    ],
)
def test_prompts_that_tell_members_from_hold_outs_are_said(
    inside: list[str],
    outside: list[str],
    said: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    captioned(tmp_path / "in", inside)
    captioned(tmp_path / "out", outside)
    for k in range(6):
        picture(100 + k).save(tmp_path / "out" / f"{k:03d}.png")
    other = {"nonmember_source": "imagefolder", "nonmember_path": str(tmp_path / "out")}
    draw(tmp_path / "in", tmp_path / "run", **other, members=6, nonmembers=6)
    told = capsys.readouterr().out
    assert ("what reads the caption tells them apart" in told) is (said is not None)
    assert said is None or said in told
