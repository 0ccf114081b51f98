"""Records whose membership nobody knows, asked of a model from elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from claims import asked, claimants
from folders import image_folder, picture
from PIL import Image
from runs import Run

from lit_clid.data.split import load_split
from lit_clid.errors import UserError
from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")


def test_every_record_is_used_and_answered_about(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = asked(tmp_path, pipeline_folder, *claimants(tmp_path))
    code, printed = run("audit", *words)
    assert code == 0, printed
    assert "8 suspects, 12 comparable, 0 set aside" in printed
    assert "8 suspects" in printed.split("The audit")[1]
    table = Scores.load(tmp_path / "claim" / "scores" / "target.parquet")
    assert table.claim and int(table.member.sum()) == 8
    assert all(name.startswith("suspects:") for name in np.array(table.ids)[table.member])
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert report["records"] == {"nonmembers": 12, "suspects": 8}
    assert report["headline"] == "clid_th_null"
    assert report["suspects"]["list"]["smallest_p"] == pytest.approx(1 / 13)
    assert len((tmp_path / "claim" / "suspects.csv").read_text().splitlines()) == 9
    assert {each["kind"] for each in report["controls"]["blind"]} == {"suspects"}
    code, printed = run("audit", *words)
    assert (code, "already audited" in printed) == (0, True)
    again = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert again["controls"] == report["controls"] and again["suspects"] == report["suspects"]
    assert run("audit", "name=again", f"runs={tmp_path}", f"scores={tmp_path}/claim/scores")[0] == 0
    judged = json.loads((tmp_path / "again" / "report.json").read_text())
    assert judged["controls"] == report["controls"] and judged["suspects"] == report["suspects"]


def test_another_source_is_seen_without_the_model(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    """Suspects on a dark ground: whatever the attacks find, the verdict says so."""
    words = claimants(tmp_path, 24, 24)
    for k in range(24):
        image = np.asarray(picture(100 + k)) // 4
        Image.fromarray(image).save(tmp_path / "mine" / f"{k:03d}.png")
    code, printed = run("audit", *asked(tmp_path, pipeline_folder, *words))
    assert code == 0, printed
    assert "NOT CONCLUSIVE: Without the model, captions and images alone tell suspects" in printed


def test_suspects_among_known_records_are_empty_cells(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    folder = image_folder(tmp_path / "all")
    lines = (folder / "metadata.jsonl").read_text().splitlines()
    kinds = [True] * 6 + [False] * 12 + [None] * 6
    rows = [json.loads(line) | {"member": kind} for line, kind in zip(lines, kinds, strict=True)]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["data.source=imagefolder", f"data.path={folder}", "headline=loss"]
    code, printed = run("audit", *asked(tmp_path, pipeline_folder, *words))
    assert code == 0, printed
    assert "6 suspects, 6 members, 12 comparable, 0 set aside" in printed
    table = Scores.load(tmp_path / "claim" / "scores" / "target.parquet")
    assert not table.claim and table.suspects is not None
    assert table.suspects.ids == tuple(f"{k:03d}.png" for k in range(18, 24))
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert report["records"] == {"members": 6, "nonmembers": 12, "suspects": 6}


def test_suspects_that_are_hold_outs_too_are_one_line(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = claimants(tmp_path)
    picture(3).save(tmp_path / "mine" / "000.png")
    code, printed = run("audit", *asked(tmp_path, pipeline_folder, *words))
    assert code == 2
    assert "1 suspects share their image with a hold-out: 003.png = suspects:000.png" in printed
    code, printed = run(
        "audit", *asked(tmp_path, pipeline_folder, *words, "data.suspects=critters")
    )
    assert (code, "embedded critters are drawn anew" in printed) == (2, True)


def test_copies_are_asked_about_once_and_hold_outs_give_way(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = claimants(tmp_path)
    for name, seed in (("mine/001.png", 100), ("mine/007.png", 3), ("comparable/005.png", 4)):
        picture(seed).save(tmp_path / name)  # a copy of mine, of a hold-out, and two hold-outs
    words.append("data.on_duplicates=drop")
    code, printed = run("audit", *asked(tmp_path, pipeline_folder, *words))
    assert code == 0, printed
    assert "7 suspects, 10 comparable, 0 set aside" in printed
    skipped = json.loads((tmp_path / "claim" / "report.json").read_text())["skipped"]
    assert "003.png: same image as suspects:007.png" in skipped
    assert "suspects:001.png: same image as suspects:000.png" in skipped


def test_members_that_nobody_vouched_for_are_refused(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = asked(tmp_path, pipeline_folder, *claimants(tmp_path))
    words.append(f"audit.shadow={pipeline_folder}")
    code, printed = run("audit", *words)
    assert (code, "nothing says that" in printed) == (2, True)


def test_too_few_suspects_are_refused_before_anything_is_asked(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    code, printed = run("audit", *asked(tmp_path, pipeline_folder, *claimants(tmp_path, 1)))
    assert (code, "1 suspects are too few" in printed) == (2, True)
    assert not (tmp_path / "claim" / "scores").exists()


def test_suspects_have_no_part_in_a_training(tmp_path: Path) -> None:
    from folders import options

    image_folder(tmp_path / "images")
    plain = load_split(options(tmp_path / "images"), 0, tmp_path / "a")
    claimants(tmp_path)
    more = options(
        tmp_path / "images", suspects="imagefolder", suspects_path=str(tmp_path / "mine")
    )
    split = load_split(more, 0, tmp_path / "b")
    assert split.fingerprint == plain.fingerprint
    assert split.asked != split.fingerprint and plain.asked == plain.fingerprint
    assert len(split.suspects) == 8
    assert len(split.of("target")) == len(plain.of("target")) + 8
    assert split.of("shadow") == plain.of("shadow")
    again = load_split(more, 0, tmp_path / "b")
    assert again.entries == split.entries
    with pytest.raises(UserError, match="suspects"):
        load_split(options(tmp_path / "images"), 0, tmp_path / "b")


def test_an_expensive_attack_is_asked_about_the_records_in_question(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [*asked(tmp_path, pipeline_folder, *claimants(tmp_path)), "attacks=[loss]"]
    more = ["evidence.cascade=sima", "evidence.keep=0.5"]
    code, printed = run("audit", *words, *more)
    assert code == 0, printed
    assert "cascade" in printed and "10 records × 1 queries" in printed
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    told = report["suspects"]["cascade"]
    assert (told["attack"], told["asked"], told["of"]) == ("sima", 10, 20)
    code, printed = run("verify", str(tmp_path / "claim"))
    assert code == 0, printed
    code, printed = run("audit", *words, "evidence.cascade=gsa1")
    assert code == 2 and "evidence.cascade: 'gsa1' is no attack that needs no shadow" in printed
    code, printed = run("audit", f"runs={tmp_path}", "name=demo", "evidence.cascade=sima")
    assert code == 2


def test_captions_are_swapped_as_a_control(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    words = [*asked(tmp_path, pipeline_folder, *claimants(tmp_path, 10, 12)), "audit.swapped=9"]
    code, printed = run("audit", *words)
    assert code == 0, printed
    assert "Control: With the captions of other suspects or hold-outs, clid_th_null" in printed
    table = Scores.load(tmp_path / "claim" / "scores" / "swapped.parquet")
    assert len(table.ids) == 18 and int(table.member.sum()) == 9
    run("audit", *words[:-1], "audit.swapped=0", "name=none")
    assert not (tmp_path / "none" / "scores" / "swapped.parquet").is_file()
