"""Where a model wrote the captions, the report says what that costs and what needs none."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tables import tables

from lit_clid.about import About, Captioner, Claims, ModelNote
from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.conditions import CAPTION, Condition
from lit_clid.auditing.ledger import Ledger
from lit_clid.auditing.questions import Question
from lit_clid.commands.reading import read
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report import page, words
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.captions import CAPTION_FREE, OVERLAY, captions_words
from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")
EVIL = "<script>evil</script>"
BY = Captioner(
    model=EVIL, fingerprint="0123456789ab", decoding="greedy", created=None, transformers="5.23"
)


def described(**changes: Any) -> About:
    (target, _), _ = tables(0, 1.5), None
    return replace(target.about, captions_by=BY, **changes)


def judged(about: About) -> Judgement:
    (target, _) = tables(0, 1.5)
    return judge(Scores(**{**vars(target), "about": about}))


def test_power_drops_and_the_alternative_is_named_everywhere() -> None:
    report = Report("r", judged(described()))
    told, note = words.terminal(report), page.report_markdown(report)
    html = page.report_html(report, page.report_figures(report))
    for shown in (told, html, note.replace("\\", "")):
        assert "lose power: CLiD_th fell from an AUROC of 0.96 to 0.83 on MS-COCO" in shown
        assert "sima, pfami, pfami_20 and gsa1 with condition: empty" in shown
    assert EVIL in told and EVIL not in html and EVIL not in note
    content = page.report_json(report)
    assert content["captions"]["written_by"] == BY.as_json()
    assert content["captions"]["trained_on_these"] is False
    schema = json.loads((files("lit_clid.judging.report") / "report.schema.json").read_text())
    assert not list(Draft202012Validator(schema).iter_errors(content))


def test_nothing_is_said_where_the_data_have_captions() -> None:
    report = Report("r", judged(replace(described(), captions_by=None)))
    assert "captions" not in page.report_json(report)
    assert "The captions were written" not in words.terminal(report)


def test_a_model_that_was_trained_on_these_loses_nothing() -> None:
    for name, said in ((EVIL, "attacks lose nothing by it"), ("another", "lose power")):
        note = ModelNote(base=None, val_loss=None, config={"data": {"captions": name}})
        assert said in captions_words(described(training=note))


def test_what_was_asked_without_captions_is_named_instead() -> None:
    attacks = {
        "loss": {"kind": "Loss", "condition": "caption"},
        "loss_empty": {"kind": "Loss", "condition": "empty"},
        "mixed": {"kind": "CLiR", "condition": "empty", "others": ["caption"]},
        "grid": {"kind": "Grid"},
    }
    named = ("seed", "split", "importance", "resolution", "model", "precision", "posterior")
    claims = Claims(**dict.fromkeys(named), attacks=attacks)
    said = captions_words(described(claims=claims))
    assert said.endswith("Asked without captions here: loss_empty.")


class Conditions(Ledger):
    """Keeps under which conditions it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.met: set[Condition] = set()

    def errors(self, questions: Any) -> Any:
        self.met |= {each.condition for each in questions if isinstance(each, Question)}
        return super().errors(questions)

    def clean(self, t: int, condition: Condition = CAPTION) -> Any:
        self.met.add(condition)
        return super().clean(t, condition)

    def eps(self, z: Any, t: int, condition: Condition = CAPTION) -> Any:
        self.met.add(condition)
        return super().eps(z, t, condition)

    def gradient_norms(self, t: Any, condition: Condition, backward: int) -> Any:
        self.met.add(condition)
        return super().gradient_norms(t, condition, backward)


def test_the_attacks_that_are_called_caption_free_are_so() -> None:
    overlay = read(["configs/demo.yaml", OVERLAY]).attacks
    asked = {name: replace(ATTACKS[name], condition="empty") for name in CAPTION_FREE}
    assert {name.removesuffix("_empty") for name in overlay} <= set(CAPTION_FREE)
    assert Path(OVERLAY).is_file()
    for attack in (*asked.values(), *overlay.values()):
        ledger = Conditions()
        attack.signal(ledger)
        assert ledger.met and CAPTION not in ledger.met
