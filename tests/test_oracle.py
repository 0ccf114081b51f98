"""The oracle's answers: literal twins, invariances, and toys that leak or do not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toys import Toy, part, toy_records

from lit_clid.auditing.attacks import ATTACKS, CLiD, Loss
from lit_clid.auditing.conditions import CAPTION, NULL, REDUCTIONS, Masked, Noised, Third
from lit_clid.auditing.oracle import Oracle, Question, Records
from lit_clid.auditing.queries import count_queries
from lit_clid.judging.evidence import auroc, curve
from lit_clid.models.families.stable_diffusion import StableDiffusion
from lit_clid.models.load import load_target
from lit_clid.randomness import noise

CAPTIONS = (
    "a red critter with two eyes",
    "on green ground",
    "Zürich — 日本 😀",
    "one",
    "a a b a",
    "two eyes on red",
    "x y",
)


def picture_records(count: int = 7) -> Records:
    images = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Records(tuple(f"image-{k}.png" for k in range(count)), images, CAPTIONS[:count])


ASKED = [name for name in ATTACKS if name not in ("pfami", "clir_50")]
"""All kinds of attacks; the two with most queries have smaller siblings of the same class."""


def signals(
    target: StableDiffusion | Toy, records: Records, names: list[str] | None = None
) -> torch.Tensor:
    oracle = Oracle(target, records, seed=3)
    return torch.cat([ATTACKS[name].signal(oracle) for name in names or ASKED], dim=1)


def naive_loss(folder: Path, records: Records, row: int, text: str, t: int, seed: int) -> float:
    """One image, one condition, one timestep, in plain diffusers calls."""
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    with torch.no_grad():
        latent = pipe.vae.encode(records.images[row : row + 1]).latent_dist.mean
        z_0 = (latent - (pipe.vae.config.shift_factor or 0.0)) * pipe.vae.config.scaling_factor
        eps = noise(seed, [records.ids[row]], f"t={t}/", z_0.shape[1:])
        steps = torch.tensor([t])
        z_t = pipe.scheduler.add_noise(z_0, eps, steps)
        ids = pipe.tokenizer(
            [text], padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        ).input_ids
        output = pipe.unet(z_t, steps, encoder_hidden_states=pipe.text_encoder(ids)[0]).sample
        if pipe.scheduler.config.prediction_type == "v_prediction":
            goal = pipe.scheduler.get_velocity(z_0, eps, steps)
            alpha_bar = pipe.scheduler.alphas_cumprod[t]
            return float(alpha_bar * (output - goal).square().mean())  # ε̂ − ε = α_t·(v̂ − v)
        return float((output - eps).square().mean())


@pytest.mark.parametrize("fixture", ["pipeline_folder", "v_pipeline_folder"])
def test_losses_equal_plain_diffusers_calls(fixture: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(fixture)
    records, target = picture_records(), load_target(str(folder))
    oracle = Oracle(target, records, seed=3)
    for row, condition, t in (
        (0, CAPTION, 450),
        (1, NULL, 440),
        (2, Third(1), 460),
        (4, Third(2), 450),
        (3, CAPTION, 0),
    ):
        text = condition.text(records.captions[row], None, "")
        assert float(oracle.error(t, condition)[row]) == pytest.approx(
            naive_loss(folder, records, row, text, t, 3), rel=1e-5
        )


def test_clid_equals_its_equations(pipeline_folder: Path) -> None:
    """D_i = ℓ(c*_i) − ℓ(c) and L = −ℓ(c), recomputed loss by loss."""
    records, target = picture_records(3), load_target(str(pipeline_folder))
    signal = CLiD("clip").signal(Oracle(target, records, seed=3))
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


@pytest.fixture(scope="module")
def reference(pipeline_folder: Path) -> torch.Tensor:
    return signals(load_target(str(pipeline_folder)), picture_records())


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    # losses are about 1; D is a difference of two, so its error is relative to them
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("rows", [1, 5, 64])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_batch_size_changes_no_signal(
    pipeline_folder: Path, reference: torch.Tensor, size: int, rows: int
) -> None:
    records, target = picture_records(), load_target(str(pipeline_folder), rows=rows)
    parts = [signals(target, part(records, range(k, min(k + size, 7)))) for k in range(0, 7, size)]
    assert_same(torch.cat(parts), reference)


def test_order_and_company_change_no_signal(pipeline_folder: Path, reference: torch.Tensor) -> None:
    target, order = load_target(str(pipeline_folder)), [4, 2, 6, 0, 5, 1, 3]
    assert_same(signals(target, part(picture_records(), order)), reference[order])
    alone = [signals(target, picture_records(), [name]) for name in reversed(ASKED)]
    assert_same(torch.cat(alone[::-1], dim=1), reference)


@pytest.mark.parametrize("channels_last", [True, False])
def test_memory_format_changes_no_signal(
    pipeline_folder: Path, reference: torch.Tensor, channels_last: bool
) -> None:
    assert_same(
        signals(load_target(str(pipeline_folder), channels_last=channels_last), picture_records()),
        reference,
    )


def test_half_precision_is_left_before_subtracting(
    pipeline_folder: Path, reference: torch.Tensor
) -> None:
    """bf16 rounds the network, not the errors: 7 records keep 7 distinct losses near the float32
    ones.
    """
    found = signals(
        load_target(str(pipeline_folder), precision="bf16"), picture_records(), ["loss"]
    )
    assert found.dtype == torch.float32
    assert len(set(found.flatten().tolist())) == 7
    torch.testing.assert_close(found[:, 0], reference[:, 0], rtol=0.02, atol=0)


def test_conditions_are_paired_and_equal_questions_asked_once() -> None:
    target, records = Toy(), toy_records(5)
    oracle = Oracle(target, records)
    oracle.errors([Question(450), Question(450, NULL), Question(450)])
    oracle.error(450, NULL)
    assert sum(target.calls) == 2 * 5
    torch.testing.assert_close(
        oracle.error(450), oracle.error(450, NULL)
    )  # text-blind: same noise, same answer
    assert not torch.equal(oracle.error(450), oracle.error(450, draw="second"))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_clid_is_zero_for_a_text_blind_model(reduction: str) -> None:
    signal = CLiD(reduction).signal(Oracle(Toy(), toy_records(6)))
    assert torch.equal(signal[:, :-1], torch.zeros(6, len(REDUCTIONS[reduction])))


def test_a_memorising_model_is_found_and_an_honest_one_is_not() -> None:
    records = toy_records(80)
    memory = dict(zip(records.captions[:40], records.images[:40], strict=True))
    member = np.arange(80) < 40
    for target, low, high in ((Toy(memory), 0.99, 1.0), (Toy(), 0.3, 0.7)):
        for attack, column in ((CLiD("null"), 0), (Loss((440, 450, 460)), 0)):
            score = attack.signal(Oracle(target, records))[:, column].double().numpy()
            if isinstance(attack, CLiD) and not target.memory:
                assert not score.any()
            else:
                # 40 + 40 records: an uninformative AUROC has a standard error of 0.065
                assert low <= auroc(curve(score, member)) <= high


def test_exact_loss_of_the_prior() -> None:
    """For z_0 ~ N(0, 1) the best ε̂ is σ·z_t, whose expected error is α²."""
    records = toy_records(2000)
    target = Toy()
    error = Oracle(target, records).error(450)
    alpha = target.schedule(torch.tensor([450]))[0].item()
    # 2000 records × 64 elements of a scaled χ²: relative standard error √(2 / 128 000) = 0.4 %
    assert error.mean().item() == pytest.approx(alpha**2, rel=0.02)


def test_queries_are_those_of_the_paper() -> None:
    counts = count_queries(ATTACKS)
    assert {name: count.asked for name, count in counts.items()} == {
        "loss": 1, "monte_carlo": 3, "secmi": 12, "pia": 2, "pian": 2, "pfami": 110, "pfami_20": 20, "sima": 1,
        "memorised_prompt": 8, "gsa1": 10, "gsa2": 10, "clid_th": 15, "clid_vec": 15, "clid_th_null": 6,
        "clid_vec_null": 6, "clid_th_clip": 15, "clid_vec_clip": 15, "clid_th_noise": 15, "clid_vec_noise": 15,
        "clir": 15, "clir_5": 5, "clir_50": 50,
    }  # fmt: skip
    assert {name: count.backward_asked for name, count in counts.items() if count.backward_asked} == {
        "gsa1": 1, "gsa2": 10,
    }  # fmt: skip
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


def test_noised_embeddings_scale_with_the_embedding(pipeline_folder: Path) -> None:
    oracle = Oracle(load_target(str(pipeline_folder)), picture_records())
    base = oracle.embedding(CAPTION)
    for rate in (0.5, 0.9):
        added = (oracle.embedding(Noised(rate)) - base).flatten(1)
        # 77 × 128 normals: relative standard error of a standard deviation 0.7 %
        torch.testing.assert_close(
            added.std(1) / base.flatten(1).std(1), torch.full((7,), rate), rtol=0.04, atol=0
        )


def test_a_supplied_importance_wins(pipeline_folder: Path) -> None:
    target, records = load_target(str(pipeline_folder)), picture_records(1)
    seen: list[str] = []
    embed = target.embed
    target.embed = lambda captions: (seen.extend(captions), embed(captions))[1]  # type: ignore[method-assign,func-returns-value]
    given = Records(
        records.ids, records.images, records.captions, ((0.0, 0.0, 9.0, 0.0, 0.0, 0.0),)
    )
    Oracle(target, given).embedding(Masked(0.01))
    assert seen == [f"a red {target.end_token} with two eyes"]


def test_the_end_token_is_one_token(pipeline_folder: Path) -> None:
    tokenizer = load_target(str(pipeline_folder)).pipeline.tokenizer
    assert (
        len(tokenizer("a red").input_ids)
        == len(tokenizer(f"a {tokenizer.eos_token}").input_ids)
        == 4
    )


def test_posterior_samples_are_keyed_by_the_record(pipeline_folder: Path) -> None:
    target, records = load_target(str(pipeline_folder)), picture_records()
    sampled = Oracle(target, records, sample_latents=True).latents
    alone = Oracle(target, part(records, [5]), sample_latents=True).latents
    torch.testing.assert_close(sampled[5:6], alone, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(sampled, Oracle(target, records).latents, atol=1e-3)
