"""Families: every attack is in one, once, and the one that speaks for it was chosen as is said."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsed import Page
from tables import told

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report import page
from lit_clid.judging.report.families import FAMILIES, MOST, OTHERS, families, family_of
from lit_clid.judging.report.section import Report
from lit_clid.scores import Scores


def judged(names: Sequence[str], shadow: bool = False, holdouts: int = 30) -> Judgement:
    """Attacks by these names, each weaker than the one before."""

    def table(seed: int) -> Scores:
        dice, member = np.random.default_rng(seed), np.arange(30 + holdouts) < 30
        signals = {}
        for k, name in enumerate(names):
            signals[name] = dice.normal(size=len(member)) + member * 2 / (k + 1)
        return Scores(tuple(f"{seed}-{n:03d}" for n in range(len(member))), member, signals)

    return judge(table(0), table(1) if shadow else None)


def shown(judgement: Judgement) -> Page:
    report = Report("r", judgement)
    return Page(page.report_html(report, page.report_figures(report)))


def test_every_attack_of_the_project_has_a_family() -> None:
    for name, attack in ATTACKS.items():
        assert family_of(name) == family_of("given", type(attack).__name__) != "", name


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [
        ("clid_th_null", "", "CLiD"),
        ("clir_5", "", "CLiR"),
        ("gsa2", "", "GSA"),
        ("pian", "", "PIA and PIAN"),
        ("pianola", "", ""),
        ("closs", "", ""),
        ("mine", "SecMI", "SecMI"),
        ("loss", "PFAMI", "PFAMI"),
    ],
)
def test_the_kind_tells_more_than_the_name(name: str, kind: str, title: str) -> None:
    assert family_of(name, kind) == title


NAMES = st.sampled_from(["loss", "pia", "pian_ref", "clid_th", "clir_5", "gsa1", "mine", "a|b<i>"])


@given(st.sets(NAMES | st.text("xyz", min_size=1, max_size=3), min_size=1, max_size=14))
def test_every_attack_is_in_one_family(names: set[str]) -> None:
    grade = judged(["loss"]).grades["loss"]
    some = replace(judged(["loss"]), grades=dict.fromkeys(sorted(names), grade), headline="none")
    found = families(some)
    assert Counter(name for family in found for name in family.names) == Counter(names)
    unknown = [family for family in found if family.title not in FAMILIES]
    assert len(unknown) <= MOST


def test_every_attack_is_on_the_page_once() -> None:
    names = ["loss", "monte_carlo", "clid_th", "clid_th_null", "sima", "<b>mine</b>", "a|b"]
    for shadow in (False, True):
        judgement = judged(names, shadow)
        assert Counter(shown(judgement).attributes("data-attack")) == Counter([*judgement.grades])


def test_many_unknown_columns_are_one_family() -> None:
    few, many = (families(judged([f"c{k}" for k in range(n)])) for n in (MOST, MOST + 1))
    assert {family.title for family in few} == {f"c{k}" for k in range(MOST)}
    assert [family.title for family in many] == [OTHERS]
    assert len(many[0].names) == MOST + 1


def test_who_speaks_for_a_family_is_said() -> None:
    judgement = judged(["clid_th", "loss", "monte_carlo"], shadow=True)
    ours, other = (each for each in families(judgement) if each.title != "All attacks stacked")
    assert (ours.speaker, ours.chosen) == ("clid_th", "shadow")
    speaks = next(each for each in families(judgement) if each.chosen == "headline")
    assert speaks.speaker == judgement.headline == "stacked"
    on_shadow = {name: judgement.grades[name].shadow_auroc or 0.0 for name in other.names}
    assert (other.speaker, other.chosen) == (max(on_shadow, key=on_shadow.__getitem__), "shadow")
    assert "strongest on the shadow" in shown(judgement).shown
    alone = judged(["clid_th", "loss", "monte_carlo"])
    assert families(alone)[1].chosen == "largest"
    assert "largest here" in shown(alone).shown


@pytest.mark.parametrize(("holdouts", "caps"), [(9, 3), (30, 2), (250, 1), (2000, 0)])
def test_a_cap_that_nobody_can_show_is_said_once(holdouts: int, caps: int) -> None:
    """Its column is left out of every family's table."""
    seen = shown(judged(["loss", "pia", "mine"], holdouts=holdouts))
    assert seen.shown.count("unresolved") == (caps > 0)
    labels = Counter(seen.attributes("data-label"))
    kept = [cap for cap in ("10%", "1%", "0.1%") if labels[f"TPR@{cap}FPR"] == 3]
    assert len(kept) == 3 - caps and sum("TPR@" in str(each) for each in labels) == 3 - caps


def test_the_kind_in_the_table_s_claims_is_taken() -> None:
    judgement = judged(["own", "other"])
    about = told(claims={"attacks": {"own": {"kind": "SimA"}}})
    known = replace(judgement, target=replace(judgement.target, about=about))
    assert [family.title for family in families(known)] == ["SimA", "other"]
