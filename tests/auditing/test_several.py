"""Signals of records with several captions are means over them, and their cost is what is asked."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from toys import Toy, part, toy_records

from lit_clid.auditing.attacks import ATTACKS, Attack
from lit_clid.auditing.ledger import count_queries, needs_caption
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.queries import announce, describe_attacks, tally
from lit_clid.auditing.questions import Batch
from lit_clid.auditing.several import averaged
from lit_clid.auditing.signals import column_names

NAMES = ("loss", "secmi", "pia", "sima", "memorised_prompt", "clid_th", "clid_th_null", "clir")
SIZES = (1, 3, 2, 3)


def wordings() -> list[tuple[str, ...]]:
    return [
        tuple(f"wording {k} of the record {row}" for k in range(n)) for row, n in enumerate(SIZES)
    ]


def toy(records: Batch) -> Toy:
    return Toy(
        {text: records.images[row] for row, texts in enumerate(wordings()) for text in texts[1:]}
    )


def ask(attacks: dict[str, Attack], oracle: ModelOracle) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, attack in attacks.items():
        columns = column_names(name, attack, oracle.target)
        found |= dict(zip(columns, attack.signal(oracle).double().unbind(1), strict=True))
    return found


def asked(records: Batch, captions: list[tuple[str, ...]], attacks: dict[str, Attack]) -> Any:
    own = {name: attack for name, attack in attacks.items() if needs_caption(attack)}
    free = {name: attack for name, attack in attacks.items() if name not in own}
    model = toy(toy_records(len(SIZES)))
    told = Batch(records.ids, records.images, tuple(texts[0] for texts in captions))
    oracle = ModelOracle(model, told, 3)
    return averaged(partial(ask, free), partial(ask, own), oracle, captions), model


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_the_mean_over_a_records_captions(name: str) -> None:
    records, captions = toy_records(len(SIZES)), wordings()
    found, _ = asked(records, captions, {name: ATTACKS[name]})
    for row, texts in enumerate(captions):
        alone = part(records, [row])
        each = [
            ask(
                {name: ATTACKS[name]},
                ModelOracle(toy(records), Batch(alone.ids, alone.images, (text,)), 3),
            )
            for text in texts
        ]
        for column, values in found.items():
            mean = torch.stack([one[column][0] for one in each]).mean()
            torch.testing.assert_close(values[row], mean, rtol=1e-4, atol=1e-5)


def test_it_does_not_depend_on_the_batch() -> None:
    records, captions = toy_records(len(SIZES)), wordings()
    attacks = {name: ATTACKS[name] for name in NAMES}
    whole, _ = asked(records, captions, attacks)
    some, _ = asked(part(records, [3, 1]), [captions[3], captions[1]], attacks)
    for column, values in some.items():
        torch.testing.assert_close(values, whole[column][[3, 1]], rtol=1e-4, atol=1e-5)


def test_what_is_counted_is_what_is_asked() -> None:
    free = {f"{name}_free": type(ATTACKS[name])(condition="empty") for name in ("secmi", "sima")}
    attacks = {**{name: ATTACKS[name] for name in NAMES}, **free}
    _, model = asked(toy_records(len(SIZES)), wordings(), attacks)
    cost = tally(attacks, Counter(SIZES))
    assert cost.total == sum(model.calls) and cost.records == len(SIZES)
    assert cost.per_record == round(cost.total / len(SIZES))
    done = tally(attacks, {})
    assert (done.total, done.per_record) == (0, tally(attacks, {1: 1}).per_record)
    said = announce("target", "m", attacks, Counter(SIZES), 0)
    assert f"4 records × about {cost.per_record} queries = {cost.total} queries" in said


def test_answers_that_no_caption_changes_are_asked_once() -> None:
    assert not needs_caption(type(ATTACKS["secmi"])(condition="empty"))
    one, three = (count_queries({"clid_th_null": ATTACKS["clid_th_null"]}, n) for n in (1, 3))
    assert one["clid_th_null"].asked == 6 and three["clid_th_null"].asked == 3 + 3 * 3
    assert count_queries({"clir": ATTACKS["clir"]}, 3)["clir"].asked == 12 + 3 * 3
    assert count_queries({"gsa2": ATTACKS["gsa2"]}, 3)["gsa2"].backward_asked == 30
    empty = {"x": type(ATTACKS["secmi"])(condition="empty")}
    assert count_queries(empty, 5) == count_queries(empty)
    spec = describe_attacks({"clir": ATTACKS["clir"]}, Toy(), {1: 1, 3: 1})["clir"]
    assert spec.queries == 18
