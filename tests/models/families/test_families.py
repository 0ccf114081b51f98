"""Every family: its ε by a hand-written call, its text per encoder, its training, its export."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import zoo
from asked import eps_of_the_pipeline, plain_pipeline
from pipelines import make_pipeline, make_sd3, make_sdxl
from toys import part, picture_records
from tuning import DATA, recipe, tune, validation_losses

from lit_clid.auditing.attacks import ATTACKS, GSA
from lit_clid.auditing.conditions import CAPTION, NULL, Masked
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Question
from lit_clid.data.split import Split, load_split
from lit_clid.errors import UserError
from lit_clid.models.families import FAMILIES
from lit_clid.models.load import check_target, load_target
from lit_clid.models.white_box import NetworkGradients
from lit_clid.training.exported import finish

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    "sd3 without T5": lambda folder: make_sd3(folder, t5=False),
    **{name: partial(zoo.make, name) for name in zoo.ZOO},
}
MANY = ("clir", "clir_50", "pfami")
"""Attacks of many queries that have a smaller sibling of the same class."""
TEXTS = ["a red critter", "two eyes", ""]


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("family") / "tiny")


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return load_split(DATA, 0, tmp_path_factory.mktemp("split"))


def test_eps_is_what_the_pipeline_hands_its_sampler(folder: Path) -> None:
    target, pipe = load_target(str(folder)), plain_pipeline(folder)
    z = torch.randn(3, *target.latent_shape(torch.zeros(1, 3, 64, 64)))
    for t in (0, 450, 999):
        found = target.eps(z, torch.full((3,), t), target.embed(TEXTS))
        for row, text in enumerate(TEXTS):
            expected = eps_of_the_pipeline(pipe, z[row : row + 1], t, text, 64)[0]
            torch.testing.assert_close(found[row], expected, rtol=1e-5, atol=1e-5)


def test_words_are_masked_for_each_tokenizer(folder: Path) -> None:
    target, records = load_target(str(folder)), picture_records(1)
    oracle, seen = ModelOracle(target, records), []
    embed = target.embed
    target.embed = lambda *texts: (seen.append(texts), embed(*texts))[1]  # type: ignore[method-assign,func-returns-value]
    oracle.embedding(Masked(0.99))
    (texts,) = seen
    assert len(texts) == len(target.mask_tokens) == len(target.text.tokenizers)
    each = zip(texts, target.text.tokenizers, target.mask_tokens, strict=True)
    for (text,), tokenizer, mask in each:
        assert text == " ".join([mask] * 6)
        words = tokenizer(text).input_ids
        assert words.count(tokenizer.eos_token_id) >= 6 or not mask


@pytest.mark.slow
def test_text_matters_and_no_signal_depends_on_the_batch(folder: Path) -> None:
    target, records = load_target(str(folder)), picture_records(2)
    names = [n for n, a in ATTACKS.items() if not isinstance(a, GSA) and n not in MANY]
    whole = ModelOracle(target, records)
    assert not torch.equal(whole.error(450, CAPTION), whole.error(450, NULL))
    alone = [ModelOracle(target, part(records, [row])) for row in range(2)]
    for name in names:
        signal = ATTACKS[name].signal
        parts = torch.cat([signal(oracle) for oracle in alone])
        # networks of random weights answer small numbers: differences of logarithms feel rounding
        torch.testing.assert_close(signal(whole), parts, rtol=1e-3, atol=5e-4, msg=name)


@pytest.mark.slow
def test_gradients_of_every_family_are_those_of_autograd(folder: Path) -> None:
    target, records = load_target(str(folder)), picture_records(2)
    box = NetworkGradients(target.denoiser)
    found = ModelOracle(target, records).gradient_norms((50, 800), CAPTION, 0)
    assert found.each.shape == (2, 2, len(box.parameter_names))
    named = dict(target.denoiser.network.named_parameters())
    parameters = [named[name].requires_grad_(True) for name in box.parameter_names]
    alone = ModelOracle(target, part(records, [1]))
    for step, t in enumerate((50, 800)):
        with torch.enable_grad():
            loss = box.losses(*alone.rows(Question(t))).sum()
        gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
        norms = torch.stack([gradient.norm() for gradient in gradients])
        torch.testing.assert_close(found.each[1, step], norms, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_training_learns_and_the_export_is_an_ordinary_pipeline(
    folder: Path, split: Split, tmp_path: Path
) -> None:
    family = check_target(str(folder))
    whole = next(iter(family.groups))
    options = recipe(train=whole, learning_rate=3e-3, validate_every=20, ema_decay=None)
    module, trainer, _ = tune(folder, split, tmp_path / "logs", options, 40, gradient_clip_val=1.0)
    losses = validation_losses(tmp_path / "logs")
    assert losses[-1] < losses[0]
    target = module.target
    z, t = torch.randn(2, *target.latent_shape(torch.zeros(1, 3, 64, 64))), torch.tensor([30, 800])
    before = target.eps(z, t, target.embed(TEXTS[:2]))
    finish(module, trainer, tmp_path / "model", {})
    plain = plain_pipeline(tmp_path / "model")
    plain.set_progress_bar_config(disable=True)
    for row, step in enumerate(t.tolist()):
        expected = eps_of_the_pipeline(plain, z[row : row + 1], step, TEXTS[row], 64)[0]
        torch.testing.assert_close(before[row], expected, rtol=1e-4, atol=1e-4)
    assert len(target.sample(["a red critter"], z[:1], steps=2)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("group", ["attention", "lora"])
def test_parts_of_every_family_can_be_tuned(
    folder: Path, split: Split, tmp_path: Path, group: str
) -> None:
    module, trainer, _ = tune(folder, split, tmp_path / "logs", recipe(train=group), 2)
    whole = sum(p.numel() for p in module.network.parameters())
    assert 0 < module.trained < whole
    finish(module, trainer, tmp_path / "model", {})
    assert load_target(str(tmp_path / "model")).kin == load_target(str(folder)).kin


def test_a_group_of_another_family_is_one_clear_line(folder: Path) -> None:
    family = check_target(str(folder))
    with pytest.raises(
        UserError, match=f"finetune.train: 'everything' is no part of {re.escape(family.title)}"
    ):
        family.check_group("everything")
    for group in (*family.groups, "lora"):
        family.check_group(group)


def test_the_table_of_families_names_the_pipelines() -> None:
    assert {name: family.pipeline for name, family in FAMILIES.items()} == {n: n for n in FAMILIES}


def test_no_text_is_zeros_where_the_pipeline_says_so(tmp_path: Path) -> None:
    folder = make_sdxl(tmp_path / "tiny")
    told = load_target(str(folder)).embed(["", "a red critter"])
    for name in told:
        assert not told[name][0].any()
        assert told[name][1].any()
    config = folder / "model_index.json"
    text = config.read_text().replace(
        '"force_zeros_for_empty_prompt": true', '"force_zeros_for_empty_prompt": false'
    )
    config.write_text(text)
    assert load_target(str(folder)).embed([""])["tokens"].any()


def test_an_unknown_pipeline_and_a_missing_part_are_named(tmp_path: Path) -> None:
    folder = make_sd3(tmp_path / "tiny", t5=False)
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(UserError, match="the part transformer/ is incomplete"):
        check_target(str(folder))
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusion3Pipeline", "OtherPipeline"))
    with pytest.raises(
        UserError, match=r"class OtherPipeline are not supported; supported: Stable"
    ):
        check_target(str(folder))
