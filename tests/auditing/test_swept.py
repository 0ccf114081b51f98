"""What a sweep asks: its table is the oracle's answers, its scores are the attacks' own."""

import numpy as np
import pytest
from sweeps import KINDS, losses
from toys import Toy, toy_records

from lit_clid.auditing.attacks import ATTACKS, CLiR, Loss
from lit_clid.auditing.conditions import CAPTION, NULL
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import STILL
from lit_clid.auditing.swept import Swept, read_losses
from lit_clid.scores import Scores


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


def test_equal_plain_ones_have_equal_scores() -> None:
    """Whatever texts CLiD asks about; another t, another number of draws or class is another."""
    variants = [Swept(attack, "t") for name, attack in ATTACKS.items() if "clid" in name]
    assert len(variants) == 8
    assert len({swept.plain for swept in variants}) == 1
    first, *others = [swept.score(losses(400), ((300, 500, 700), 2)) for swept in variants]
    for other in others:
        np.testing.assert_array_equal(other, first)
    told = [Loss(), Loss((460,)), Loss(draws=2), CLiR(t=(450,))]
    assert len({Swept(attack, "t").plain for attack in told}) == len(told)
    clir = [CLiR(), CLiR(t=()), CLiR(draws=3), CLiR(others=("empty",))]
    assert len({Swept(attack, "still").plain for attack in clir}) == 1
