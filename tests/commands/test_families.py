"""Families of every kind as a user runs them: trained as target and shadow, audited, judged."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import zoo
from pipelines import make_sd3, make_sdxl
from runs import SMALL, Run

from lit_clid.files import read_json
from lit_clid.scores import Scores

KINDS = ("flux dev", "flux2 klein", "qwen-image", "z-image", "pixart sigma", "sana", "deepfloyd if")
"""One for each kind of latents, texts and schedules; `models/families` has the rest."""
MAKERS: dict[str, Callable[[Path], Path]] = {
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: partial(zoo.make, name) for name in KINDS},
}
PIXELS = {"deepfloyd if": 32}
"""Sides of images that are no latents."""
ASKED_BY = {"sdxl": None, "flux dev": "signal-to-noise ratio"}
"""One whose table is the ruler, and one whose is not."""
ATTACKS = "attacks=[loss,clid_th_null,gsa1]"


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_a_family_is_trained_audited_and_judged(name: str, tmp_path: Path, run: Run) -> None:
    base = MAKERS[name](tmp_path / "base")
    folder = tmp_path / "tuned"
    words = [*SMALL, f"runs={tmp_path}", "name=tuned", f"target.path={base}", ATTACKS]
    words += [
        f"data.resolution={PIXELS.get(name, 64)}",
        "finetune.train=lora",
        "audit.posterior=sample",
    ]
    words += ["finetune.samples=0"]
    for more in ([], ["role=shadow"]):
        code, printed = run("train", *words, *more)
        assert code == 0, printed
    code, printed = run("audit", *words)
    assert code == 0, printed
    tables = [Scores.load(folder / "scores" / f"{role}.parquet") for role in ("target", "shadow")]
    assert tables[0].signals.keys() == tables[1].signals.keys()
    assert read_json(folder / "scores" / "reference.json")["claims"]["model"]
    assert tables[0].about.claims is not None
    if name in ASKED_BY:
        assert tables[0].about.claims.asked_by == ASKED_BY[name]
    report = read_json(folder / "report.json")
    assert {"clid_th_null", "gsa1", "loss_ref"} <= set(report["attacks"])
    code, printed = run(
        "audit", *words, "audit.precision=bf16", f"audit.target={folder / 'target'}"
    )
    assert code == 2 and "precision is" in printed
