"""report.json is what its schema says."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from tables import tables

from lit_clid.about import About
from lit_clid.judging.controls.control import Control
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import VERSION, Report
from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")
SCHEMA = json.loads((files("lit_clid.judging.report") / "report.schema.json").read_text("utf-8"))
CONTROL = Control("blind", "a title", "notice", "words", "members", {"auroc": 0.5})


def errors(content: dict[str, Any]) -> list[str]:
    found = Draft202012Validator(SCHEMA).iter_errors(content)
    return [f"{each.json_path}: {each.message}" for each in found]


def test_the_schema_is_one_and_has_the_reports_version() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["else"]["properties"]["version"]["const"] == VERSION


def suspects(members: int) -> Scores:
    dice = np.random.default_rng(0)
    told = [None] * 30 + [False] * 60 + [True] * members
    signals = {"loss": dice.normal(size=len(told)) + np.array([k is not False for k in told])}
    names = [f"r{k:03d}" for k in range(len(told))]
    groups = {name: "A" if k < 29 else "B" for k, name in enumerate(names[:30])}
    table = Scores.of_told(names, told, signals, About(), "t")
    return Scores(**{**vars(table), "groups": groups})


@pytest.mark.parametrize("kind", ["members", "shadow", "reference", "claim", "mixed"])
def test_every_kind_of_report_keeps_to_it(kind: str, tmp_path: Path) -> None:
    target, base = tables(0, 1.5, 40)
    shadow, other = tables(1, 1.5, 40)
    judgement = {
        "members": lambda: judge(target),
        "shadow": lambda: judge(target, shadow),
        "reference": lambda: judge(target, shadow, base, other),
        "claim": lambda: judge(suspects(0)),
        "mixed": lambda: judge(suspects(20)),
    }[kind]()
    report = Report("r", judgement)
    write_report(report, tmp_path)
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert errors(content) == []
    assert errors({**content, "controls": {"blind": [CONTROL.as_json()]}}) == []
    assert any("mine" in line for line in errors({**content, "mine": 1}))
    del content["attacks"]
    assert any("'attacks' is a required property" in line for line in errors(content))
