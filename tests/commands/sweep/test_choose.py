"""The sweep: its table is the oracle's answers, its choices follow the shadow's AUROC and are
held to other records.
"""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from toys import Toy, toy_records

from lit_clid.auditing.attacks import ATTACKS, CLiD, CLiR, Loss
from lit_clid.auditing.conditions import CAPTION, NULL
from lit_clid.auditing.oracle import STILL, Oracle
from lit_clid.commands.reading import build_attacks, read
from lit_clid.commands.sweep import Grid, Losses, choose, read_losses
from lit_clid.commands.sweep.choose import SCORES, candidates, strength
from lit_clid.commands.sweep.plan import choose_all, overlay, wishes
from lit_clid.config.reading import config_text
from lit_clid.errors import UserError
from lit_clid.scores import Scores

STEPS = tuple(range(100, 1000, 100))


def losses(best: int, gap: float = 0.5, n: int = 100, seed: int = 0, draws: int = 2) -> Losses:
    """Members have a lower loss under the caption around the timestep `best`; the empty caption
    tells nothing.
    """
    rng = np.random.default_rng(seed)
    member = np.arange(2 * n) % 2 == 0
    told = gap * np.exp(-(((np.array(STEPS) - best) / 120) ** 2))
    noisy = np.exp(rng.normal(0, 0.3, (2 * n, len(STEPS), draws, 2)))
    still = np.exp(rng.normal(0, 0.3, (2 * n, len(STEPS), 2)))
    noisy[..., 0] *= np.exp(-told * member[:, None])[..., None]
    still[..., 0] *= np.exp(-told * member[:, None])
    return Losses(STEPS, noisy, still, member)


def test_scores_are_their_formulas() -> None:
    data = losses(400)
    for row in (0, 7):
        noisy, still = data.noisy[row], data.still[row]
        cells = [noisy[k, d] for k in (2, 5, 8) for d in (0, 1)]
        expected = {
            "loss": -np.mean([c[0] for c in cells]),
            "discrepancy": np.mean([c[1] - c[0] for c in cells]),
            "noisy ratio": np.mean([np.log(c[1] / c[0]) for c in cells]),
            "still ratio": np.mean([np.log(still[k, 1] / still[k, 0]) for k in (2, 5, 8)]),
        }
        for name, value in expected.items():
            assert SCORES[name](data, (2, 5, 8), 2)[row] == pytest.approx(value), name
    score = data.noisy[:, 3, 0, 1] - data.noisy[:, 3, 0, 0]
    assert strength(data, "discrepancy", (3,), 1) == pytest.approx(
        roc_auc_score(data.member, score)
    )


def test_candidates_are_equidistant_and_cost_what_was_asked() -> None:
    for count, steps, draws in ((1, 9, 3), (3, 9, 3), (4, 9, 2), (6, 4, 3)):
        found = candidates(count, steps, draws)
        assert found
        assert len(set(found)) == len(found)
        for places, each in found:
            assert len(places) * each == count
            assert each <= draws
            assert 0 <= min(places) <= max(places) < steps
            assert len(set(np.diff(places))) <= 1
    assert ((0, 4, 8), 1) in candidates(3, 9, 1)
    assert ((8,), 3) in candidates(3, 9, 3)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("best", [300, 700])
def test_the_telling_timestep_is_found(score: str, best: int) -> None:
    data = losses(best, gap=1.0, n=200)
    choice = choose(data, score, ((100,), 1), 2)
    assert choice.draws == ((best,), 1)
    assert not choice.kept
    assert choice.before is not None
    # 200 + 200 records: the standard error of an AUROC is below 0.03
    assert choice.held_out > choice.before + 0.1


def test_a_choice_that_does_not_hold_is_not_made() -> None:
    """Where no timestep tells anything the best candidate is the luckiest, and its luck does not
    last.
    """
    kept = [
        choose(losses(400, gap=0.0, n=60, seed=s), "discrepancy", ((400, 500, 600), 1), 2)
        for s in range(30)
    ]
    assert np.mean([c.held_out for c in kept]) == pytest.approx(
        0.5, abs=0.03
    )  # 30 × 60 + 60 records: 0.01
    assert all(c.draws == ((400, 500, 600), 1) for c in kept if c.kept)
    assert sum(c.kept for c in kept) >= 8


def test_the_table_of_a_sweep_is_read_back() -> None:
    target, records = Toy(), toy_records(6)
    grid, oracle = Grid((100, 500), 2), Oracle(Toy(), records)
    signal = grid.signal(oracle).double().numpy()
    columns = {f"grid_{suffix}": signal[:, k] for k, suffix in enumerate(grid.columns(target))}
    member = np.arange(6) < 3
    found = read_losses(Scores(records.ids, member, columns), grid.t, grid.draws)
    assert (found.noisy.shape, found.still.shape) == ((6, 2, 2, 2), (6, 2, 2))
    for value, expected in (
        (found.noisy[:, 1, 0, 0], oracle.error(500)),
        (found.noisy[:, 0, 1, 1], oracle.error(100, NULL, "1")),
        (found.still[:, 1, 0], oracle.error(500, CAPTION, STILL)),
    ):
        np.testing.assert_allclose(value, expected.double().numpy())


def test_the_choice_becomes_a_config(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    attacks = build_attacks(
        {"loss": None, "clid_th_null": {"draws": 2, "t": [450]}, "clir": None, "sima": {"t": 90}}
    )
    content = overlay(
        attacks, choose_all(wishes(attacks, STEPS, 2), losses(700, gap=1.5, n=300), 2)
    )
    (folder / "attacks.yaml").write_text(config_text(content))
    (folder / "base.yaml").write_text("name: x\n")
    again = read([str(folder / "base.yaml"), str(folder / "attacks.yaml")]).attacks
    assert list(again) == list(attacks)
    assert again["sima"] == attacks["sima"]
    loss, clid, clir = again["loss"], again["clid_th_null"], again["clir"]
    assert isinstance(loss, Loss)
    assert isinstance(clid, CLiD)
    assert isinstance(clir, CLiR)
    assert loss.t == (700,)
    assert len(clid.t) * clid.draws == 2
    assert all(abs(t - 700) <= 200 for t in clid.t + clir.t + clir.still)
    assert overlay(ATTACKS, {}) == {"attacks": dict.fromkeys(ATTACKS)}


def test_what_cannot_be_swept_is_said_before_any_query() -> None:
    for wanted, t, draws, message in (
        ({"sima": None}, (300,), 1, "none has timesteps to choose"),
        ({"loss": {"condition": "empty"}}, (300,), 1, "none has timesteps to choose"),
        (
            {"monte_carlo": None},
            (300, 450),
            1,
            r"attacks\.monte_carlo\.t: 3 draws do not fit on 2 timesteps with 1",
        ),
    ):
        with pytest.raises(UserError, match=message):
            wishes(build_attacks(wanted), t, draws)
