"""The judging wing: exact rates, intervals that cover, rules that learn from shadow only."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torchmetrics.classification import BinaryAUROC

from lit_clid.errors import UserError
from lit_clid.judging import evidence, metrics
from lit_clid.judging.calibration import best_threshold, calibrate, cross_fitted
from lit_clid.judging.evidence import Figure, auroc, curve, estimate, tnr_at_fnr, tpr_at_fpr
from lit_clid.judging.judge import judge
from lit_clid.judging.report.words import verdict
from lit_clid.judging.rules import RULES, BoostedTrees, RobustMix
from lit_clid.scores import Scores


def normal_scores(
    members: int, holdouts: int, shift: float, seed: int, digits: int = 9
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    member = np.arange(members + holdouts) < members
    return np.round(rng.normal(size=len(member)) + shift * member, digits), member


def naive_tpr_at_fpr(score: np.ndarray, member: np.ndarray, cap: float) -> float:
    thresholds = [np.inf, *np.unique(score)]
    allowed = [t for t in thresholds if np.mean(score[~member] >= t) <= cap + 1e-12]
    return max(float(np.mean(score[member] >= t)) for t in allowed)


@pytest.mark.parametrize("digits", [9, 1, 0])
@pytest.mark.parametrize("seed", range(4))
def test_curve_and_torchmetrics_agree_with_naive_twins(seed: int, digits: int) -> None:
    score, member = normal_scores(60, 90, 0.8, seed, digits)
    measured = metrics.measure(torch.from_numpy(score), torch.from_numpy(member))
    roc = curve(score, member)
    assert auroc(roc) == pytest.approx(roc_auc_score(member, score), abs=1e-12)
    assert measured["auroc"] == pytest.approx(roc_auc_score(member, score), abs=1e-6)
    for cap, name in ((0.1, "0_1"), (0.01, "0_01"), (0.001, "0_001")):
        expected = naive_tpr_at_fpr(score, member, cap)
        assert tpr_at_fpr(cap)(roc) == pytest.approx(expected, abs=1e-12)
        assert measured[f"tpr_at_fpr_{name}"] == pytest.approx(expected, abs=1e-6)
        mirrored = naive_tpr_at_fpr(-score, ~member, cap)
        assert tnr_at_fnr(cap)(roc) == pytest.approx(mirrored, abs=1e-12)
        assert measured[f"tnr_at_fnr_{name}"] == pytest.approx(mirrored, abs=1e-6)


def test_no_hidden_sigmoid() -> None:
    """Scores far from 0 would all become 1 under torchmetrics' default, and the AUROC ½."""
    score, member = normal_scores(200, 200, 1.0, 0)
    far = torch.from_numpy(score + 100.0)
    assert metrics.measure(far, torch.from_numpy(member))["auroc"] == pytest.approx(
        roc_auc_score(member, score), abs=1e-6
    )
    trap = BinaryAUROC(thresholds=None)
    trap.update(far.float(), torch.from_numpy(member).int())
    assert float(trap.compute()) == pytest.approx(0.5, abs=0.01)  # the trap is real


def test_metric_names_have_no_dots() -> None:
    assert not [name for name in metrics.membership_metrics() if "." in name]


def test_a_constant_score_recognises_nobody() -> None:
    member = np.arange(20) < 10
    roc = curve(np.zeros(20), member)
    assert (auroc(roc), tpr_at_fpr(0.1)(roc), tnr_at_fnr(0.1)(roc)) == (0.5, 0, 0)


def test_exact_cap_is_allowed() -> None:
    """One false positive in ten is an FPR of 0.1, which the cap 0.1 admits, in float32 as well."""
    score, member = np.arange(20.0), np.array([False] * 9 + [True] * 10 + [False])
    assert tpr_at_fpr(0.1)(curve(score, member)) == 1
    assert metrics.measure(torch.from_numpy(score), torch.from_numpy(member))["tpr_at_fpr_0_1"] == 1


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        metrics.measure(torch.tensor([0.1, float("nan")]), torch.tensor([True, False]))


def test_replicates_equal_explicit_resampling() -> None:
    score, member = normal_scores(30, 40, 0.5, 1, 1)
    weights = np.concatenate(list(evidence.replicate_weights(member, 50, 0)))
    assert (weights[:, member].sum(1) == 30).all()
    assert (weights[:, ~member].sum(1) == 40).all()
    by_weight = auroc(curve(score, member, weights))
    for w, value in zip(weights.astype(int), by_weight, strict=True):
        rows = np.repeat(np.arange(70), w)
        assert value == pytest.approx(roc_auc_score(member[rows], score[rows]), abs=1e-12)


@pytest.mark.parametrize(
    ("statistic", "truth", "n", "least"),
    [
        (auroc, 0.7602, 150, 0.92),
        (tpr_at_fpr(0.1), 0.3891, 150, 0.91),
        (tpr_at_fpr(0.01), 0.0924, 256, 0.88),
        (evidence.best_accuracy, 0.6915, 150, 0.75),
    ],
    ids=["auroc", "tpr@10%", "tpr@1%", "best accuracy"],
)
def test_intervals_cover(
    statistic: evidence.Statistic,
    truth: float,
    n: int,
    least: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """N(1, 1) against N(0, 1), n + n records, 300 worlds: nominal 95 %, binomial error ±2.5 % (two
    standard errors).

    At FPR 1 % of 256 hold-outs the threshold rests on three records and the bootstrap covers 91–93
    %. The best accuracy is a maximum over noisy thresholds, hence optimistic; its interval is only
    asked to cover most of the time.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    hits = 0
    for seed in range(300):
        score, member = normal_scores(n, n, 1.0, seed)
        figure = estimate({"x": statistic}, score, member)["x"]
        assert figure.low is not None
        assert figure.high is not None
        hits += figure.low <= truth <= figure.high
    assert hits / 300 >= least


def test_a_perfect_score_is_not_certainty() -> None:
    member = np.arange(60) < 30
    figure = estimate({"auroc": auroc}, member.astype(float), member)["auroc"]
    assert figure.low == pytest.approx(0.025 ** (1 / 30))
    assert (figure.value, figure.high) == (1.0, 1.0)


def test_paired_difference_is_sharper_than_unpaired() -> None:
    score, member = normal_scores(200, 200, 1.0, 5)
    rng = np.random.default_rng(0)
    noisy = score + 0.3 * rng.normal(size=len(score))
    pair = evidence.paired_auroc_difference(score, noisy, member)
    alone = estimate({"a": auroc}, score, member)["a"]
    assert pair.low is not None
    assert pair.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert pair.high - pair.low < (alone.high - alone.low) / 2
    assert evidence.paired_auroc_difference(score, score, member) == Figure(0.0, 0.0, 0.0)


def clid_columns(seed: int, gap: float, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """(D_1, D_2, L) whose D tell members by `gap` and whose L tells nothing but is a hundred
    times wider.
    """
    rng = np.random.default_rng(seed)
    member = np.arange(2 * n) < n
    d = rng.normal(size=(2 * n, 2)) * 0.01 + 0.01 * gap * member[:, None]
    return np.column_stack([d, rng.normal(size=2 * n)]), member


def test_robust_mix_is_its_equation() -> None:
    columns, member = clid_columns(0, 1.0)
    rule = RobustMix().fit(columns, member)
    parts = np.stack([columns[:, :2].mean(1), columns[:, 2]], 1)
    q25, q50, q75 = np.percentile(parts, [25, 50, 75], axis=0)
    scaled = (parts - q50) / (q75 - q25)
    np.testing.assert_allclose(
        rule.score(columns), rule.alpha * scaled[:, 0] + (1 - rule.alpha) * scaled[:, 1]
    )
    best = max(
        range(11),
        key=lambda k: roc_auc_score(member, k / 10 * scaled[:, 0] + (1 - k / 10) * scaled[:, 1]),
    )
    assert rule.alpha == best / 10


@pytest.mark.parametrize("name", sorted(RULES))
def test_nothing_of_the_target_enters_the_fit(name: str) -> None:
    """A record's score depends on the record and the shadow: not on its neighbours, not on the
    target's labels.
    """
    shadow = clid_columns(0, 1.0)
    columns, _ = clid_columns(1, 1.0)
    together = calibrate(RULES[name], columns, shadow)
    alone = calibrate(RULES[name], columns[:3], shadow)
    assert together is not None
    assert alone is not None
    np.testing.assert_array_equal(together.score[:3], alone.score)
    assert together.threshold == alone.threshold


def test_without_a_shadow_there_is_no_threshold() -> None:
    columns, _ = clid_columns(1, 1.0)
    assert calibrate(BoostedTrees(), columns, None) is None
    verdict = calibrate(RobustMix(), columns, None)
    assert verdict is not None
    assert (verdict.threshold, "alpha = 0.9" in verdict.rule) == (None, True)


def test_no_shadow_record_is_graded_by_a_fit_that_saw_it() -> None:
    """On pure noise a classifier graded on its training rows looks good; cross-fitted it does
    not.
    """
    columns, member = clid_columns(3, 0.0)
    seen = BoostedTrees().fit(columns, member).score(columns)
    assert roc_auc_score(member, seen) > 0.75
    # 200 + 200 records: standard error of an uninformative AUROC 0.029
    assert abs(roc_auc_score(member, cross_fitted(BoostedTrees(), columns, member)) - 0.5) < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_is_best(seed: int) -> None:
    score, member = normal_scores(30, 30, 0.7, seed, 1)

    def accuracy(threshold: float) -> float:
        return float(np.mean(score[member] >= threshold) + np.mean(score[~member] < threshold)) / 2

    best = max(accuracy(t) for t in [*np.unique(score), np.inf])
    assert accuracy(best_threshold(score, member)) == pytest.approx(best)


def scores_of(columns: np.ndarray, member: np.ndarray, attacks: dict[str, object]) -> Scores:
    names = [f"clid_th_{suffix}" for suffix in ("d1", "d2", "l")]
    signals = dict(zip(names, columns.T, strict=True))
    return Scores(tuple(f"r{k}" for k in range(len(member))), member, signals, {"attacks": attacks})


def test_judgement_end_to_end() -> None:
    columns = ["clid_th_d1", "clid_th_d2", "clid_th_l"]
    attacks: dict[str, object] = {
        "clid_th": {"columns": columns, "rule": "robust_mix", "queries": 9},
        "clid_vec": {"columns": columns, "rule": "boosted_trees"},
        "loss": {"columns": columns[2:], "rule": "first"},
    }
    target, shadow = (scores_of(*clid_columns(seed, 1.0), attacks) for seed in (1, 2))
    judgement = judge(target, shadow)
    assert list(judgement.results) == ["clid_th", "clid_vec", "loss"]
    result = judgement.results["clid_th"]
    # two columns with gap 1 σ each average to a gap of √2 σ: AUROC Φ(1) = 0.841
    assert result.auroc.low is not None
    assert result.auroc.high is not None
    assert result.auroc.low < 0.841 < result.auroc.high
    assert result.asr is not None
    assert result.tpr_at_fpr["0.001"].value is None
    assert "unresolved" in result.tpr_at_fpr["0.001"].note
    assert judgement.headline in ("clid_th", "clid_vec")
    versus = judgement.results["loss"].versus_headline
    assert versus is not None
    assert versus.low is not None
    assert versus.low > 0.1
    assert judge(target, None).unjudged == ("clid_vec",)


def test_the_verdict_says_which_way_the_scores_point() -> None:
    columns, member = clid_columns(0, 2.0)
    ids = tuple(map(str, range(len(member))))
    for sign, gap, words in (
        (1, 2.0, "remembers"),
        (-1, 2.0, "point the wrong way"),
        (1, 0.0, "does not tell"),
    ):
        columns, member = clid_columns(0, gap)
        text = verdict(judge(Scores(ids, member, {"s": sign * columns[:, 0]}), None))
        assert words in text
        assert "There is no shadow" in text


def test_a_shadow_of_other_making_is_refused() -> None:
    columns, member = clid_columns(0, 1.0)
    tables = [
        Scores(
            tuple(map(str, range(len(member)))),
            member,
            {"s": columns[:, 0]},
            {"claims": {"precision": precision}},
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
    assert set(judgement.results) == {"mine", "other"}
    assert judgement.headline == "mine"
