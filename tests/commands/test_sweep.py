"""A sweep as a user runs it."""

import json
from pathlib import Path

from runs import SMALL, Run


def test_a_sweep_asks_the_shadow_and_writes_a_config(
    trained: Path, audited: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", "name=small", f"target.path={pipeline_folder}", *SMALL]
    words += [f"audit.{role}={audited / role}" for role in ("target", "shadow")]
    code, printed = run(
        "sweep",
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
    command = next(line for line in printed.splitlines() if line.startswith("next: lit-clid audit"))
    code, printed = run(
        "audit",
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
