"""The plan of a sweep: what is refused before any query, what is asked once, what is written."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from sweeps import KINDS, STEPS, losses
from torch import Tensor

from lit_clid.auditing.attacks import ATTACKS, Attack, CLiD, CLiR, Loss
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import Question
from lit_clid.auditing.swept import Draws, Losses, Swept
from lit_clid.commands.reading import build_attacks, read
from lit_clid.commands.sweep.plan import choice_of, choose_all, overlay, wishes
from lit_clid.config.reading import config_text
from lit_clid.errors import UserError
from lit_clid.judging.choice import candidates


@dataclass(frozen=True)
class Curious(Attack):
    """Asks for more than losses at the timesteps a sweep gives it."""

    swept = {"t": None}  # noqa: RUF012
    t: tuple[int, ...] = (100,)
    wants: str = "eps"

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def signal(self, oracle: Oracle) -> Tensor:
        if self.wants == "eps":
            return oracle.eps(oracle.noise(self.t[0]), self.t[0]).flatten(1)
        return oracle.errors([Question(self.t[0] + 1)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("best", [300, 700])
def test_the_telling_timestep_is_found(kind: str, best: int) -> None:
    data, swept = losses(best, gap=1.0, n=200), KINDS[kind]
    attack = replace(swept.attack, **swept.changes(((100,), 1)))
    choice = choice_of(replace(swept, attack=attack), data)
    assert choice.draws == ((best,), 1)
    assert not choice.kept
    assert choice.before is not None
    # 200 + 200 records: the standard error of an AUROC is below 0.03
    assert choice.held_out > choice.before + 0.1


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

    chosen = choice_of(Swept(Halves(), "early"), losses(700, gap=1.0, n=200))
    assert chosen.draws == ((700,), 1)


def test_the_choice_becomes_a_config(tmp_path: Path) -> None:
    attacks = build_attacks(
        {"loss": None, "clid_th_null": {"draws": 2, "t": [450]}, "clir": None, "sima": {"t": 90}}
    )
    content = overlay(
        attacks, choose_all(wishes(attacks, Grid(STEPS, 2)), losses(700, gap=1.5, n=300))
    )
    (tmp_path / "attacks.yaml").write_text(config_text(content))
    (tmp_path / "base.yaml").write_text("name: x\n")
    again = read([str(tmp_path / "base.yaml"), str(tmp_path / "attacks.yaml")]).attacks
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


@dataclass(frozen=True)
class Foreign(Attack):
    """An attack of somebody's own, known by no name."""

    t: tuple[int, ...] = (450,)

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def signal(self, oracle: Oracle) -> Tensor:
        return oracle.error(self.t[0], self.asked_under)[:, None]


def test_an_attack_of_no_name_is_written_by_its_class() -> None:
    told = overlay({"mine": Foreign(t=(300,), title="mine")}, {})["attacks"]["mine"]
    assert told["class"].endswith(":Foreign") and told["t"] == [300] and told["title"] == "mine"


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


@pytest.mark.parametrize(
    ("wants", "message"), [("eps", "it needs "), ("off", "it asks for t = 101, draw 0")]
)
def test_attacks_that_ask_for_more_than_losses_are_refused(wants: str, message: str) -> None:
    attacks = {"loss": Loss(), "curious": Curious(wants=wants)}
    with pytest.raises(UserError, match=rf"^attacks\.curious: cannot be swept, {message}"):
        wishes(attacks, Grid(STEPS, 1))


def test_attacks_that_share_a_score_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight variants of CLiD are one on the empty caption; CLiR's still draws are another."""
    asked: list[tuple[type[Attack], str, Draws]] = []
    score, grid, data = Swept.score, Grid(STEPS, 2), losses(400)
    attacks = {name: attack for name, attack in ATTACKS.items() if "cli" in name}
    wanted = wishes(attacks, grid)

    def counting(self: Swept, losses: Losses, draws: Draws) -> np.ndarray:
        asked.append((type(self.attack), self.field, draws))
        return score(self, losses, draws)

    monkeypatch.setattr(Swept, "score", counting)
    variants = {name: wanted[name] for name in wanted if "clid" in name}
    assert len(variants) == 8
    choices = choose_all(variants, data)
    assert sorted(draws for _, _, draws in asked) == sorted(candidates(3, STEPS, 2))
    for [(_, choice)] in choices.values():
        assert choice == choice_of(Swept(CLiD(), "t"), data)
    asked.clear()
    choose_all({name: wanted[name] for name in ("clir", "clir_5")}, data)
    still = [draws for _, field, draws in asked if field == "still"]
    assert sorted(still) == sorted(candidates(1, STEPS, 1))
