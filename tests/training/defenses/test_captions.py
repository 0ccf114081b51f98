"""Defenses of captions do exactly what they say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lit_clid.commands.reading import build_defenses
from lit_clid.errors import UserError
from lit_clid.models.embedding import Embedding
from lit_clid.training.defenses import DEFENSES, CaptionDefense, Texts

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

OTHERS = {
    "rephrasing": ("first way", "second way"),
    "several_captions": ("first way", "second way"),
}


def texts(count: int = 200, others: tuple[str, ...] = ("first way", "second way")) -> Texts:
    ids = tuple(f"r{k}" for k in range(count))
    return Texts(ids, tuple(f"{' '.join(WORDS)} {k}" for k in range(count)), (others,) * count)


def captions(wanted: Any, passes: int = 0, seed: int = 0, given: Texts | None = None) -> list[str]:
    return build_defenses(wanted).captions(given or texts(), seed, passes)


CAPTIONS = [name for name, defense in DEFENSES.items() if isinstance(defense, CaptionDefense)]


@pytest.mark.parametrize("name", CAPTIONS)
def test_redrawn_captions_change_with_the_pass_and_static_ones_do_not(name: str) -> None:
    redrawn, static = {name: {"redraw": True}}, {name: {"redraw": False}}
    assert captions(redrawn) == captions(redrawn)
    assert captions(static) == captions(static, 7)
    drawn = captions(static) != captions(static, seed=1)  # else it does the same to all
    assert (captions(redrawn) != captions(redrawn, 1)) == drawn
    assert not drawn or captions(static) != list(texts().own)


@pytest.mark.parametrize(
    "name", [name for name in CAPTIONS if name not in ("caption_shuffle", "token_replacement")]
)
def test_a_caption_depends_on_its_record_alone(name: str) -> None:
    """Who else is trained on makes no difference (but where captions pass from one to another)."""
    whole, few = texts(200), texts(7)
    assert captions([name], 3, given=whole)[:7] == captions([name], 3, given=few)


def test_dropout_empties_the_share_it_says() -> None:
    edited = captions({"caption_dropout": {"share": 0.3}}, given=texts(2000))
    assert np.mean([text == "" for text in edited]) == pytest.approx(0.3, abs=0.04)
    assert all(text in ("", own) for text, own in zip(edited, texts(2000).own, strict=True))


def test_deletion_keeps_order_and_one_word() -> None:
    edited = captions({"word_deletion": {"share": 0.3}}, given=texts(500))
    lengths = [len(text.split()) for text in edited]
    assert np.mean(lengths) == pytest.approx(0.7 * 11, abs=0.25)
    for text, own in zip(edited, texts(500).own, strict=True):
        words = own.split()
        assert [w for w in words if w in text.split()] == text.split()
    assert all(len(text.split()) == 1 for text in captions({"word_deletion": {"share": 1.0}}))


def test_shuffling_keeps_the_words() -> None:
    edited = captions(["word_shuffle"])
    assert all(
        sorted(a.split()) == sorted(b.split()) for a, b in zip(edited, texts().own, strict=True)
    )
    assert sum(a == b for a, b in zip(edited, texts().own, strict=True)) < 3


def test_replacement_keeps_length_and_takes_words_of_the_members() -> None:
    edited = captions({"token_replacement": {"share": 0.2}}, given=texts(500))
    vocabulary = {word for text in texts(500).own for word in text.split()}
    pairs = [(a.split(), b.split()) for a, b in zip(edited, texts(500).own, strict=True)]
    assert all(len(a) == len(b) and set(a) <= vocabulary for a, b in pairs)
    changed = np.mean([x != y for a, b in pairs for x, y in zip(a, b, strict=True)])
    assert changed == pytest.approx(0.2, abs=0.03)


def test_several_captions_are_drawn_evenly_and_rephrasings_never_the_own() -> None:
    several = captions(["several_captions"], given=texts(1500))
    own = [a == b for a, b in zip(several, texts(1500).own, strict=True)]
    assert np.mean(own) == pytest.approx(1 / 3, abs=0.05)
    assert set(captions(["rephrasing"])) == {"first way", "second way"}
    templated = captions({"rephrasing": {"templates": ["a drawing of {}", "{}!"]}})
    assert all(
        t in (f"a drawing of {o}", f"{o}!") for t, o in zip(templated, texts().own, strict=True)
    )


def test_shuffled_captions_belong_to_another_and_none_is_lost() -> None:
    edited = captions({"caption_shuffle": {"share": 0.5}})
    own = list(texts().own)
    assert sorted(edited) == sorted(own)
    assert sum(a != b for a, b in zip(edited, own, strict=True)) == 100


def test_defenses_compose_in_their_order() -> None:
    both = captions({"caption_dropout": {"share": 0.5}, "rephrasing": {"templates": ["x {}"]}})
    assert set(both) & {"x "}
    other = captions({"rephrasing": {"templates": ["x {}"]}, "caption_dropout": {"share": 0.5}})
    assert "" in other and "x " not in other


def test_embedding_noise_is_relative_to_the_embedding() -> None:
    defenses = build_defenses({"embedding_noise": {"scale": 0.5}})
    c = torch.randn(64, 8, 16) * torch.linspace(0.1, 10, 64)[:, None, None]
    told = Embedding({"tokens": c, "mask": torch.ones(64, 8, dtype=torch.int64)})

    def embed(batch: int) -> torch.Tensor:
        return defenses.embed(told, 0, batch, 0)["tokens"]

    noise = embed(3) - c
    torch.testing.assert_close(
        noise.flatten(1).std(1) / c.flatten(1).std(1), torch.full((64,), 0.5), rtol=0.3, atol=0
    )
    assert torch.equal(embed(3), embed(3))
    assert not torch.equal(embed(4), embed(3))
    assert torch.equal(defenses.embed(told, 0, 3, 0)["mask"], told["mask"])


def test_missing_rephrasings_and_captions_are_named() -> None:
    for name in ("rephrasing", "several_captions"):
        with pytest.raises(UserError, match=f"defenses.{name}: .*data.rephrasings_column"):
            build_defenses([name]).check(texts(3, others=()))
    with pytest.raises(UserError, match="leaves nobody to exchange captions with"):
        build_defenses(["caption_shuffle"]).check(texts(2))


def test_a_shuffle_of_one_caption_is_refused() -> None:
    same = replace(texts(8), own=("a photo of sks dog",) * 8)
    with pytest.raises(UserError, match="all members have one caption"):
        build_defenses(["caption_shuffle"]).check(same)
