"""Suspects with several captions each, audited under the first and under all of them."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from claims import asked, claimants
from folders import image_folder
from jsonschema import Draft202012Validator
from runs import Run

from lit_clid.judging.evidence import independent
from lit_clid.scores import Scores


def with_further(folder: Path) -> None:
    """Give every record but the first of a folder two further captions."""
    file = folder / "metadata.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows[1:]:
        row["text"] = [row["text"], f"{row['text']} again", f"{row['text']} once more"]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.mark.slow
def test_an_audit_averages_and_tells_what_that_costs(
    run: Run, pipeline_folder: Path, tmp_path: Path
) -> None:
    words = asked(tmp_path, pipeline_folder, *claimants(tmp_path, 8, 12), "audit.swapped=8")
    for name in ("mine", "comparable"):
        with_further(tmp_path / name)
    code, told = run("audit", *words, "name=first")
    assert code == 0 and "20 records × 6 queries = 120 queries" in told, told
    words += ["data.several_captions=average", "audit.batch_size=3"]
    code, told = run("audit", *words)
    each = 18 * (3 + 3 * 3) + 2 * 6
    assert code == 0 and f"20 records × about 11 queries = {each} queries" in told, told
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert report["queries"]["target"]["total"] == each
    assert report["attacks"]["loss"]["queries"] == 3
    assert report["attacks"]["clid_th_null"]["queries"] == 11
    assert run("verify", str(tmp_path / "claim"))[0] == 0
    code, told = run("audit", *words)
    assert code == 0 and "already audited" in told
    code, told = run("audit", *words, "data.several_captions=first")
    assert code == 2 and "split is" in told


@pytest.mark.slow
def test_a_record_of_each_is_trained_on_and_audited_with_its_image(
    run: Run, pipeline_folder: Path, tmp_path: Path
) -> None:
    with_further(image_folder(tmp_path / "images", 40))
    words = [
        *("configs/folder.yaml", f"runs={tmp_path}", "name=each", "data.members=8"),
        *(f"data.path={tmp_path / 'images'}", "data.nonmembers=8", "data.several_captions=each"),
        *(f"target.path={pipeline_folder}", "trainer.max_steps=4", "finetune.batch_size=4"),
        *("trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "finetune.samples=0"),
    ]
    for role in ("target", "shadow"):
        code, told = run("train", *words, f"role={role}")
        assert code == 0 and "parameters on 2" in told, told
    code, told = run("audit", *words, "attacks=[loss, clid_th_null]", "audit.swapped=8")
    assert code == 0 and "8 members' and 8 hold-outs' images" in told, told
    table = Scores.load(tmp_path / "each" / "scores" / "target.parquet")
    assert independent(table.member, table.cluster) == (8, 8) and len(table.ids) > 40
    report = json.loads((tmp_path / "each" / "report.json").read_text())
    assert report["images"] == {"members": 8, "nonmembers": 8}
    assert report["controls"]["near_duplicates"][0]["records"] == 0
    schema = files("lit_clid.judging.report") / "report.schema.json"
    assert not list(Draft202012Validator(json.loads(schema.read_text())).iter_errors(report))
    assert run("verify", str(tmp_path / "each"))[0] == 0
    code, told = run("sweep", *words)
    assert code == 2 and "data.several_captions: a sweep counts every record once" in told
