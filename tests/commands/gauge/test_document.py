"""The example of docs/gauge.md runs as it stands, but for its number of steps."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from gauged import records
from runs import ROOT
from torch.utils.data import TensorDataset

PAGE = (ROOT / "docs" / "gauge.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Found .* in eval mode", "ignore:The number of training batches")
@pytest.mark.filterwarnings("ignore:Starting from v1.9.0, `tensorboardX`")
def test_the_example_runs(
    pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    short = code.replace("max_steps=1000", "max_steps=2, accelerator='cpu'")
    monkeypatch.chdir(tmp_path)
    members, holdouts = records(4)
    tokens = torch.zeros(8, 77, dtype=torch.int64)
    names: dict[str, Any] = {
        "base": pipeline_folder,
        "members": members,
        "holdouts": holdouts,
        "batches": TensorDataset(torch.randn(8, 3, 64, 64), tokens),
        "__name__": "example",
    }
    exec(compile(short, "gauge.md", "exec"), names)
    assert [each.step for each in names["gauge"].readings] == [0, 2]
    assert len(list(tmp_path.rglob("gauge.csv"))) == len(list(tmp_path.rglob("gauge.svg"))) == 1
