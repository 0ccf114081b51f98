"""Dry runs: what they say, what they refuse, and that they leave nothing."""

import re
from pathlib import Path

import pytest
from runs import SMALL, Run


@pytest.mark.parametrize("command", ["train", "audit"])
def test_a_dry_run_tells_and_leaves_nothing(
    command: str, tmp_path: Path, run: Run, pipeline_folder: Path
) -> None:
    words = [*SMALL, f"runs={tmp_path / 'runs'}", f"target.path={pipeline_folder}", "dry_run=true"]
    code, printed = run(command, *words)
    assert code == 0, printed
    for told in ("Stable Diffusion 1.x/2.x at 64", "parameters", "memory", "FLOP", "at least"):
        assert told in printed
    assert "nothing was loaded, asked or written" in printed
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_refuses_what_the_run_would(tmp_path: Path, run: Run) -> None:
    words = [*SMALL, f"runs={tmp_path}", "dry_run=true"]
    code, printed = run("train", *words, "finetune.train=transformer")
    assert code == 2
    assert "'transformer' is no part of Stable Diffusion" in printed
    code, printed = run("audit", *words, "headline=nobody")
    assert code == 2
    assert "'nobody' is not asked" in printed
    code, printed = run("audit", *words, "audit.target=nowhere/at/all")
    assert code == 2
    assert "no diffusers pipeline there" in printed


def test_processes_that_share_a_model_each_hold_a_part(tmp_path: Path, run: Run) -> None:
    words = [*SMALL, f"runs={tmp_path}", "dry_run=true", "trainer.accelerator=cpu"]
    held = {}
    for strategy in ("ddp", "fsdp"):
        two = ("trainer.devices=2", f"trainer.strategy={strategy}")
        code, printed = run("train", *words, *two, "finetune.train=unet")
        assert code == 0, printed
        found = re.search(r"gradients and Adam ([\d.]+) MB, average ([\d.]+) MB", printed)
        assert found is not None, printed
        held[strategy] = [float(each) for each in found.groups()]
    assert [2 * each for each in held["fsdp"]] == pytest.approx(held["ddp"], rel=0.01)
