"""Attacks are counted as the papers count and refused before any query."""

import pytest
from toys import Toy

from lit_clid.auditing.attacks import ATTACKS, CLiD
from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.queries import check_attacks
from lit_clid.commands.reading import build_attacks
from lit_clid.errors import UserError


def test_queries_are_those_of_the_paper() -> None:
    counts = count_queries(ATTACKS)
    papers = {
        "loss": 1, "monte_carlo": 3, "secmi": 12, "pia": 2, "pian": 2, "pfami": 110,
        "pfami_20": 20, "sima": 1, "memorised_prompt": 8, "gsa1": 10, "gsa2": 10,
        "clid_th": 15, "clid_vec": 15, "clid_th_null": 6, "clid_vec_null": 6, "clid_th_clip": 15,
        "clid_vec_clip": 15, "clid_th_noise": 15, "clid_vec_noise": 15,
        "clir": 15, "clir_5": 5, "clir_50": 50,
    }  # fmt: skip
    assert {name: counts[name].asked for name in papers} == papers
    backward = {name: count.backward_asked for name, count in counts.items()}
    assert {name: count for name, count in backward.items() if count} == {"gsa1": 1, "gsa2": 10}
    clid = {
        name: attack
        for name, attack in ATTACKS.items()
        if name in ("loss", "monte_carlo") or "clid" in name
    }
    # c, importance, ∅, clip and noise at three draws each
    assert sum(count.evaluated for count in count_queries(clid).values()) == 3 + 9 + 3 + 9 + 9
    # PIA, PIAN and SecMI share ε(z_0, 0, c), PFAMI t = 450 with Loss, CLiR t = 300 and 400 with
    # PFAMI, clir_5 all
    family = {
        name: ATTACKS[name] for name in ("secmi", "pia", "pian", "loss", "pfami", "clir", "clir_5")
    }
    assert [count.evaluated for count in count_queries(family).values()] == [
        12,
        1,
        1,
        1,
        109,
        13,
        0,
    ]
    assert count_queries({"x": CLiD(t=(450,))})["x"].asked == 5


def test_names_that_collide_are_refused() -> None:
    for wanted in (
        {"id": {"attack": "loss"}},
        {"clid_th": None, "clid_th_d1": {"attack": "loss"}},
        {"a_ref": {"attack": "loss"}},
    ):
        with pytest.raises(UserError, match="the name is taken by"):
            check_attacks(build_attacks(wanted), Toy(), ["a caption"])
    with pytest.raises(UserError, match="each once"):
        check_attacks(build_attacks({"loss": {"t": [450, 450]}}), Toy(), ["a caption"])
