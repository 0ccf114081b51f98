"""`card.md`: what was measured, under the headings of those who file it, and no record in it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tables import tables

from lit_clid.about import Facts, ModelNote
from lit_clid.judging.judge import judge
from lit_clid.judging.report.card import MEANS, NOTICE, card_markdown
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.opening import known
from lit_clid.judging.report.sections.outcome import outcome
from lit_clid.scores import Scores


def card(shift: float, title: str = "own") -> str:
    (target, _), (shadow, _) = tables(0, shift, 60), tables(1, shift, 60)
    return card_markdown(Report(title, judge(target, shadow)))


def test_headings_are_those_of_the_assessment_and_the_documentation() -> None:
    text = card(1.5)
    headings = re.findall(r"^## (\d)\. .*$", text, re.MULTILINE)
    assert headings == list("12345678")
    for law in ("Art. 35(7)(a)", "Art. 35(7)(c)", "Art. 35(7)(d)", "Annex IV(2)(g)", "Annex IV(5)"):
        assert law in text
    assert f"> {NOTICE}" in text and text.count("to be added by the controller") >= 2


@pytest.mark.parametrize(("shift", "word"), [(3.0, "REMEMBERS"), (0.0, "NOT SHOWN")])
def test_the_risk_is_that_of_the_outcome(shift: float, word: str) -> None:
    text = card(shift)
    assert f"**{word}.**" in text and MEANS[word] in text
    others = {said for other, said in MEANS.items() if said != MEANS[word]}
    assert not [said for said in others if said in text]


def test_no_record_is_named_and_nothing_is_read_as_markup() -> None:
    (target, _), (shadow, _) = tables(0, 1.5, 60), tables(1, 1.5, 60)
    aside = replace(target.about, model="<img src=x>|[a](b)", skipped=("secret-7.png: broken",))
    text = card_markdown(Report("# <b>", judge(replace(target, about=aside), shadow)))
    assert not [name for name in target.ids if re.search(rf"\b{re.escape(name)}\b", text)]
    assert "secret-7" not in text and "Records left out: 1" in text
    assert "<img" not in text and "<b>" not in text and "[a](b)" not in text


def test_a_defense_that_was_switched_off_is_none() -> None:
    target, _ = tables(0, 1.5, 60)
    told: dict[str, object] = {"flip": False, "random_resized_crop": {"scale": 0.8}}
    note = ModelNote(facts=Facts(), base="base", val_loss=None, config={"defenses": told})
    trained = replace(target, about=replace(target.about, training=note))
    text = card_markdown(Report("own", judge(trained)))
    assert "Defenses while training: random\\_resized\\_crop" in text and "flip" not in text


def test_where_suspects_and_hold_outs_come_from_is_told() -> None:
    target, _ = tables(0, 1.5, 60)
    data = {"source": "imagefolder", "path": "/own", "suspects": "owner/claimed"}
    data |= {"nonmember_source": None, "nonmember_path": "/others"}
    told = replace(target, about=replace(target.about, config={"data": data}))
    assert known(judge(told))["data"] == (
        "imagefolder /own; hold-outs of /others; suspects of owner/claimed"
    )


def test_suspects_have_an_outcome_of_their_own() -> None:
    dice = np.random.default_rng(0)
    kind = np.arange(200) < 80
    scores = Scores(
        [f"r{k}" for k in range(200)], kind, {"s": dice.normal(size=200) + 2 * kind}, claim=True
    )
    found = judge(scores)
    text = card_markdown(Report("claim", found))
    assert outcome(found).word == "SHOWN" and MEANS["SHOWN"] in text
    assert "Number of suspects: 80" in text and "Nothing is known of how the model" in text


def test_every_outcome_means_something(tmp_path: Path) -> None:
    source = Path(outcome.__code__.co_filename).read_text()
    words = set(re.findall(r'Outcome\("([A-Z ]+)"', source))
    assert words == set(MEANS)
