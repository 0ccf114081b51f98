"""What holds for every attack: it finds what leaks, nothing else, and checks its parameters."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from toys import Constant, Toy, leaky, toy_records

from lit_clid.auditing.attacks import (
    ATTACKS,
    GSA,
    PFAMI,
    PIA,
    CLiD,
    Loss,
    MemorisedPrompt,
    SecMI,
    SimA,
)
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.judging.roc import auroc, curve

GREY_BOX = [name for name, attack in ATTACKS.items() if not isinstance(attack, GSA)]


@pytest.mark.parametrize("name", GREY_BOX)
def test_a_memorising_model_is_found_and_an_honest_one_is_not(name: str) -> None:
    target, records = leaky()
    member = np.arange(80) < 40

    def found(model: Toy) -> float:
        signal = ATTACKS[name].signal(ModelOracle(model, records)).double()
        return float(auroc(curve(signal.mean(1).numpy(), member)))

    assert found(target) > (
        0.85 if name == "pian" else 0.95
    )  # PIAN blows up a near-zero answer to unit size
    # 40 + 40 records: an uninformative AUROC has a standard error of 0.065
    assert 0.3 < found(Toy()) < 0.7


def test_a_model_blind_to_everything_walks_there_and_back() -> None:
    oracle = ModelOracle(Constant(), toy_records(4))
    # a constant ε makes DDIM steps exact: they only move along a straight line and return
    torch.testing.assert_close(SecMI().signal(oracle), torch.zeros(4, 1), rtol=0, atol=1e-10)
    assert torch.equal(PIA().signal(oracle), torch.zeros(4, 1))
    assert torch.equal(MemorisedPrompt().signal(oracle), torch.zeros(4, 1))


@pytest.mark.parametrize(
    ("attack", "column"), [(Loss(), 0), (SimA(), 0), (PIA(), 0), (CLiD("clip"), -1)]
)
def test_conditions_are_the_caption_the_empty_one_or_the_users(
    attack: Loss | SimA | PIA | CLiD, column: int
) -> None:
    """Another text of the auditor's is what every record would get if it were its caption."""
    target, records = leaky()
    words = records.captions[3]
    given = replace(attack, condition=f"text:{words}").signal(ModelOracle(target, records))
    spoken = replace(records, captions=(words,) * 80)
    torch.testing.assert_close(given, attack.signal(ModelOracle(target, spoken)))
    if not isinstance(attack, CLiD):
        empty = replace(attack, condition="empty").signal(ModelOracle(target, records))
        torch.testing.assert_close(empty, attack.signal(ModelOracle(Toy(), records)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SecMI(t=105), "not a positive multiple"),
        (lambda: SecMI(k=0), "not a positive multiple"),
        (lambda: PFAMI(crops=(1.5,)), "shares between 0 and 1"),
        (lambda: PFAMI(scale="both"), "not relative or absolute"),
        (lambda: GSA(norms="all"), "not of_mean or mean_of"),
        (lambda: CLiD("half"), "reduction 'half'"),
        (lambda: CLiD(condition="empty"), "leaves nothing to reduce"),
        (lambda: MemorisedPrompt(condition="empty"), "leaves nothing to compare"),
        (lambda: MemorisedPrompt(draws=0), "at least 1"),
        (lambda: Loss(condition="nothing"), "condition 'nothing'"),
        (lambda: Loss(rule="boosted_trees"), "rule 'boosted_trees' is not first"),
    ],
)
def test_senseless_parameters_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_timestep_outside_the_schedule_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = ATTACKS[name]
    for field in {*attack.swept, "t"} & {each.name for each in fields(attack)}:
        late = 5000 if isinstance(getattr(attack, field), int) else (5000,)
        with pytest.raises(ValueError, match="outside the model's schedule"):
            replace(attack, **{field: late}).check(Toy(), ["a caption"])  # type: ignore[arg-type]
    monkeypatch.setattr(type(attack), "timesteps", ((5000,),))
    with pytest.raises(ValueError, match="outside the model's schedule"):
        attack.check(Toy(), ["a caption"])
