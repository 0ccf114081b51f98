"""The two scripts as a user runs them on a tiny pipeline: end to end, interrupted, in two
processes, misused.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from runs import EACH, REFERENCES, SMALL, STANDARD, TABLES, Run, arguments, assert_same_table
from safetensors.torch import load_file, save_file

from lit_clid.commands import audit, train
from lit_clid.commands.sweep import run as sweep
from lit_clid.scores import Scores, write_shard

ROOT = Path(__file__).parent.parent


def test_the_run_folder_holds_what_others_rely_on(audited: Path) -> None:
    report = json.loads((audited / "report.json").read_text())
    for result in report["attacks"].values():
        assert set(result["auroc"]) >= {"value", "low", "high"}
        assert set(result["tpr_at_fpr"]) == set(result["tnr_at_fnr"]) == {"0.1", "0.01", "0.001"}
        assert {"asr", "queries"} <= set(result)
    assert set(report["attacks"]) == {
        f"{name}{suffix}" for name in STANDARD for suffix in ("", "_ref")
    }
    assert (
        report["attacks"]["clir_ref"]["queries"] == 2 * report["attacks"]["clir"]["queries"] == 30
    )
    assert report["queries"]["target"]["total"] == 24 * EACH
    assert report["queries"]["total"] == sum(report["queries"][table]["total"] for table in TABLES)
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
    for request in ('src="http', 'href="http', "<script", "@import", "url(http"):
        assert request not in page
    for part in (
        "Verdict",
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
    code, printed = run(train, *arguments(trained, pipeline_folder))
    assert (code, "already trained" in printed) == (0, True)
    code, printed = run(audit, *arguments(trained, pipeline_folder))
    assert (code, "already audited" in printed) == (0, True)
    assert (audited / "scores" / "target.parquet").stat().st_mtime_ns == before


def test_any_judgement_can_be_made_again_from_the_tables(
    audited: Path, tmp_path: Path, run: Run
) -> None:
    code, printed = run(audit, f"scores={audited / 'scores'}", f"runs={tmp_path}", "name=again")
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


def start(script: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / script), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def wait_for(
    condition: Callable[[], object], process: "subprocess.Popen[str]", seconds: float = 120
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


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
    code, printed = run(audit, *common)
    assert code == 0, printed
    assert f"{24 - kept} records × {EACH} queries" in printed
    assert_same_table(tmp_path / "small", audited)


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_leaves_a_resumable_state_and_says_so(
    pipeline_folder: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    common = [
        f"runs={tmp_path}",
        "name=small",
        f"target.path={pipeline_folder}",
        *SMALL,
        "trainer.max_steps=100000",
    ]
    process = start("train.py", *common)
    wait_for((tmp_path / "small" / "logs" / "target" / "resume.ckpt").is_file, process)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert (tmp_path / "small" / "logs" / "target" / "resume.ckpt").is_file()


@pytest.mark.slow
def test_a_killed_training_goes_on(
    pipeline_folder: Path, tmp_path: Path, run: Run, trained: Path
) -> None:
    """SIGKILL somewhere in the middle, the same command again, and the weights are those of an
    uninterrupted run.
    """
    common = arguments(tmp_path, pipeline_folder)
    process = start("train.py", *common)
    wait_for((tmp_path / "small" / "logs" / "target" / "resume.ckpt").is_file, process)
    process.kill()
    process.communicate()
    code, printed = run(train, *common)
    assert code == 0, printed
    weights = [
        load_file(f / "small/target/unet/diffusion_pytorch_model.safetensors")
        for f in (tmp_path, trained)
    ]
    for name, value in weights[1].items():
        torch.testing.assert_close(weights[0][name], value, rtol=1e-4, atol=1e-5, msg=name)


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
    code, printed = run(audit, *common)
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
    code, printed = run(audit, *wanted)
    assert code == 2
    assert (
        "the model answers NaN or infinity about 24 records: critter-"
        in printed.strip().splitlines()[-1]
    )
    assert not (tmp_path / "small" / "scores" / "target.parquet").exists()


@pytest.mark.slow
def test_two_processes_train(pipeline_folder: Path, tmp_path: Path) -> None:
    two = ["trainer.devices=2", "trainer.strategy=ddp"]
    process = start("train.py", *arguments(tmp_path, pipeline_folder, *two))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert (tmp_path / "small" / "target" / "model_index.json").is_file()


def missing_part(base: Path, folder: Path) -> str:
    shutil.copytree(base, folder / "broken")
    (folder / "broken" / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    return str(folder / "broken")


def test_bad_input_is_one_line_and_exit_code_2(
    pipeline_folder: Path, audited: Path, trained: Path, tmp_path: Path, run: Run
) -> None:
    base, fresh = f"target.path={pipeline_folder}", f"runs={tmp_path}"
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    (tmp_path / "images" / "a.txt").write_text("")
    folder = f"data.path={tmp_path / 'images'}"
    untold = tmp_path / "untold"
    shutil.copytree(trained / "small", untold / "small")
    (untold / "small" / "scores" / "target.json").unlink()
    nan = tmp_path / "nan.csv"
    nan.write_text("id,member,s\na,1,nan\nb,0,1\n")
    cases: list[tuple[object, list[str], str]] = [
        (train, [fresh, "data.membrs=3"], "did you mean 'data.members'"),
        (train, [fresh, "data.members=lots"], "data.members: Value 'lots'"),
        (train, [fresh, "target.path=./nowhere", *SMALL], "no diffusers pipeline there"),
        (
            train,
            [fresh, "target.path=nobody/nothing", *SMALL],
            "neither a folder here nor reachable as a hub id",
        ),
        (
            train,
            [fresh, f"target.path={missing_part(pipeline_folder, tmp_path)}", *SMALL],
            "unet/ is incomplete",
        ),
        (
            train,
            [fresh, "name=i", base, "data.source=imagefolder", folder],
            "a.png (row 1): empty caption",
        ),
        (train, [fresh, "name=j", base, *SMALL, "trainer.accelerator=warp"], "trainer: "),
        (train, arguments(trained, pipeline_folder, "seed=1"), "seed is 1 now and was 0"),
        (
            train,
            arguments(trained, pipeline_folder, "finetune.learning_rate=1"),
            "learning_rate is 1.0 now",
        ),
        (audit, arguments(trained, pipeline_folder, "seed=1"), "seed is 1 now and was 0"),
        (audit, arguments(trained, pipeline_folder, "attacks=[loss]"), "attacks is ['loss'] now"),
        (audit, arguments(trained, pipeline_folder, f"audit.target={pipeline_folder}"), "model is"),
        (
            audit,
            arguments(trained, pipeline_folder, "audit.precision=bf16"),
            "precision is 'bf16' now",
        ),
        (
            audit,
            arguments(trained, pipeline_folder, "attacks={loss: {t: 1000}}"),
            "outside the model's schedule",
        ),
        (audit, [fresh, "name=none"], "no trained target"),
        (audit, [fresh, "attacks=[clid]"], "unknown attack 'clid'"),
        (
            audit,
            [fresh, "name=lone", base, *SMALL, f"audit.target={pipeline_folder}", "attacks=[gsa1]"],
            "without a shadow",
        ),
        (audit, arguments(untold, pipeline_folder), "target.json is missing"),
        (sweep, [fresh, "attacks=[sima]"], "none has timesteps to choose"),
        (sweep, [fresh, "name=none"], "no trained shadow; run train.py role=shadow"),
        (audit, [fresh, "name=nan", f"scores={nan}"], "column 's' is not a finite number for a"),
        (audit, [fresh, "name=nan", "scores=none.csv"], "no file none.csv"),
        (
            audit,
            arguments(trained, pipeline_folder, f"scores={nan}"),
            "holds another audit's report",
        ),
    ]
    for script, words, message in cases:
        code, printed = run(script, *words)
        assert code == 2, (words, printed)
        last = printed.strip().splitlines()[-1]
        assert last.startswith("error: "), printed
        assert message in last, (words, last)
        assert "Traceback" not in printed


def test_long_captions_are_counted(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for k in range(16):
        Image.fromarray(
            np.random.default_rng(k).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        ).save(folder / f"{k}.png")
        (folder / f"{k}.txt").write_text(
            f"picture {k} " + "with very many words " * (40 if k % 2 else 1)
        )
    wanted = [
        "data.source=imagefolder",
        f"data.path={folder}",
        "data.members=4",
        "data.nonmembers=4",
        "trainer.max_steps=1",
    ]
    code, printed = run(
        train, f"runs={tmp_path}", f"target.path={pipeline_folder}", *wanted, "finetune.samples=0"
    )
    assert code == 0, printed
    assert "of 4 captions are longer than the tokenizer takes" in printed


def test_data_are_escaped_on_the_page(tmp_path: Path, run: Run) -> None:
    table = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    rows = [f"r{k},{int(k < 20)},{rng.normal() + (k < 20)}" for k in range(40)]
    table.write_text("id,member,<script>alert(1)</script>\n" + "\n".join(rows))
    code, printed = run(audit, f"scores={table}", f"runs={tmp_path}", "name=evil")
    assert code == 0, printed
    assert "<script>" not in (tmp_path / "evil" / "report.html").read_text()


def test_a_sweep_asks_the_shadow_and_writes_a_config(
    trained: Path, audited: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", "name=small", f"target.path={pipeline_folder}", *SMALL]
    words += [f"audit.{role}={audited / role}" for role in ("target", "shadow")]
    code, printed = run(
        sweep,
        *words,
        "sweep.t=[200,300,400,500]",
        "sweep.draws=2",
        "attacks=[loss,clid_th_null,clir]",
    )
    assert code == 0, printed
    folder = tmp_path / "small"
    assert "24 records × 24 queries" in printed
    assert "<svg" in (folder / "sweep" / "sweep.svg").read_text()
    assert not (folder / "scores" / "target.parquet").exists()
    command = next(
        line for line in printed.splitlines() if line.startswith("next: python audit.py")
    )
    code, printed = run(
        audit,
        *command.split()[3:],
        *words[2:],
        f"runs={tmp_path}",
        "name=swept",
        "audit.reference=null",
    )
    assert code == 0, printed
    told = json.loads((tmp_path / "swept" / "scores" / "target.json").read_text())["claims"][
        "attacks"
    ]
    assert set(told) == {"loss", "clid_th_null", "clir"}


def test_help(run: Run) -> None:
    for script in (train, audit, sweep):
        code, printed = run(script, "--help")
        assert (code, "usage: python" in printed) == (0, True)
