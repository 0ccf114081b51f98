"""Near duplicates: who looks alike, and what is made of it."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from tables import normal_scores

from lit_clid.data.blind import look
from lit_clid.data.drawings.critters import critter
from lit_clid.judging.controls.control import NOTICE, QUIET
from lit_clid.judging.controls.near import (
    HASH,
    alike,
    clustered_auroc,
    clusters,
    hashes_of,
    near_duplicates,
)

pytestmark = pytest.mark.usefixtures("few_permutations")


def test_pairs_are_those_of_every_pair_compared() -> None:
    dice = np.random.default_rng(0)
    hashes = dice.integers(0, 2**63, 60, dtype=np.uint64)
    for k in range(20):  # copies with up to six bits turned
        flips = dice.choice(64, size=k % 7, replace=False)
        hashes[59 - k] = hashes[k] ^ np.bitwise_or.reduce(
            np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0)
        )
    naive = [
        (i, j)
        for i in range(60)
        for j in range(i + 1, 60)
        if bin(int(hashes[i]) ^ int(hashes[j])).count("1") <= 4
    ]
    assert len(naive) >= 10
    assert alike(hashes).tolist() == [list(pair) for pair in naive]


def test_a_brighter_smaller_copy_looks_alike_and_another_drawing_does_not() -> None:
    one, other = critter(0).image, critter(1).image
    copy = ImageEnhance.Brightness(one.resize((90, 90))).enhance(1.1)
    rows = [look(image.convert("RGB")) for image in (one, copy, other)]
    hashes = hashes_of({name: np.array([row[name] for row in rows]) for name in HASH})
    assert hashes is not None
    assert alike(hashes).tolist() == [[0, 1]]
    assert hashes_of({}) is None


def test_what_is_joined_through_others_is_one_cluster() -> None:
    far = np.uint64(2**63 - 1)
    hashes = np.array([0, 0b1111, 0b11111111, far, 0, far], np.uint64)
    found = clusters(hashes)
    assert len(set(found.tolist())) == 2
    assert set(found[[0, 1, 2, 4]].tolist()) == {found[0]}


def test_copies_widen_the_interval_by_the_root_of_their_number() -> None:
    """Each record four times is a quarter of the information."""
    score, member = normal_scores(60, 60, 1.0, 0)
    alone = clustered_auroc(score, member, np.arange(120))
    four = clustered_auroc(np.tile(score, 4), np.tile(member, 4), np.tile(np.arange(120), 4))
    assert four.value == pytest.approx(alone.value)
    assert four.high - four.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_a_pair_across_the_kinds_is_told() -> None:
    score, member = normal_scores(30, 30, 1.0, 0)
    hashes = np.random.default_rng(0).integers(0, 2**63, 60, dtype=np.uint64)
    ids = [f"r{k}" for k in range(60)]
    (quiet,) = near_duplicates(score, member, hashes, ids, "members")
    hashes[40] = hashes[3]
    (told,) = near_duplicates(score, member, hashes, ids, "suspects")
    assert (quiet.state, told.state) == (QUIET, NOTICE)
    assert told.figures["example"] == ["r3", "r40"] and quiet.figures.get("example") is None
    assert "r40" not in told.words  # which are passed on without a record in them
    assert (told.figures["records"], told.figures["clusters_of_both_kinds"]) == (2, 1)
    assert 0 < told.figures["p_with_one_of_each"] <= 0.1


def test_an_image_of_one_colour_has_a_hash() -> None:
    assert set(look(Image.new("RGB", (8, 8)))) == set(HASH)
