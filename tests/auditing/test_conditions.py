"""Conditions: what a caption is reduced to, and how one is named."""

from math import floor

import pytest

from lit_clid.auditing.conditions import (
    CAPTION,
    NULL,
    REDUCTIONS,
    Given,
    Masked,
    Third,
    condition_named,
    leave_one_out,
)

CAPTION_TEXT = "a small red fox jumps over the very lazy dog"


def test_thirds_partition_the_characters() -> None:
    for text in (CAPTION_TEXT, "ab", "", "été à la plage"):
        parts = [Third(k).text(text, None, "") for k in range(3)]
        assert "".join(parts) == text
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("words", range(1, 12))
def test_masked_replaces_the_stated_number_of_words(rate: float, words: int) -> None:
    caption = " ".join(f"w{k}" for k in range(words))
    text = Masked(rate).text(caption, [float(k) for k in range(words)], "<end>")
    count = floor(rate * words - 0.01) + 1
    assert text.split().count("<end>") == count
    assert (
        text.split()[: words - count] == caption.split()[: words - count]
    )  # the last words were the important ones


def test_ties_fall_to_the_earlier_word() -> None:
    assert Masked(0.3).text("b a b", [1.0, 0.0, 1.0], "#") == "# a b"


def test_every_reduction_ends_with_the_empty_caption() -> None:
    assert all(conditions[-1] == NULL for conditions in REDUCTIONS.values())
    assert {name: len(conditions) for name, conditions in REDUCTIONS.items()} == {
        "null": 1, "clip": 4, "noise": 4, "importance": 4,
    }  # fmt: skip
    assert CAPTION.text(CAPTION_TEXT, None, "") == CAPTION_TEXT
    assert NULL.text(CAPTION_TEXT, None, "") == ""


def test_leave_one_out() -> None:
    assert leave_one_out("a b c") == ["a b c", "b c", "a c", "a b"]


def test_named_conditions() -> None:
    assert (condition_named("caption"), condition_named("empty")) == (CAPTION, NULL)
    assert condition_named("text: a photo") == Given("a photo")
    assert (
        Given("a b c d", Masked(0.5)).text("ignored", (1.0, 4.0, 3.0, 2.0), "<end>")
        == "a <end> <end> d"
    )
    for name in ("captoin", "text:", "text:  "):
        with pytest.raises(ValueError, match="is not caption, empty, or text:"):
            condition_named(name)
