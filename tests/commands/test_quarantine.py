"""A record about which a model answers NaN: put aside and told, the rest judged without it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from faults import words_of
from runs import Run
from torch import Tensor

from lit_clid.auditing.attacks import Loss
from lit_clid.auditing.oracle import ModelOracle, Oracle
from lit_clid.scores import Scores

Break = Callable[[str, str], None]
PLAIN = ("attacks=[loss,clid_th_null]", "audit.batch_size=4", "audit.swapped=8")


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Has a model of a fingerprint answer NaN about a record, and counts the questions."""
    signal = Loss.signal
    broken: set[tuple[str, str]] = set()

    def answer(self: Loss, oracle: Oracle) -> Tensor:
        found = signal(self, oracle)
        if not isinstance(oracle, ModelOracle):  # it is counted what is asked
            return found
        rows = [(oracle.target.source.rsplit("/", 1)[-1], name) for name in oracle.batch.ids]
        bad = torch.tensor([row in broken for row in rows])
        return found.masked_fill(bad[:, None], float("nan"))

    monkeypatch.setattr(Loss, "signal", answer)
    return lambda model, record: broken.add((model, record))


def reports(folder: Path) -> tuple[dict[str, object], str, str]:
    """report.json, and the texts of report.md and report.html."""
    run = folder / "small"
    told = json.loads((run / "report.json").read_text())
    return told, (run / "report.md").read_text(), (run / "report.html").read_text()


@pytest.mark.parametrize("model", ["target", "tiny"], ids=["target", "reference"])
def test_one_record_is_told_and_the_rest_is_judged(
    model: str, pipeline_folder: Path, trained: Path, tmp_path: Path, run: Run, breaks: Break
) -> None:
    own = [f"audit.{role}={trained / 'small' / role}" for role in ("target", "shadow")]
    command, *words = words_of("audit", pipeline_folder, f"runs={tmp_path}", *PLAIN, *own)
    assert run(command, *words)[0] == 0
    scores = tmp_path / "small" / "scores"
    whole = Scores.load(scores / "target.parquet")
    lost = whole.ids[int(np.flatnonzero(whole.member)[0])]
    words = [f"runs={tmp_path / 'again'}", *(w for w in words if not w.startswith("runs="))]
    breaks(model, lost)
    code, printed = run(command, *words)
    assert code == 0, printed
    table = "target" if model == "target" else "reference"
    assert f"1 of 24 records (1 of 12 members, 0 of 12 hold-outs): {lost} (loss)" in printed
    assert "different rates" in printed and f"{lost} (loss)" in printed
    told, markdown, page = reports(tmp_path / "again")
    record = {"table": table, "id": lost, "kind": "member", "columns": ["loss"]}
    assert told["quarantined"]["records"][0] == record
    assert told["quarantined"]["counts"][table] == {"members": 1}
    assert told["records"]["members"] == 11 and told["records"]["nonmembers"] == 12
    assert "Records put aside" in page and lost in page and "NaN or infinity" in markdown
    found = Scores.load(tmp_path / "again" / "small" / "scores" / f"{table}.parquet")
    before = Scores.load(scores / f"{table}.parquet")
    kept = [name != lost for name in before.ids]
    assert found.ids == tuple(name for name in before.ids if name != lost)
    for column, values in before.signals.items():
        assert np.array_equal(found.signals[column], values[kept])
    code, printed = run(command, *words)
    assert code == 0 and "already audited" in printed and f"{lost} (loss)" in printed
    assert " queries = " not in printed
    assert run("verify", str(tmp_path / "again" / "small"))[0] == 0


@pytest.mark.slow
def test_many_are_refused_and_not_asked_again(
    pipeline_folder: Path, tmp_path: Path, run: Run, breaks: Break
) -> None:
    path = tmp_path / "small" / "scores"
    command, *words = words_of(
        "audit", pipeline_folder, f"runs={tmp_path}", f"audit.target={pipeline_folder}", *PLAIN
    )
    assert run(command, *words, "audit.reference=null")[0] == 0
    ids = Scores.load(path / "target.parquet").ids
    for name in ids[:4]:
        breaks("tiny", name)
    words.append("name=many")
    for _ in range(2):
        code, printed = run(command, *words, "audit.reference=null")
        assert code == 2 and "the model answers NaN or infinity about " in printed
        assert "more than 5% of a kind are not left out" in printed.splitlines()[-1]
