"""Rows that share a text: the same answers from one look at it, and the network left as it was."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import zoo
from diffusers.models.attention_processor import AttnProcessor
from pipelines import make_pipeline, make_sdxl
from toys import CAPTIONS, picture_records

from lit_clid.auditing.conditions import CAPTION, NULL
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Question
from lit_clid.models.families.stable_diffusion import shown
from lit_clid.models.load import load_target
from lit_clid.models.pipeline import PipelineTarget

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "kolors": lambda folder: zoo.make("kolors", folder),
}
TEXTS = [*CAPTIONS[:7], ""]
EACH = 3


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("shared") / "tiny")


def rows_of(target: PipelineTarget) -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(1)
    shape = target.latent_shape(torch.zeros(1, 3, 64, 64))
    z = torch.randn(EACH * len(TEXTS), *shape, generator=dice)
    return z, torch.tensor([40, 450, 900] * len(TEXTS))


def looks(target: PipelineTarget) -> list[int]:
    """How many texts each cross-attention is shown from now on, call by call."""
    shown: list[int] = []

    def note(module: Any, given: tuple[torch.Tensor]) -> None:
        shown.append(len(given[0]))

    for name, module in target.denoiser.network.named_modules():
        if name.endswith("attn2.to_k"):
            module.register_forward_pre_hook(note)
    return shown


def layers(target: PipelineTarget) -> int:
    names = [name for name, _ in target.denoiser.network.named_modules()]
    return sum(name.endswith("attn2.to_k") for name in names)


def test_shared_texts_are_answered_as_texts_of_their_own(folder: Path) -> None:
    target = load_target(str(folder))
    (z, t), told = rows_of(target), target.embed(TEXTS)
    apart = target.eps(z, t, told.repeated(EACH))
    shown = looks(target)
    assert target.shares_texts
    together = target.eps(z, t, told)
    assert sum(shown) == layers(target) * len(TEXTS)
    swapped = target.eps(z, t, told.take(torch.arange(len(TEXTS)).flip(0)))
    matters = (swapped - apart).abs().max()
    assert matters > 1e-6
    assert (together - apart).abs().max() < matters / 100


def test_the_network_is_given_back_as_it_was(folder: Path) -> None:
    target = load_target(str(folder))
    network = target.denoiser.network
    before = [m.processor for m in network.modules() if hasattr(m, "processor")]
    z, t = rows_of(target)
    target.eps(z, t, target.embed(TEXTS))
    with pytest.raises(RuntimeError):
        target.eps(z, t[:0], target.embed(TEXTS))
    after = [m.processor for m in network.modules() if hasattr(m, "processor")]
    assert all(a is b for a, b in zip(before, after, strict=True))


def test_another_way_of_attending_and_few_rows_are_not_shared(folder: Path) -> None:
    target, few = load_target(str(folder)), load_target(str(folder), rows=8)
    (z, t), told = rows_of(target), target.embed(TEXTS)
    expected, shown = target.eps(z, t, told), looks(few)
    torch.testing.assert_close(few.eps(z, t, told), expected, rtol=1e-5, atol=1e-5)
    assert set(shown) == {8}, "whole calls of eight rows"
    target.denoiser.network.set_attn_processor(AttnProcessor())
    assert not target.shares_texts
    torch.testing.assert_close(target.eps(z, t, told), expected, rtol=1e-4, atol=1e-4)


def test_questions_about_one_condition_share_it(folder: Path) -> None:
    records, target = picture_records(7), load_target(str(folder))
    questions = [Question(t, c) for t in (10, 400, 800) for c in (CAPTION, NULL)]
    questions.insert(3, Question(990, NULL, "1"))
    one = ModelOracle(load_target(str(folder), rows=1), records)
    expected = torch.cat([one.errors([question]) for question in questions], dim=1)
    shown = looks(target)
    found = ModelOracle(target, records).errors(questions)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert sum(shown) == layers(target) * 7 * 2, "a look for each record and condition"


def test_a_network_that_looks_at_the_text_elsewhere_is_shown_it_as_it_is() -> None:
    tokens = torch.zeros(2, 77, 4)
    for told in ({}, {"only_cross_attention": (False, False)}):
        found = shown(SimpleNamespace(config=told), tokens)
        assert found["encoder_hidden_states"].shape[1] == 80
        assert found["encoder_attention_mask"].sum() == 2 * 77
    for told in ({"only_cross_attention": (False, True)}, {"addition_embed_type": "text"}):
        assert shown(SimpleNamespace(config=told), tokens) == {"encoder_hidden_states": tokens}
