"""The oracle's answers: literal twins and invariances."""

from pathlib import Path

import pytest
import torch
from pipelines import naive_loss
from toys import Toy, leaky, part, picture_records, toy_records

from lit_clid.auditing.attacks import ATTACKS, GSA, PIA, PIAN, SecMI, SimA
from lit_clid.auditing.conditions import CAPTION, NULL, Masked, Noised, Third
from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch, Count, Question
from lit_clid.models.levels import alpha_sigma, as_steps
from lit_clid.models.load import load_target
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.randomness import noise

ASKED = [name for name in ATTACKS if name not in ("pfami", "clir_50")]
"""All kinds of attacks; the two with most queries have smaller siblings of the same class."""


def signals(
    target: PipelineTarget | Toy, records: Batch, names: list[str] | None = None
) -> torch.Tensor:
    oracle = ModelOracle(target, records, seed=3)
    return torch.cat([ATTACKS[name].signal(oracle) for name in names or ASKED], dim=1)


@pytest.mark.parametrize("fixture", ["pipeline_folder", "v_pipeline_folder"])
def test_losses_equal_plain_diffusers_calls(fixture: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(fixture)
    records, target = picture_records(), load_target(str(folder))
    oracle = ModelOracle(target, records, seed=3)
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


@pytest.fixture(scope="module")
def reference(pipeline_folder: Path) -> torch.Tensor:
    return signals(load_target(str(pipeline_folder)), picture_records())


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    # losses are about 1; D is a difference of two, so its error is relative to them
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "rows"), [(1, 64), (2, 5), (7, 1), (7, 5)])
def test_batch_size_changes_no_signal(
    pipeline_folder: Path, reference: torch.Tensor, size: int, rows: int
) -> None:
    records, target = picture_records(), load_target(str(pipeline_folder), rows=rows)
    parts = [signals(target, part(records, range(k, min(k + size, 7)))) for k in range(0, 7, size)]
    assert_same(torch.cat(parts), reference)


@pytest.mark.slow
def test_order_and_company_change_no_signal(pipeline_folder: Path, reference: torch.Tensor) -> None:
    target, order = load_target(str(pipeline_folder)), [4, 2, 6, 0, 5, 1, 3]
    assert_same(signals(target, part(picture_records(), order)), reference[order])
    alone = [signals(target, picture_records(), [name]) for name in reversed(ASKED)]
    assert_same(torch.cat(alone[::-1], dim=1), reference)


@pytest.mark.slow
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
    """bf16 rounds the network, not the errors: 7 records keep 7 losses near the float32 ones."""
    found = signals(
        load_target(str(pipeline_folder), precision="bf16"), picture_records(), ["loss"]
    )
    assert found.dtype == torch.float32
    assert len(set(found.flatten().tolist())) == 7
    torch.testing.assert_close(found[:, 0], reference[:, 0], rtol=0.02, atol=0)


def test_conditions_are_paired_and_equal_questions_asked_once() -> None:
    target, records = Toy(), toy_records(5)
    oracle = ModelOracle(target, records)
    oracle.errors([Question(450), Question(450, NULL), Question(450)])
    oracle.error(450, NULL)
    assert sum(target.calls) == 2 * 5
    torch.testing.assert_close(
        oracle.error(450), oracle.error(450, NULL)
    )  # text-blind: same noise, same answer
    assert not torch.equal(oracle.error(450), oracle.error(450, draw="second"))


def test_exact_loss_of_the_prior() -> None:
    """For z_0 ~ N(0, 1) the best ε̂ is σ·z_t, whose expected error is α²."""
    records = toy_records(2000)
    target = Toy()
    error = ModelOracle(target, records).error(450)
    alpha = alpha_sigma(torch.tensor(450))[0].item()
    # 2000 records × 64 elements of a scaled χ²: relative standard error √(2 / 128 000) = 0.4 %
    assert error.mean().item() == pytest.approx(alpha**2, rel=0.02)


def test_noised_embeddings_scale_with_the_embedding(pipeline_folder: Path) -> None:
    oracle = ModelOracle(load_target(str(pipeline_folder)), picture_records())
    base = oracle.embedding(CAPTION)["tokens"]
    for rate in (0.5, 0.9):
        added = (oracle.embedding(Noised(rate))["tokens"] - base).flatten(1)
        # 77 × 128 normals: relative standard error of a standard deviation 0.7 %
        torch.testing.assert_close(
            added.std(1) / base.flatten(1).std(1), torch.full((7,), rate), rtol=0.04, atol=0
        )


def test_a_supplied_importance_wins(pipeline_folder: Path) -> None:
    target, records = load_target(str(pipeline_folder)), picture_records(1)
    seen: list[str] = []
    embed = target.embed
    target.embed = lambda *texts: (seen.extend(texts[0]), embed(*texts))[1]  # type: ignore[method-assign,func-returns-value]
    given = Batch(records.ids, records.images, records.captions, ((0.0, 0.0, 9.0, 0.0, 0.0, 0.0),))
    ModelOracle(target, given).embedding(Masked(0.01))
    assert seen == [f"a red {target.mask_tokens[0]} with two eyes"]


def test_posterior_samples_are_keyed_by_the_record(pipeline_folder: Path) -> None:
    target, records = load_target(str(pipeline_folder)), picture_records()
    sampled = ModelOracle(target, records, sample_latents=True).latents
    alone = ModelOracle(target, part(records, [5]), sample_latents=True).latents
    torch.testing.assert_close(sampled[5:6], alone, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(sampled, ModelOracle(target, records).latents, atol=1e-3)


def test_equal_answers_are_evaluated_once() -> None:
    """PIA, PIAN and SecMI begin with the same question, GSA1 and GSA2 ask the same gradients."""
    target, records = leaky()
    oracle = ModelOracle(target, records)
    for attack, new in ((PIA(), 2), (PIAN(), 1), (SecMI(), 11), (PIA(), 1), (SimA(t=(0,)), 0)):
        before = sum(target.calls)
        attack.signal(oracle)
        assert sum(target.calls) - before == new * 80, attack
    ledger = count_queries({"gsa1": GSA(), "gsa2": GSA(norms="mean_of")})
    first, second = ledger["gsa1"], ledger["gsa2"]
    assert first == Count(asked=10, evaluated=10, backward_asked=1, backward_evaluated=10)
    assert second == Count(asked=10, evaluated=0, backward_asked=10, backward_evaluated=0)


def test_noise_is_keyed_by_record_and_step() -> None:
    oracle = ModelOracle(Toy(), toy_records(2))
    assert torch.equal(oracle.noise(450)[1:], noise(0, ["r1"], "t=450/", (4, 4, 4)))
    assert torch.equal(as_steps(450, oracle.latents), torch.tensor([450, 450]))
