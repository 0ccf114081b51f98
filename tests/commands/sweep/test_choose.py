"""The sweep: its table is the oracle's answers, its choices are held to other records."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from torch import Tensor
from toys import Toy, toy_records

from lit_clid.auditing.attacks import ATTACKS, PFAMI, PIA, Attack, CLiD, CLiR, Loss, SimA
from lit_clid.auditing.conditions import CAPTION, NULL
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.oracle import ModelOracle, Oracle
from lit_clid.auditing.questions import STILL, Question
from lit_clid.auditing.replay import Replay
from lit_clid.commands.reading import build_attacks, read
from lit_clid.commands.sweep.choose import (
    Losses,
    Swept,
    candidates,
    choose,
    read_losses,
)
from lit_clid.commands.sweep.plan import choose_all, overlay, wishes
from lit_clid.config.reading import config_text
from lit_clid.errors import UserError
from lit_clid.scores import Scores

STEPS = tuple(range(100, 1000, 100))


def losses(best: int, gap: float = 0.5, n: int = 100, seed: int = 0, draws: int = 2) -> Losses:
    """Members have a lower loss under the caption near `best`; the empty caption tells nothing."""
    rng = np.random.default_rng(seed)
    member = np.arange(2 * n) % 2 == 0
    told = gap * np.exp(-(((np.array(STEPS) - best) / 120) ** 2))
    cells = {}
    for t, draw, condition in Grid(STEPS, draws).cells:
        seen = told[STEPS.index(t)] * member * (condition == "caption")
        cells[t, draw, condition] = np.exp(rng.normal(0, 0.3, 2 * n) - seen)
    return Losses(STEPS, draws, cells, member)


KINDS = {
    "loss": Swept(Loss(), "t"),
    "discrepancy": Swept(CLiD("null"), "t"),
    "noisy ratio": Swept(CLiR(), "t"),
    "still ratio": Swept(CLiR(), "still"),
}


def test_scores_are_the_attacks_own_formulas() -> None:
    """On a replay of the table, at the timesteps of one field alone."""
    data, steps = losses(400), (300, 600, 900)
    for row in (0, 7):
        cells = [(t, draw) for t in steps for draw in ("", "1")]
        noisy = [[data.cells[t, d, c][row] for c in ("caption", "empty")] for t, d in cells]
        still = [[data.cells[t, STILL, c][row] for c in ("caption", "empty")] for t in steps]
        expected = {
            "loss": -np.mean([own for own, _ in noisy]),
            "discrepancy": np.mean([empty - own for own, empty in noisy]),
            "noisy ratio": np.mean([np.log(empty / own) for own, empty in noisy]),
            "still ratio": np.mean([np.log(empty / own) for own, empty in still]),
        }
        for name, value in expected.items():
            assert KINDS[name].score(data, (steps, 2))[row] == pytest.approx(value), name
    score = data.cells[400, "", "empty"] - data.cells[400, "", "caption"]
    found = KINDS["discrepancy"].strength(data, ((400,), 1))
    assert found == pytest.approx(roc_auc_score(data.member, score))


def test_any_attack_on_losses_can_be_swept() -> None:
    @dataclass(frozen=True)
    class Halves(Attack):
        swept = {"early": None}  # noqa: RUF012
        early: tuple[int, ...] = (100,)

        @property
        def timesteps(self) -> tuple[tuple[int, ...], ...]:
            return (self.early,)

        def signal(self, oracle: Oracle) -> Tensor:
            return -oracle.errors([Question(t) for t in self.early]).mean(1, keepdim=True)

    chosen = choose(losses(700, gap=1.0, n=200), Swept(Halves(), "early"))
    assert chosen.draws == ((700,), 1)


def test_a_replay_answers_losses_only() -> None:
    replay = Replay(losses(400).cells)
    for attack, message in ((SimA((100,)), "clean latent"), (PIA(100), "clean latent")):
        with pytest.raises(ValueError, match=message):
            attack.signal(replay)
    with pytest.raises(ValueError, match="views of the image"):
        PFAMI((100,)).signal(replay)


def test_candidates_are_equidistant_and_cost_what_was_asked() -> None:
    for count, t, draws in ((1, STEPS, 3), (3, STEPS, 3), (4, STEPS, 2), (6, STEPS[:4], 3)):
        found = candidates(count, t, draws)
        assert found
        assert len(set(found)) == len(found)
        for steps, each in found:
            assert len(steps) * each == count
            assert each <= draws
            assert set(steps) <= set(t)
            assert len(set(np.diff(steps))) <= 1
    assert ((100, 500, 900), 1) in candidates(3, STEPS, 1)
    assert ((900,), 3) in candidates(3, STEPS, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("best", [300, 700])
def test_the_telling_timestep_is_found(kind: str, best: int) -> None:
    data, swept = losses(best, gap=1.0, n=200), KINDS[kind]
    choice = choose(
        data, replace(swept, attack=replace(swept.attack, **swept.changes(((100,), 1))))
    )
    assert choice.draws == ((best,), 1)
    assert not choice.kept
    assert choice.before is not None
    # 200 + 200 records: the standard error of an AUROC is below 0.03
    assert choice.held_out > choice.before + 0.1


def test_a_choice_that_does_not_hold_is_not_made() -> None:
    """Where no timestep tells anything the best candidate is lucky, and luck does not last."""
    swept = Swept(CLiD("null", (400, 500, 600)), "t")
    kept = [choose(losses(400, gap=0.0, n=60, seed=s), swept) for s in range(30)]
    held_out = np.mean([c.held_out for c in kept])
    assert held_out == pytest.approx(0.5, abs=0.03)  # 30 × 60 + 60 records: 0.01
    assert all(c.draws == ((400, 500, 600), 1) for c in kept if c.kept)
    assert sum(c.kept for c in kept) >= 8


def test_the_table_of_a_sweep_is_read_back() -> None:
    records = toy_records(6)
    grid, oracle = Grid((100, 500), 2), ModelOracle(Toy(), records)
    signal = grid.signal(oracle).double().numpy()
    columns = {f"grid_{suffix}": signal[:, k] for k, suffix in enumerate(grid.columns())}
    member = np.arange(6) < 3
    found = read_losses(Scores(records.ids, member, columns), grid)
    for cell, expected in (
        ((500, "", "caption"), oracle.error(500)),
        ((100, "1", "empty"), oracle.error(100, NULL, "1")),
        ((500, STILL, "caption"), oracle.error(500, CAPTION, STILL)),
    ):
        np.testing.assert_allclose(found.cells[cell], expected.double().numpy())


def test_the_choice_becomes_a_config(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    attacks = build_attacks(
        {"loss": None, "clid_th_null": {"draws": 2, "t": [450]}, "clir": None, "sima": {"t": 90}}
    )
    content = overlay(
        attacks, choose_all(wishes(attacks, Grid(STEPS, 2)), losses(700, gap=1.5, n=300))
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
            wishes(build_attacks(wanted), Grid(t, draws))
