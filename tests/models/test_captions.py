"""Captions are one caption where the model's tokenizers make the same tokens of them."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipelines import make_sd3, make_sdxl

from lit_clid.errors import UserError
from lit_clid.models.captions import caption_keys, load_text
from lit_clid.models.load import load_target
from lit_clid.models.text import Text

WORDS = st.lists(st.sampled_from(["red", "Critter", "café", "Ångström", "two", "eyes"]), min_size=1)
TAIL = "one two three four five six seven eight nine ten " * 8


@pytest.fixture(scope="module")
def text(pipeline_folder: Path) -> Text:
    return load_text(str(pipeline_folder))


@settings(max_examples=40, deadline=None)
@given(WORDS, st.randoms(use_true_random=False))
def test_case_spaces_and_composition_make_no_other_caption(
    text: Text, words: list[str], random: object
) -> None:
    plain = " ".join(words)
    variants = [
        plain.upper(),
        plain.lower(),
        f"  {'   '.join(words)}\t\n",
        unicodedata.normalize("NFD", plain),
        unicodedata.normalize("NFC", plain),
    ]
    assert set(text.keys(variants)) == set(text.keys([plain]))


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS)
def test_other_words_are_another_caption(text: Text, some: list[str], others: list[str]) -> None:
    pair = [" ".join(some), " ".join(others)]
    one, two = text.keys(pair)
    short = max(len(words) for words in (some, others)) <= 5  # within 77 tokens, byte by byte
    assert (one == two) == (pair[0] == pair[1]) or not short


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_lies_beyond_the_tokenizers_length_makes_no_other_caption(
    text: Text, tail: str
) -> None:
    one, two, third = text.keys([TAIL, f"{TAIL} {tail}", f"{tail}x {TAIL}"])
    assert one == two != third


@pytest.mark.parametrize("kind", ["sd", "sdxl", "sd3", "sd3 with T5"])
def test_they_are_the_tokens_of_the_loaded_pipeline(
    kind: str, pipeline_folder: Path, tmp_path: Path
) -> None:
    makers = {"sdxl": make_sdxl, "sd3": lambda f: make_sd3(f, t5=False)}
    makers["sd3 with T5"] = lambda f: make_sd3(f, t5=True)
    folder = pipeline_folder if kind == "sd" else makers[kind](tmp_path / "tiny")
    captions = ["a red critter", "A  Red critter", "two eyes", f"a {TAIL}", f"a {TAIL} end"]
    text = load_target(str(folder)).text
    light = load_text(str(folder))
    assert light.longest == text.longest
    assert caption_keys(str(folder), captions) == text.keys(captions)
    told = [text.encode([[caption]] * len(text.tokenizers)) for caption in captions]
    keys = text.keys(captions)
    for k, one in enumerate(told):
        for j, other in enumerate(told):
            if keys[j] == keys[k]:
                assert all(one[name].equal(other[name]) for name in one)
    # T5 reads case and has room for longer captions; two captions are one only to all tokenizers
    assert (keys[0] == keys[1]) == (kind != "sd3 with T5")
    assert (keys[3] == keys[4]) == (kind != "sd3 with T5")


def test_a_damaged_tokenizer_is_named(pipeline_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(pipeline_folder, tmp_path / "damaged")
    for file in (folder / "tokenizer").glob("*.json"):
        file.write_text("{")
    with pytest.raises(UserError, match="the part tokenizer does not load"):
        caption_keys(str(folder), ["a"])
