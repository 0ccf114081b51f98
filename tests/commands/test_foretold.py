"""The plan of an audit is told before it begins, and only what nobody has asked yet."""

import re
from pathlib import Path

import pytest
from runs import Run

from lit_clid.commands import foretold
from lit_clid.console import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 second"),
        (40.0, "40 seconds"),
        (89.0, "89 seconds"),
        (91.0, "2 minutes"),
        (150.0, "2 minutes"),
        (5399.0, "90 minutes"),
        (5400.0, "2 hours"),
        (86400.0, "24 hours"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_the_plan_comes_first_and_shrinks(
    pipeline_folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretold, "FEW", 0)
    words = [f"runs={tmp_path}", "name=planned", "data.members=8", "data.nonmembers=8"]
    words += [f"audit.target={pipeline_folder}", "audit.swapped=0", "data.resolution=64"]
    words += ["trainer.accelerator=cpu", "audit.reference=null", "data.shadow=redrawn"]
    code, printed = run("audit", *words, "attacks=[loss,monte_carlo]")
    assert code == 0, printed
    (line,) = re.findall("^plan: .*", printed, re.MULTILINE)
    assert re.fullmatch(
        r"plan: one phase, 48 queries, about \d+ \w+ with encoding and controls aside "
        r"\(target 48\)",
        line,
    )
    assert printed.index("plan: ") < printed.index("target ")
    code, printed = run("audit", *words, "attacks=[loss,monte_carlo]")
    assert code == 0 and "plan: everything was asked before" in printed
