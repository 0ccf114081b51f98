"""Audits of suspects in two processes: one report, a rerun that asks nothing twice, and what is
said when one of them is killed.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from claims import asked, claimants
from runs import start, wait_for

pytestmark = pytest.mark.slow
TWO = ("trainer.devices=2", "trainer.strategy=ddp", "trainer.accelerator=cpu", "audit.batch_size=4")


@pytest.mark.parametrize(
    "more", [("evidence.cascade=sima", "evidence.keep=0.5"), ("evidence.stop_at=0.9",)]
)
def test_both_processes_end_alike(
    pipeline_folder: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    words = asked(tmp_path, pipeline_folder, *claimants(tmp_path, 12, 16))
    for _ in range(2):
        done = start("audit.py", *words, "attacks=[clid_th_null]", *TWO, *more)
        out, err = done.communicate(timeout=300)
        assert done.returncode == 0, out + err
        assert out.count("report: ") == 1
    assert (tmp_path / "claim" / "report.json").is_file()


def test_a_killed_process_ends_the_other_and_is_named(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    words = asked(tmp_path, pipeline_folder, *claimants(tmp_path, 40, 40), *TWO)
    words += ["attacks=[clid_th_null]", "audit.batch_size=1"]
    shards = tmp_path / "claim" / "scores" / "target.shards"
    process = start("audit.py", *words)
    wait_for(lambda: len(list(shards.glob("*.parquet"))) > 6, process)
    listed = ["pgrep", "-P", str(process.pid)]
    (other,) = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(other), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert f"process with PID {other} terminated with code -9. stopped; what was finished" in err
    kept = len(list(shards.glob("*.parquet")))
    done = start("audit.py", *words)
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, out + err
    assert f"{80 - kept} records × " in out
