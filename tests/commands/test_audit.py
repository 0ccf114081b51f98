"""`audit.py` as a user runs it: end to end, interrupted, in two processes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from parsed import Page, digest
from runs import (
    EACH,
    REFERENCES,
    SMALL,
    STANDARD,
    TABLES,
    Run,
    arguments,
    assert_same_table,
    start,
    wait_for,
)
from safetensors.torch import load_file, save_file

from lit_clid.auditing.shards import write_shard
from lit_clid.commands import audit
from lit_clid.scores import Scores


def test_the_run_folder_holds_what_others_rely_on(audited: Path) -> None:
    report = json.loads((audited / "report.json").read_text())
    for result in report["attacks"].values():
        assert set(result["auroc"]) >= {"value", "low", "high"}
        assert set(result["tpr_at_fpr"]) == set(result["tnr_at_fnr"]) == {"0.1", "0.01", "0.001"}
        assert {"asr", "queries"} <= set(result)
    assert set(report["attacks"]) == {
        f"{name}{suffix}" for name in (*STANDARD, "stacked") for suffix in ("", "_ref")
    }
    assert (
        report["attacks"]["clir_ref"]["queries"] == 2 * report["attacks"]["clir"]["queries"] == 30
    )
    assert report["queries"]["target"]["total"] == 24 * EACH
    told = {name: each for name, each in report["queries"].items() if name != "total"}
    assert set(told) == {*TABLES, "swapped"}
    assert report["queries"]["total"] == sum(each["total"] for each in told.values())
    for role in TABLES:
        assert role in REFERENCES or (audited / role / "model_index.json").is_file()
        table = Scores.load(audited / "scores" / f"{role}.parquet")
        assert (int(table.member.sum()), len(table.ids)) == (12, 24)
        about = json.loads((audited / "scores" / f"{role}.json").read_text())
        assert about["claims"]["seed"] == 0
        assert about["packages"]["torch"]
    assert not list((audited / "scores").glob("*.shards"))


def test_the_page_is_one_file_without_outside_requests(audited: Path) -> None:
    page = (audited / "report.html").read_text()
    for request in ('src="http', 'href="http', "<script src", "@import", "url(http"):
        assert request not in page
    told = Page(page)
    assert {digest(text) for text in told.running} == told.allowed
    for part in (
        "Verdict",
        "What each family of attacks tells",
        "ROC",
        "Records most surely recognised",
        "What this audit does not prove",
        "Provenance",
        "data:image/png",
    ):
        assert part in page


def test_doing_it_again_does_nothing(
    trained: Path, pipeline_folder: Path, audited: Path, run: Run
) -> None:
    before = (audited / "scores" / "target.parquet").stat().st_mtime_ns
    code, printed = run("train", *arguments(trained, pipeline_folder))
    assert (code, "already trained" in printed) == (0, True)
    code, printed = run("audit", *arguments(trained, pipeline_folder))
    assert (code, "already audited" in printed) == (0, True)
    assert (audited / "scores" / "target.parquet").stat().st_mtime_ns == before


def test_any_judgement_can_be_made_again_from_the_tables(
    audited: Path, tmp_path: Path, run: Run
) -> None:
    code, printed = run("audit", f"scores={audited / 'scores'}", f"runs={tmp_path}", "name=again")
    assert code == 0, printed
    old, new = (
        json.loads((f / "report.json").read_text())["attacks"]
        for f in (audited, tmp_path / "again")
    )
    assert old == new


@pytest.mark.parametrize("size", ["1", "7"])
def test_batch_size_changes_no_table(
    trained: Path, audited: Path, pipeline_folder: Path, tmp_path: Path, size: str
) -> None:
    models = [f"audit.{role}={audited / role}" for role in ("target", "shadow")]
    audit.main(
        [
            f"runs={tmp_path}",
            "name=small",
            f"target.path={pipeline_folder}",
            *SMALL,
            *models,
            f"audit.batch_size={size}",
        ]
    )
    assert_same_table(tmp_path / "small", audited)


@pytest.mark.slow
def test_two_processes_make_the_same_table(
    audited: Path, pipeline_folder: Path, tmp_path: Path
) -> None:
    models = [f"audit.{role}={audited / role}" for role in ("target", "shadow")]
    two = ["trainer.devices=2", "trainer.strategy=ddp", "audit.batch_size=5"]
    done = start(
        "audit.py",
        f"runs={tmp_path}",
        "name=small",
        f"target.path={pipeline_folder}",
        *SMALL,
        *models,
        *two,
    )
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, out + err
    assert out.count("report: ") == 1
    assert_same_table(tmp_path / "small", audited)


@pytest.mark.slow
def test_a_killed_audit_goes_on(
    audited: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    models = [f"audit.{role}={audited / role}" for role in ("target", "shadow")]
    common = [
        f"runs={tmp_path}",
        "name=small",
        f"target.path={pipeline_folder}",
        *SMALL,
        *models,
        "audit.batch_size=1",
    ]
    shards = tmp_path / "small" / "scores" / "target.shards"
    process = start("audit.py", *common)
    wait_for(lambda: len(list(shards.glob("*.parquet"))) >= 3, process)
    process.kill()
    process.communicate()
    kept = len(list(shards.glob("*.parquet")))
    assert 3 <= kept < 24
    code, printed = run("audit", *common)
    assert code == 0, printed
    assert f"{24 - kept} records × {EACH} queries" in printed
    assert_same_table(tmp_path / "small", audited)


def test_an_audit_killed_before_its_merge_goes_on(
    audited: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    models = [f"audit.{role}={audited / role}" for role in ("target", "shadow")]
    common = [f"runs={tmp_path}", "name=small", f"target.path={pipeline_folder}", *SMALL, *models]
    audit.main(common)
    scores = tmp_path / "small" / "scores"
    table = Scores.load(scores / "target.parquet")
    claims = json.loads((scores / "target.json").read_text())["claims"]
    shutil.rmtree(scores)
    write_shard(scores / "target.shards", table.ids, table.member, table.signals)
    (scores / "target.shards" / "claims.json").write_text(json.dumps(claims))
    code, printed = run("audit", *common)
    assert code == 0, printed
    assert f"0 records × {EACH} queries" in printed
    assert_same_table(tmp_path / "small", audited)


def test_nan_is_named_and_the_rest_is_kept(
    audited: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    """A U-Net with a NaN answers NaN for every record: one line, exit code 2, no table."""
    shutil.copytree(audited / "target", tmp_path / "nan")
    (tmp_path / "nan" / "lit_clid.json").unlink()
    file = tmp_path / "nan" / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["conv_out.bias"][0] = float("nan")
    save_file(weights, file)
    wanted = [
        f"runs={tmp_path}",
        "name=small",
        *SMALL,
        f"audit.target={tmp_path / 'nan'}",
        "attacks=[loss]",
    ]
    code, printed = run("audit", *wanted)
    assert code == 2
    counts = "24 of 24 records (12 of 12 members, 12 of 12 hold-outs): critter-"
    assert f"the model answers NaN or infinity about {counts}" in printed.strip().splitlines()[-1]
    assert not (tmp_path / "small" / "scores" / "target.parquet").exists()


def test_data_are_escaped_on_the_page(tmp_path: Path, run: Run) -> None:
    table = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    rows = [f"r{k},{int(k < 20)},{rng.normal() + (k < 20)}" for k in range(40)]
    table.write_text("id,member,<script>alert(1)</script>\n" + "\n".join(rows))
    code, printed = run("audit", f"scores={table}", f"runs={tmp_path}", "name=evil")
    assert code == 0, printed
    html = (tmp_path / "evil" / "report.html").read_text()
    told = Page(html)
    assert "<script>alert" not in html and "alert(1)" in told.shown
    assert {digest(text) for text in told.running} == told.allowed
