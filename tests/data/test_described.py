"""Captions that a model writes: once for every image, whatever texts there are."""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from folders import captions_of, image_folder, options, picture
from PIL import Image

from lit_clid.about import Captioner
from lit_clid.config.options.data import DataOptions
from lit_clid.data.described import Images, in_batches
from lit_clid.data.split import Split, load_split
from lit_clid.data.written import Written, add_written, read_written, refuse_other
from lit_clid.errors import UserError


def captioner(fingerprint: str = "f0") -> Captioner:
    return Captioner(
        model="blip", fingerprint=fingerprint, decoding="greedy", created=None, transformers="5"
    )


@dataclass
class Describer:
    """Says how bright the corner of an image is, and keeps what it was asked."""

    file: Path
    by: Captioner = field(default_factory=captioner)
    asked: list[int] = field(default_factory=list)
    silent: bool = False

    def describe(self, images: Sequence[Image.Image]) -> list[str]:
        self.asked.append(len(images))
        said = [f"a corner of {image.getpixel((0, 0))}" for image in images]
        return ["", *said[1:]] if self.silent else said

    def __call__(self, images: Images) -> Written:
        known = read_written(self.file)
        refuse_other(self.by, known.by, self.file)
        missing = {name: images[name] for name in images if name not in known.captions}
        if missing:
            add_written(self.file, self.by, in_batches(missing, self.describe))
        return read_written(self.file)


@pytest.fixture
def describer(tmp_path: Path) -> Describer:
    return Describer(tmp_path / "captions" / "blip.jsonl")


def split_of(given: DataOptions, run: Path, describer: Describer, seed: int = 0) -> Split:
    return load_split(given, seed, run, write=describer)


@pytest.mark.parametrize("metadata", ["none", "jsonl", "csv", "txt"])
def test_every_record_gets_a_caption_whatever_texts_there_are(
    metadata: str, tmp_path: Path, describer: Describer
) -> None:
    folder = image_folder(tmp_path / "images", 20, metadata)
    split = split_of(options(folder, captions="blip"), tmp_path / "run", describer)
    captions = captions_of(split)
    assert len(captions) == 16 and split.captions_by == captioner()
    for name, caption in captions.items():
        assert caption == f"a corner of {picture(int(name[:3])).getpixel((0, 0))}"
    assert sum(describer.asked) == 20


def test_tables_and_shards_need_no_captions_either(tmp_path: Path, describer: Describer) -> None:
    import datasets

    table = datasets.Dataset.from_dict({"image": [picture(k) for k in range(16)]})
    table.cast_column("image", datasets.Image()).to_parquet(tmp_path / "a.parquet")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for file in sorted(image_folder(tmp_path / "images", 16, "none").iterdir()):
            archive.add(file, file.name)
    for name in ("a.parquet", "a.tar"):
        given = DataOptions(source=str(tmp_path / name), captions="blip", members=4, nonmembers=4)
        split = split_of(given, tmp_path / name.replace(".", "-"), describer)
        assert all(text.startswith("a corner") for text in captions_of(split).values())
    assert sum(describer.asked) == 16


def test_they_are_written_once_and_anew_for_an_image_that_changed(
    tmp_path: Path, describer: Describer
) -> None:
    folder = image_folder(tmp_path / "images", 20, "none")
    given = options(folder, captions="blip")
    for run in ("run", "run", "other"):
        split_of(given, tmp_path / run, describer)
    assert sum(describer.asked) == 20
    picture(99).save(folder / "003.png")
    split = split_of(given, tmp_path / "third", describer, seed=3)
    assert sum(describer.asked) == 21
    if "003.png" in captions_of(split):
        assert captions_of(split)["003.png"].endswith(str(picture(99).getpixel((0, 0))))
    drawn = split.entries[0].id
    picture(98).save(folder / drawn)
    with pytest.raises(UserError, match=rf"changed since the split was drawn: {drawn}"):
        split_of(given, tmp_path / "third", describer, seed=3)


def test_a_changed_image_is_not_described_under_its_old_name(
    tmp_path: Path, describer: Describer
) -> None:
    folder = image_folder(tmp_path / "images", 20, "none")
    given = options(folder, captions="blip")
    split = split_of(given, tmp_path / "run", describer)
    describer.file.unlink()
    picture(97).save(folder / split.entries[3].id)
    with pytest.raises(UserError, match="the image changed since the split was drawn"):
        split_of(given, tmp_path / "run", describer)


def test_writing_goes_on_behind_the_last_whole_line(tmp_path: Path, describer: Describer) -> None:
    folder = image_folder(tmp_path / "images", 20, "none")
    given = options(folder, captions="blip")
    whole = captions_of(split_of(given, tmp_path / "run", describer))
    text = describer.file.read_text()
    lines = text.splitlines(keepends=True)
    describer.file.write_text("".join(lines[:9]) + lines[9][:20])
    describer.asked.clear()
    assert captions_of(split_of(given, tmp_path / "other", describer)) == whole
    assert sum(describer.asked) == 12
    assert len(describer.file.read_text().splitlines()) == len(lines) + 1


def test_captions_of_two_models_are_never_mixed(tmp_path: Path, describer: Describer) -> None:
    add_written(describer.file, captioner(), [{"a": "one"}])
    with pytest.raises(UserError, match=r"written by blip .*delete the file"):
        refuse_other(captioner("f1"), read_written(describer.file).by, describer.file)
    add_written(describer.file, captioner("f1"), [{"b": "two"}])
    with pytest.raises(UserError, match="another model"):
        read_written(describer.file)


@pytest.mark.parametrize("line", ["[1]", '{"image": "a"}', "{", '{"image": "a", "caption": []}'])
def test_a_damaged_file_is_named(line: str, describer: Describer) -> None:
    add_written(describer.file, captioner(), [{"a": "one"}])
    with describer.file.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UserError, match=r"blip\.jsonl: line 3"):
        read_written(describer.file)


def test_empty_captions_are_refused_or_left_out(tmp_path: Path, describer: Describer) -> None:
    folder = image_folder(tmp_path / "images", 20, "none")
    describer.silent = True
    given = options(folder, captions="blip")
    with pytest.raises(UserError, match=r"blip wrote an empty caption .*000\.png, 016\.png"):
        split_of(given, tmp_path / "run", describer)
    split = split_of(options(folder, captions="blip", on_error="skip"), tmp_path / "run", describer)
    assert len(split.skipped) == 2 and "empty caption" in split.skipped[0]


def test_an_image_that_does_not_decode_is_told_as_such(
    tmp_path: Path, describer: Describer
) -> None:
    folder = image_folder(tmp_path / "images", 20, "none")
    (folder / "003.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"003\.png \(row 4\): image does not decode"):
        split_of(options(folder, captions="blip"), tmp_path / "run", describer)


def test_a_split_is_of_the_datas_captions_or_of_a_models(
    tmp_path: Path, describer: Describer
) -> None:
    folder = image_folder(tmp_path / "images", 20)
    load_split(options(folder), 0, tmp_path / "run")
    drawn = json.loads((tmp_path / "run" / "split.json").read_text())
    assert drawn["data"].pop("captions") == "the data's"
    (tmp_path / "run" / "split.json").write_text(json.dumps(drawn))
    load_split(options(folder), 0, tmp_path / "run")  # drawn before there were captioners
    with pytest.raises(UserError, match=r"captions is .a model's. now and was .the data's."):
        split_of(options(folder, captions="blip"), tmp_path / "run", describer)


def test_images_that_a_captioner_calls_the_same_are_no_twins(
    tmp_path: Path, describer: Describer
) -> None:
    folder = image_folder(tmp_path / "images", 20, "none")
    every = split_of(options(folder, captions="blip"), tmp_path / "run", describer)
    names = [entry.image_hash for entry in every.entries]
    lines = describer.file.read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        if row.get("image") in (names[0], names[4]):
            row["caption"] = "a dog"
    describer.file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    split = split_of(options(folder, captions="blip"), tmp_path / "twins", describer)
    assert list(captions_of(split).values()).count("a dog") == 2 and not split.shared


@pytest.mark.parametrize("key", ["caption_column", "importance_column", "rephrasings_column"])
def test_columns_that_speak_of_captions_contradict_it(key: str) -> None:
    with pytest.raises(UserError, match=rf"data\.captions: blip writes every .*data\.{key}"):
        DataOptions(captions="blip", **{key: "text"})  # type: ignore[arg-type]


def test_who_has_no_captions_is_told_of_it(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", 4, "none")
    with pytest.raises(UserError, match=r"no captions; .*data.captions=MODEL"):
        load_split(options(folder), 0, tmp_path / "run")
    rows = "".join(f'{{"file_name": "{k:03d}.png", "b": ""}}\n' for k in range(4))
    (folder / "metadata.jsonl").write_text(rows)
    with pytest.raises(UserError, match=r"no caption column .*data.captions=MODEL"):
        load_split(options(folder), 0, tmp_path / "run")
    with pytest.raises(UserError, match=r"empty caption; .*data.captions=MODEL"):
        load_split(options(folder, caption_column="b"), 0, tmp_path / "run")
