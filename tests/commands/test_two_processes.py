"""Audits of suspects in two processes: one report, and a rerun that asks nothing twice."""

from pathlib import Path

import pytest
from claims import asked, claimants
from runs import start

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
