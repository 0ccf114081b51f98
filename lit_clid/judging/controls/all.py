"""All controls of an audit, as far as what they look at is at hand."""

from collections.abc import Mapping

import numpy as np

from lit_clid.judging.controls.blind import blind_baselines
from lit_clid.judging.controls.control import Control
from lit_clid.judging.controls.leaning import leaning
from lit_clid.judging.controls.near import hashes_of, near_duplicates
from lit_clid.judging.controls.negative import beside_suspects, negative_controls
from lit_clid.judging.controls.pairing import pairing
from lit_clid.judging.suspects.answer import Answer
from lit_clid.judging.trials import Trial
from lit_clid.scores import Scores


def controls_of(
    target: Scores,
    scores: Mapping[str, float],
    blind: Scores | None,
    reference: Scores | None,
    answer: Answer | None = None,
    swapped: Scores | None = None,
    tried: Mapping[str, Trial] | None = None,
) -> tuple[Control, ...]:
    """Every control.

    Args:
        target: the table that is judged.
        scores: id → score of the attack that speaks, of the suspects too.
        blind: features of records that no model has seen; None where images are not at hand.
        reference: the reference's own table; None without one.
        answer: about the suspects, where there are any.
        swapped: answers with captions swapped between records; None where none were asked.
        tried: every attack's trial by name.

    Raises:
        UserError: if the features are of other records.
    """
    found: list[Control] = []
    if blind is not None:
        found += [each.control for each in blind_baselines(blind, target)]
    found += negative_controls(reference)
    if swapped is not None and tried is not None:
        (attack,) = swapped.about.attacks
        found += pairing(swapped, target, tried[attack], attack) if attack in tried else []
    if blind is not None:
        found += _of_features(blind, scores)
        if blind.suspects is not None and answer is not None:
            found += _of_features(beside_suspects(blind), answer.ranked)
    return tuple(found)


def controls_of_blind(blind: Scores | None) -> tuple[Control, ...]:
    """The blind baseline alone, of a table without a judgement."""
    return tuple(each.control for each in blind_baselines(blind, blind)) if blind else ()


def _of_features(blind: Scores, scores: Mapping[str, float]) -> list[Control]:
    """What the score leans on, and which records look alike, of members or else of suspects."""
    kind = "suspects" if blind.claim else "members"
    if not all(name in scores for name in blind.ids):
        return []
    score = np.array([scores[name] for name in blind.ids])
    found = leaning(score, blind.member, blind.signals, kind)
    hashes = hashes_of(blind.signals)
    if hashes is not None:
        found += near_duplicates(score, blind.member, hashes, blind.ids, kind)
    return found
