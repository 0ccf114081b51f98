"""The judgement: which tables belong together, and what a reference's answers change."""

from dataclasses import replace

import numpy as np
import pytest
from tables import ATTACK, clid_columns, scores_of, tables, told

from lit_clid.about import About
from lit_clid.errors import UserError
from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.judge import judge
from lit_clid.scores import Scores


def test_judgement_end_to_end() -> None:
    columns = ["clid_th_d1", "clid_th_d2", "clid_th_l"]
    attacks: dict[str, object] = {
        "clid_th": {"columns": columns, "rule": "robust_mix", "queries": 9},
        "clid_vec": {"columns": columns, "rule": "boosted_trees"},
        "loss": {"columns": columns[2:], "rule": "first"},
    }
    target, shadow = (scores_of(*clid_columns(seed, 1.0), attacks) for seed in (1, 2))
    judgement = judge(target, shadow)
    assert list(judgement.grades) == ["clid_th", "clid_vec", "loss", "stacked"]
    found = judgement.grades["clid_th"]
    # two columns with gap 1 σ each average to a gap of √2 σ: AUROC Φ(1) = 0.841
    assert found.auroc.low < 0.841 < found.auroc.high
    assert isinstance(found.asr, Estimate)
    rare = found.tpr_at_fpr["0.001"]
    assert isinstance(rare, Unresolved)
    assert rare.reason == "unresolved: 200 records cannot show a rate of 0.001"
    assert judgement.headline in ("clid_th", "clid_vec")
    versus = judgement.grades["loss"].versus_headline
    assert isinstance(versus, Estimate)
    assert versus.low > 0.1
    itself = judgement.grades[judgement.headline]
    assert isinstance(itself.versus_headline, Unresolved)
    assert itself.as_json()["auroc_of_headline_minus_this"] is None
    assert judge(target, None).unjudged == ("clid_vec",)


def test_a_shadow_of_other_making_is_refused() -> None:
    columns, member = clid_columns(0, 1.0)
    tables = [
        Scores(
            tuple(map(str, range(len(member)))),
            member,
            {"s": columns[:, 0]},
            told(claims={"precision": precision}),
        )
        for precision in ("32", "bf16")
    ]
    with pytest.raises(UserError, match="precision is '32' now and was 'bf16'"):
        judge(*tables)


def test_a_table_without_provenance_is_judged_by_column() -> None:
    columns, member = clid_columns(0, 1.0)
    bare = Scores(
        tuple(map(str, range(len(member)))), member, {"mine": columns[:, 0], "other": columns[:, 2]}
    )
    judgement = judge(bare, None)
    assert set(judgement.grades) == {"mine", "other"}
    assert judgement.headline == "mine"


def test_the_difference_takes_the_difficulty_away() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.5), tables(1, 1.5)
    grades = judge(target, shadow, reference, beside).grades
    assert set(grades) == {"loss", "loss_ref"}
    assert grades["loss_ref"].queries == 2
    assert grades["loss_ref"].title == "Loss − β · reference"
    assert grades["loss_ref"].as_json()["reference_weights"]["loss"] == pytest.approx(0.9, abs=0.1)
    # a shift of 1.5 against a spread of √10 is an AUROC of Φ(0.34) = 0.63; against √1.9, what
    # β = 0.9 leaves, it is Φ(0.77) = 0.78
    for name, expected in (("loss", 0.63), ("loss_ref", 0.78)):
        figure = grades[name].auroc
        assert figure.low < expected < figure.high
    alone = judge(target, None, reference).grades["loss_ref"]
    assert alone.title == "Loss − reference"
    subtracted = target.signals["loss"] - reference.signals["loss"]
    np.testing.assert_allclose(alone.verdict.score, subtracted, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_a_reference_that_learnt_nothing_finds_nothing(seed: int) -> None:
    (target, reference), (shadow, beside) = tables(seed, 0.0), tables(seed + 1, 0.0)
    figure = judge(target, shadow, reference, beside).grades["loss_ref"].auroc
    assert figure.value == pytest.approx(0.5, abs=3 * 0.029)  # of Mann–Whitney at 200 + 200


def test_tables_that_do_not_belong_together_are_refused() -> None:
    (target, reference), (other, _) = tables(0, 1.0), tables(1, 1.0)
    with pytest.raises(UserError, match="speaks of other records"):
        judge(target, None, other)
    claims = {
        "seed": 0,
        "resolution": 64,
        "precision": "32",
        "posterior": "mean",
        "attacks": {"loss": {"t": [450]}},
    }
    made = [
        replace(table, about=told(attacks=ATTACK, claims=claims | changed))
        for table, changed in ((target, {}), (reference, {"attacks": {"loss": {"t": [300]}}}))
    ]
    with pytest.raises(UserError, match=r"attacks\.loss is .*450.* now and was .*300"):
        judge(made[0], None, made[1])


def test_tables_that_cannot_be_traced_are_refused() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.0), tables(1, 1.0)
    with pytest.raises(UserError, match="names no attack"):
        judge(target, None, replace(reference, about=About()))
    with pytest.raises(UserError, match="speaks of other records"):
        judge(target, None, replace(reference, member=~reference.member))
    models = [told(attacks=ATTACK, claims={"model": name}) for name in ("a", "b")]
    with pytest.raises(UserError, match="model is 'a' now and was 'b'"):
        judge(
            target,
            shadow,
            *(replace(t, about=a) for t, a in zip((reference, beside), models, strict=True)),
        )


def test_columns_without_provenance_are_subtracted_by_name() -> None:
    target, reference = (replace(table, about=About()) for table in tables(0, 1.0))
    assert set(judge(target, None, reference).grades) == {"loss", "loss_ref"}
