"""CLiD against its equations, and on toys that leak or do not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pipelines import naive_loss
from toys import Toy, picture_records, toy_records

from lit_clid.auditing.attacks import CLiD, Loss
from lit_clid.auditing.conditions import REDUCTIONS
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.judging.roc import auroc, curve
from lit_clid.models.load import load_target


@pytest.mark.slow
def test_clid_equals_its_equations(pipeline_folder: Path) -> None:
    """D_i = ℓ(c*_i) − ℓ(c) and L = −ℓ(c), recomputed loss by loss."""
    records, target = picture_records(3), load_target(str(pipeline_folder))
    signal = CLiD("clip").signal(ModelOracle(target, records, seed=3))
    for row, caption in enumerate(records.captions):
        thirds = [caption[k * len(caption) // 3 : (k + 1) * len(caption) // 3] for k in range(3)]
        ell = [
            np.mean(
                [naive_loss(pipeline_folder, records, row, text, t, 3) for t in (440, 450, 460)]
            )
            for text in (caption, *thirds, "")
        ]
        expected = [*(loss - ell[0] for loss in ell[1:]), -ell[0]]
        np.testing.assert_allclose(signal[row].numpy(), expected, rtol=0, atol=1e-5 * ell[0])


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_clid_is_zero_for_a_text_blind_model(reduction: str) -> None:
    signal = CLiD(reduction).signal(ModelOracle(Toy(), toy_records(6)))
    assert torch.equal(signal[:, :-1], torch.zeros(6, len(REDUCTIONS[reduction])))


def test_a_memorising_model_is_found_and_an_honest_one_is_not() -> None:
    records = toy_records(80)
    memory = dict(zip(records.captions[:40], records.images[:40], strict=True))
    member = np.arange(80) < 40
    for target, low, high in ((Toy(memory), 0.99, 1.0), (Toy(), 0.3, 0.7)):
        for attack, column in ((CLiD("null"), 0), (Loss((440, 450, 460)), 0)):
            score = attack.signal(ModelOracle(target, records))[:, column].double().numpy()
            if isinstance(attack, CLiD) and not target.remembered:
                assert not score.any()
            else:
                # 40 + 40 records: an uninformative AUROC has a standard error of 0.065
                assert low <= auroc(curve(score, member)) <= high


def test_one_word_captions_have_no_parts() -> None:
    for reduction in ("clip", "importance"):
        attack = CLiD(reduction)
        with pytest.raises(ValueError, match="every caption is one word"):
            attack.check(Toy(), ["comet", "moon"])
        assert attack.check(Toy(), ["comet", "full moon"]).startswith(
            "1 of 2 captions are one word"
        )
        assert not attack.check(Toy(), ["new moon", "full moon"])
    assert not CLiD("null").check(Toy(), ["comet"])
