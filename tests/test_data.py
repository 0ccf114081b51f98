"""Sources, the split and its manifest, and the stream of training batches."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.deal import Piles, deal
from lit_clid.data.images import decode
from lit_clid.data.module import CaptionedImages, fit_square
from lit_clid.data.sources import open_source
from lit_clid.data.split import Split, load_split
from lit_clid.data.stream import TrainingStream
from lit_clid.errors import UserError

Rows = list[tuple[str, str | None]]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def picture(seed: int, size: tuple[int, int] = (20, 16)) -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    )


def image_folder(folder: Path, count: int = 24, metadata: str = "jsonl") -> Path:
    folder.mkdir(parents=True)
    rows = []
    for k in range(count):
        picture(k).save(folder / f"{k:03d}.png")
        rows.append({"file_name": f"{k:03d}.png", "text": f"picture number {k}"})
        if metadata == "txt":
            (folder / f"{k:03d}.txt").write_text(f"picture number {k}\n")
    if metadata == "jsonl":
        (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if metadata == "csv":
        (folder / "metadata.csv").write_text(
            "file_name,text\n" + "".join(f"{r['file_name']},{r['text']}\n" for r in rows)
        )
    return folder


def options(folder: Path, **changes: object) -> DataOptions:
    return DataOptions(
        **{"source": "imagefolder", "path": str(folder), "members": 4, "nonmembers": 4, **changes}
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("metadata", ["jsonl", "csv", "txt"])
def test_image_folders(tmp_path: Path, metadata: str) -> None:
    source = open_source(options(image_folder(tmp_path / "images", metadata=metadata)))
    rows = {name: (source.captions[k], source.open_image(k)) for k, name in enumerate(source.ids)}
    assert len(rows) == 24
    assert rows["007.png"][0] == "picture number 7"
    assert rows["007.png"][1].tobytes() == picture(7).tobytes()


def test_several_captions_of_an_image_and_unlisted_images(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    rewrite(folder, "metadata.jsonl", lambda t: t.replace("005.png", "004.png"))
    source = open_source(options(folder))
    assert len(set(source.ids)) == 24
    assert sorted(name.split("#")[0] for name in source.ids).count("004.png") == 2
    assert source.unlisted == ("005.png",)


def test_metadata_may_name_files_in_a_folder_called_train(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    (folder / "train").mkdir()
    for image in sorted(folder.glob("*.png")):
        image.rename(folder / "train" / image.name)
    rewrite(folder, "metadata.jsonl", lambda t: t.replace('"file_name": "', '"file_name": "train/'))
    assert "train/003.png" in open_source(options(folder)).ids


def test_a_moved_folder_is_the_same_data(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    split = load(folder, tmp_path)
    moved = folder.rename(tmp_path / "elsewhere")
    assert load(moved, tmp_path).fingerprint == split.fingerprint


def test_a_misspelt_member_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column 'is_membr'"):
        load(image_folder(tmp_path / "images"), tmp_path, member_column="is_membr")


def test_subfolders_keep_their_names(tmp_path: Path) -> None:
    image_folder(tmp_path / "all" / "part", metadata="txt")
    assert "part/003.png" in open_source(options(tmp_path / "all")).ids


@pytest.mark.parametrize("kind", ["parquet", "arrow", "tar"])
def test_files_of_the_datasets_library(tmp_path: Path, kind: str) -> None:
    folder = image_folder(tmp_path / "images")
    pattern = str(tmp_path / f"*.{kind}")
    if kind == "tar":
        import tarfile

        with tarfile.open(tmp_path / "shard.tar", "w") as tar:
            for k in range(24):
                (folder / f"{k:03d}.txt").write_text(f"picture number {k}")
                for ending in ("png", "txt"):
                    tar.add(folder / f"{k:03d}.{ending}", f"{k:03d}.{ending}")
    else:
        data = datasets.Dataset.from_dict(
            {
                "image": [str(folder / f"{k:03d}.png") for k in range(24)],
                "caption": [[f"picture number {k}", "other"] for k in range(24)],
            }
        ).cast_column("image", datasets.Image())
        if kind == "parquet":
            data.to_parquet(str(tmp_path / "records.parquet"))
        else:
            data = data.map(
                lambda row: {
                    "image": {
                        "bytes": (folder / Path(row["image"].filename).name).read_bytes(),
                        "path": None,
                    }
                },
                features=data.features,
            )
            data.save_to_disk(str(tmp_path / "saved"))
            pattern = str(tmp_path / "saved" / "*.arrow")
    source = open_source(options(tmp_path, source=pattern, path=None))
    row = source.captions.index("picture number 7")
    assert source.open_image(row).tobytes() == picture(7).tobytes()


def test_embedded_families_need_no_files() -> None:
    source = open_source(DataOptions(source="scenes", members=5, nonmembers=6))
    assert len(source.ids) == len(set(source.captions)) == 22


def load(folder: Path, tmp_path: Path, seed: int = 0, **changes: object) -> Split:
    return load_split(options(folder, **changes), seed, tmp_path / "run")


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


def test_a_redrawn_shadow_is_independent_of_the_target(tmp_path: Path) -> None:
    """Equal counts in all four cells of (target member?, shadow member?), up to chance, over
    many seeds.
    """
    piles = Piles(tuple(map(str, range(20))), tuple(map(str, range(20))))
    cells: Counter[tuple[bool, bool]] = Counter()
    for seed in range(200):
        parts = deal(piles, options(tmp_path, members=10, nonmembers=10, shadow="redrawn"), seed)
        target, shadow = ({n: m for n, r, m in parts if r == role} for role in ("target", "shadow"))
        assert len(target) == len(shadow) == 20
        cells.update((target[n], shadow[n]) for n in target)
    # 4000 records in four cells of 1000, hypergeometric within a seed: standard error about 16
    assert all(abs(count - 1000) < 80 for count in cells.values()), cells


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
    source, row = split.locate()["nonmembers:003.png"]
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


def rewrite(folder: Path, name: str, edit: Callable[[str], str]) -> None:
    (folder / name).write_text(edit((folder / name).read_text()))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: (f / "metadata.jsonl").rename(f / "metdata.jsonl"),
            r"no captions.*metdata\.jsonl",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace('"text"', '"txet"')),
            "no caption column",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace("003.png", "9.png")),
            r"no such image: row 4 \(9.png\)",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace("003.png", "../../x.png")),
            "lead outside the folder",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t + "{oops\n"),
            "line 25 is not valid JSON",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace("file_name", "filename")),
            "no file_name in row 1, 2",
        ),
        (lambda f: [p.unlink() for p in f.glob("*.png")], "no images"),
    ],
)
def test_broken_folders_are_named(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    folder = image_folder(tmp_path / "images")
    spoil(folder)
    with pytest.raises(UserError, match=message):
        load(folder, tmp_path)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    picture(99).save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "link.txt").write_text("a secret")
    with pytest.raises(UserError, match=r"link\.png lead outside"):
        load(folder, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "nowhere"}, "no folder nowhere"),
        ({"path": None}, "none given"),
        ({"members": 40}, "24 usable records, but the split asks for 88"),
        ({"source": "no/such/hub/id"}, "neither an embedded family"),
        ({"source": "nobody/nothing"}, "for a hub id, the network"),
        ({"source": "nothing/*.parquet"}, "no file matches"),
        ({"caption_column": "words"}, "no caption column 'words'"),
        ({"source": "critters", "members": None}, "unlimited"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    folder = image_folder(tmp_path / "images")
    with pytest.raises(UserError, match=message):
        load(folder, tmp_path, **changes)


@pytest.mark.parametrize("kind", ["image", "caption"])
def test_shared_records_are_refused_or_dropped(tmp_path: Path, kind: str) -> None:
    folder = image_folder(tmp_path / "images", 16)
    if kind == "image":
        for k in range(16):
            picture(k % 8).save(folder / f"{k:03d}.png")
    else:
        rewrite(
            folder,
            "metadata.jsonl",
            lambda t: "".join(f'{line.split("number")[0]}number"}}\n' for line in t.splitlines()),
        )
    with pytest.raises(UserError, match=f"share their {kind} with a member"):
        load(folder, tmp_path)
    if kind == "image":
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


def test_transparency_is_laid_on_white_and_exif_obeyed() -> None:
    import io

    clear = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(clear, "PNG")
    assert decode(clear).getpixel((0, 0)) == (255, 255, 255)
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(turned, "JPEG", exif=exif)
    assert decode(turned).size == (4, 8)


@pytest.mark.parametrize("size", [(20, 16), (16, 20), (64, 64), (7, 90)])
def test_fit_square(size: tuple[int, int]) -> None:
    assert fit_square(picture(0, size), 16).size == (16, 16)


def stream(count: int, batch: int, total: int, **options: object) -> list[list[tuple[int, int]]]:
    return list(TrainingStream(count, batch, total, 0, **options))  # type: ignore[arg-type]


def test_every_member_is_seen_equally_often() -> None:
    seen = Counter(index for batch in stream(10, 4, 33) for index, _ in batch)
    assert sum(seen.values()) == 132
    assert max(seen.values()) - min(seen.values()) == 1


def test_the_stream_goes_on_where_it_stopped() -> None:
    whole = stream(10, 4, 33)
    assert stream(10, 4, 33, start=lambda: 17) == whole[17:]


def test_ranks_partition_the_stream() -> None:
    ranks = [stream(10, 4, 20, rank=r, world=2) for r in range(2)]
    alone = stream(10, 8, 20)
    assert [a + b for a, b in zip(*ranks, strict=True)] == alone


def test_augmentation_is_for_training_only(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    chosen = options(folder, random_crop=True)
    split = load_split(chosen, 0, tmp_path / "run")
    data = CaptionedImages(split, chosen, "target", seed=0, side=16, batch_size=2)
    views = [data.members.image(0, k) for k in range(8)]
    assert len({v.numpy().tobytes() for v in views}) > 2
    assert (data.members.image(0, 3) == views[3]).all()
    for records in (data.holdouts, data.audited):
        assert (records.image(0, 0) == records.image(0, 5)).all()
    assert data.members.crops


def test_finished_records_are_not_asked_again(tmp_path: Path) -> None:
    split = load(image_folder(tmp_path / "images"), tmp_path)
    done = split.entries[0].id
    data = CaptionedImages(
        split, options(tmp_path), "target", seed=0, side=8, batch_size=2, finished={done}
    )
    assert done not in {e.id for e in data.audited.entries}
    assert len(data.audited) == 7
