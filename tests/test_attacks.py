"""Every attack against a literal twin of its equation, closed forms, and toys that leak or do
not.
"""

from collections.abc import Callable
from dataclasses import replace
from math import pi, sqrt

import numpy as np
import pytest
import torch
from toys import Toy, toy_records

from lit_clid.auditing.attacks import (
    ATTACKS,
    GSA,
    PFAMI,
    PIA,
    PIAN,
    CLiD,
    CLiR,
    Loss,
    MemorisedPrompt,
    SecMI,
    SimA,
)
from lit_clid.auditing.attacks.clir import DECOYS
from lit_clid.auditing.conditions import CAPTION, NULL, Given, Masked, condition_named
from lit_clid.auditing.oracle import Oracle, Records
from lit_clid.auditing.views import Crop
from lit_clid.judging.evidence import auroc, curve
from lit_clid.models.diffusion import Target, as_steps
from lit_clid.models.gradients import GradientNorms, gradient_norms, parameter_names, unreachable
from lit_clid.models.load import load_target
from lit_clid.randomness import noise

GREY_BOX = [name for name, attack in ATTACKS.items() if not isinstance(attack, GSA)]


class Constant(Toy):
    """Predicts the same ε whatever it is shown."""

    def eps(self, z_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(z_t))
        return torch.linspace(-1, 1, z_t[0].numel()).view(z_t[0].shape).expand_as(z_t)


def leaky() -> tuple[Toy, Records]:
    """A toy that remembers the first half of 80 records."""
    records = toy_records(80)
    return Toy(dict(zip(records.captions[:40], records.images[:40], strict=True))), records


class Alone:
    """One record, one model, numpy scalars: the equations as the papers print them."""

    def __init__(self, target: Toy, records: Records, row: int, seed: int = 0) -> None:
        self.target, self.seed, self.name = target, seed, records.ids[row]
        self.z_0, self.caption = records.images[row : row + 1], records.captions[row]

    def alpha_sigma(self, t: int) -> tuple[float, float]:
        alpha, sigma = self.target.schedule(torch.tensor([t]))
        return float(alpha), float(sigma)

    def eps(self, z: torch.Tensor, t: int, caption: str | None = None) -> torch.Tensor:
        condition = self.target.embed([self.caption if caption is None else caption])
        return self.target.eps(z, torch.tensor([t]), condition)

    def phi(self, z: torch.Tensor, a: int, b: int) -> torch.Tensor:
        (alpha_a, sigma_a), (alpha_b, sigma_b) = self.alpha_sigma(a), self.alpha_sigma(b)
        eps = self.eps(z, a)
        return alpha_b * (z - sigma_a * eps) / alpha_a + sigma_b * eps

    def loss(self, z_0: torch.Tensor, t: int) -> float:
        alpha, sigma = self.alpha_sigma(t)
        eps = noise(self.seed, [self.name], f"t={t}/", z_0.shape[1:])
        return float((self.eps(alpha * z_0 + sigma * eps, t) - eps).square().mean())

    def secmi(self) -> float:
        z = self.z_0
        for a in range(0, 100, 10):
            z = self.phi(z, a, a + 10)
        return -float((self.phi(self.phi(z, 100, 110), 110, 100) - z).square().sum())

    def pia(self) -> float:
        return self.pia_with(self.eps(self.z_0, 0))

    def pian(self) -> float:
        e_0 = self.eps(self.z_0, 0)
        return self.pia_with(e_0 / e_0.abs().mean() * sqrt(2 / pi))

    def pia_with(self, e_0: torch.Tensor) -> float:
        alpha, sigma = self.alpha_sigma(200)
        return -float((e_0 - self.eps(alpha * self.z_0 + sigma * e_0, 200)).abs().pow(4).sum())

    def pfami(self) -> float:
        rises = [
            (self.loss(Crop(share).apply(self.z_0), t) - self.loss(self.z_0, t))
            / self.loss(self.z_0, t)
            for share in np.linspace(0.95, 0.70, 10).round(6)
            for t in range(0, 451, 50)
        ]
        return float(np.mean(rises))

    def pfami_20(self) -> float:
        crop = Crop(0.825).apply(self.z_0)
        return float(
            np.mean([self.loss(crop, t) - self.loss(self.z_0, t) for t in range(1, 452, 50)])
        )

    def sima(self) -> float:
        return -float(self.eps(self.z_0, 100).abs().pow(4).sum())

    def clir(self) -> list[float]:
        def log_ratio(t: int, eps: torch.Tensor) -> float:
            alpha, sigma = self.alpha_sigma(t)

            def log_loss(caption: str | None) -> float:
                error = self.eps(alpha * self.z_0 + sigma * eps, t, caption) - eps
                return float(np.log(max(float(error.square().mean()), 1e-12)))

            others = [words.removeprefix("text:") for words in DECOYS[:4]]
            return float(np.mean([log_loss(other) for other in others])) - log_loss(None)

        draws = {
            t: noise(self.seed, [self.name], f"t={t}/", self.z_0.shape[1:]) for t in (300, 400)
        }
        noisy = [log_ratio(t, eps) for t, eps in draws.items()]
        return [log_ratio(300, torch.zeros_like(self.z_0)), float(np.mean(noisy))]

    def memorised_prompt(self) -> float:
        starts = [
            noise(self.seed, [self.name], f"t=981/{k}", self.z_0.shape[1:]) for k in ("", 1, 2, 3)
        ]
        return float(
            np.mean([float((self.eps(z, 981) - self.eps(z, 981, "")).norm()) for z in starts])
        )


@pytest.mark.parametrize(
    "name", ["secmi", "pia", "pian", "pfami", "pfami_20", "sima", "memorised_prompt"]
)
def test_attacks_equal_their_equations(name: str) -> None:
    target, records = leaky()
    found = ATTACKS[name].signal(Oracle(target, records))[:, 0]
    for row in (0, 1, 39, 40, 79):
        # float32 sums of 64 terms in another order; SecMI and PIA subtract nearly equal tensors
        assert float(found[row]) == pytest.approx(
            getattr(Alone(target, records, row), name)(), rel=1e-3, abs=1e-6
        )


def test_clir_equals_its_equation() -> None:
    target, records = leaky()
    found = CLiR().signal(Oracle(target, records))
    for row in (0, 39, 40, 79):
        np.testing.assert_allclose(
            found[row].numpy(), Alone(target, records, row).clir(), rtol=1e-4, atol=1e-5
        )
    assert torch.equal(CLiR().signal(Oracle(Toy(), records)), torch.zeros(80, 2))  # blind to text
    assert [len(replace(CLiR(), **{kind: ()}).columns(target)) for kind in ("t", "still")] == [1, 1]


@pytest.mark.parametrize("name", GREY_BOX)
def test_a_memorising_model_is_found_and_an_honest_one_is_not(name: str) -> None:
    target, records = leaky()
    member = np.arange(80) < 40

    def found(model: Toy) -> float:
        signal = ATTACKS[name].signal(Oracle(model, records)).double()
        return float(auroc(curve(signal.mean(1).numpy(), member)))

    assert found(target) > (
        0.85 if name == "pian" else 0.95
    )  # PIAN blows up a near-zero answer to unit size
    # 40 + 40 records: an uninformative AUROC has a standard error of 0.065
    assert 0.3 < found(Toy()) < 0.7


def test_a_model_blind_to_everything_walks_there_and_back() -> None:
    oracle = Oracle(Constant(), toy_records(4))
    # a constant ε makes DDIM steps exact: they only move along a straight line and return
    torch.testing.assert_close(SecMI().signal(oracle), torch.zeros(4, 1), rtol=0, atol=1e-10)
    assert torch.equal(PIA().signal(oracle), torch.zeros(4, 1))
    assert torch.equal(MemorisedPrompt().signal(oracle), torch.zeros(4, 1))


def test_sima_is_a_norm_of_a_known_tensor() -> None:
    oracle = Oracle(Constant(), toy_records(3))
    for p in (1, 2, 4):
        expected = -np.sum(np.abs(np.linspace(-1, 1, 64)) ** p)
        np.testing.assert_allclose(SimA(p=p).signal(oracle).numpy(), expected, rtol=1e-5)


def test_pian_does_not_care_how_large_the_first_answer_is() -> None:
    e_0 = torch.randn(5, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    scaled = PIAN().noise(e_0)
    torch.testing.assert_close(scaled.abs().mean((1, 2, 3)), torch.full((5,), sqrt(2 / pi)))
    torch.testing.assert_close(PIAN().noise(7 * e_0), scaled)
    assert torch.equal(PIA().noise(e_0), e_0)


def test_pfami_is_zero_where_the_crop_changes_nothing() -> None:
    """A flat image is its own crop."""
    records = toy_records(3)
    flat = replace(records, images=torch.ones_like(records.images))
    torch.testing.assert_close(
        PFAMI().signal(Oracle(Toy(), flat)), torch.zeros(3, 1), rtol=0, atol=1e-5
    )


def test_crops_keep_the_middle_and_the_size() -> None:
    images = torch.arange(64.0).view(1, 1, 8, 8)
    assert torch.equal(Crop(0.999).apply(images), images)
    centre = Crop(0.5).apply(images)
    assert centre.shape == images.shape
    assert (centre.min(), centre.max()) == (images[0, 0, 2, 2], images[0, 0, 5, 5])
    assert centre.mean() == images.mean()


@pytest.mark.parametrize(
    ("attack", "column"), [(Loss(), 0), (SimA(), 0), (PIA(), 0), (CLiD("clip"), -1)]
)
def test_conditions_are_the_caption_the_empty_one_or_the_users(
    attack: Loss | SimA | PIA | CLiD, column: int
) -> None:
    """Another text of the auditor's is what every record would get if it were its caption."""
    target, records = leaky()
    words = records.captions[3]
    given = replace(attack, condition=f"text:{words}").signal(Oracle(target, records))
    spoken = replace(records, captions=(words,) * 80)
    torch.testing.assert_close(given, attack.signal(Oracle(target, spoken)))
    if not isinstance(attack, CLiD):
        empty = replace(attack, condition="empty").signal(Oracle(target, records))
        torch.testing.assert_close(empty, attack.signal(Oracle(Toy(), records)))


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


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SecMI(t=105), "not a positive multiple"),
        (lambda: SecMI(k=0), "not a positive multiple"),
        (lambda: PFAMI(crops=(1.5,)), "shares between 0 and 1"),
        (lambda: PFAMI(scale="both"), "not relative or absolute"),
        (lambda: GSA(norms="all"), "not of_mean or mean_of"),
        (lambda: CLiD("half"), "reduction 'half'"),
        (lambda: CLiD(condition="empty"), "leaves nothing to reduce"),
        (lambda: MemorisedPrompt(condition="empty"), "leaves nothing to compare"),
        (lambda: MemorisedPrompt(draws=0), "at least 1"),
        (lambda: Loss(condition="nothing"), "condition 'nothing'"),
        (lambda: Loss(rule="boosted_trees"), "rule 'boosted_trees' is not first"),
    ],
)
def test_senseless_parameters_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_timestep_outside_the_schedule_is_refused(name: str) -> None:
    late = 5000 if isinstance(ATTACKS[name].t, int) else (5000,)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="outside the model's schedule"):
        replace(ATTACKS[name], t=late).check(Toy(), ["a caption"])  # type: ignore[call-arg]


def test_one_word_captions_have_no_parts() -> None:
    for reduction in ("clip", "importance"):
        attack = CLiD(reduction)
        with pytest.raises(ValueError, match="every caption is one word"):
            attack.check(Toy(), ["comet", "moon"])
        assert attack.check(Toy(), ["comet", "full moon"]).startswith(
            "1 of 2 captions are one word"
        )
        assert not attack.check(Toy(), ["new moon", "full moon"])
    assert not CLiD("null").check(Toy(), ["comet"])


class Linear(Target):
    """ε_θ = W·z, a linear layer: gradients in closed form."""

    timesteps, end_token, rows = 1000, "<end>", 64

    def __init__(self, side: int = 3) -> None:
        torch.manual_seed(0)
        self.network = torch.nn.Linear(side, side)

    def latent_shape(self, images: torch.Tensor) -> tuple[int, int, int]:
        return images.shape[1:]  # type: ignore[return-value]

    def encode(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        return images

    def embed(self, captions: object) -> torch.Tensor:
        return torch.zeros(len(captions), 1, 1)  # type: ignore[arg-type]

    pooled = embed

    def eps(self, z_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.network(z_t)

    def schedule(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return 1 - t / 2000, t / 2000

    @property
    def refuses_gradients(self) -> str:
        return ""

    def gradient_norms(
        self,
        z_t: torch.Tensor,
        t: torch.Tensor,
        condition: torch.Tensor,
        eps: torch.Tensor,
        steps: int,
    ) -> GradientNorms:
        return gradient_norms(
            self.network, lambda: (self.network(z_t) - eps).square().flatten(1).mean(1), steps
        )


def test_gsa_norms_of_a_linear_model() -> None:
    """ℓ = mean (W·z + b − ε)² has ∂ℓ/∂W = 2/n · Σ (W·z + b − ε)·zᵀ and ∂ℓ/∂b = 2/n · Σ (W·z + b
    − ε).
    """
    target = Linear()
    images = torch.randn(4, 2, 5, 3, generator=torch.Generator().manual_seed(1))
    records = Records(tuple("abcd"), images, tuple("abcd"))
    oracle, t = Oracle(target, records), (100, 400, 700)
    with torch.no_grad():
        for norms in ("of_mean", "mean_of"):
            found = GSA(t, norms).signal(oracle)
            for row in range(4):
                gradients = []
                for step in t:
                    eps = oracle.noise(step)[row].reshape(-1, 3)
                    z = (1 - step / 2000) * images[row].reshape(-1, 3) + step / 2000 * eps
                    rest = z @ target.network.weight.T + target.network.bias - eps
                    gradients.append((2 / 30 * rest.T @ z, 2 / 30 * rest.sum(0)))
                for column in (0, 1):
                    parts = torch.stack([pair[column] for pair in gradients])
                    mean = (
                        parts.mean(0).norm()
                        if norms == "of_mean"
                        else parts.flatten(1).norm(dim=1).mean()
                    )
                    assert float(found[row, column]) == pytest.approx(-float(mean), rel=1e-5)


def test_gsa_finds_what_a_linear_model_was_fitted_to() -> None:
    """W fitted to the members' own noise: their gradients vanish, those of hold-outs do not."""
    target, images = Linear(4), torch.randn(12, 1, 1, 4, generator=torch.Generator().manual_seed(2))
    records = Records(tuple(f"r{k}" for k in range(12)), images, tuple(f"r{k}" for k in range(12)))
    oracle, t = Oracle(target, records), (500,)
    member = np.arange(12) < 4

    def found() -> float:
        oracle._gradients.clear()
        with torch.no_grad():
            return float(auroc(curve(GSA(t).signal(oracle).sum(1).double().numpy(), member)))

    assert 0.1 < found() < 0.9  # 4 + 8 records: a standard error of 0.18
    eps = oracle.noise(500)[:, 0, 0]
    z = torch.cat([0.75 * images[:, 0, 0] + 0.25 * eps, torch.ones(12, 1)], dim=1)
    solution = torch.linalg.lstsq(z[:4], eps[:4], driver="gelsd").solution
    with torch.no_grad():
        target.network.weight.copy_(solution[:4].T)
        target.network.bias.copy_(solution[4])
    assert found() == 1.0


@pytest.mark.parametrize("rows", [1, 20, 64])
@pytest.mark.parametrize("fixture", ["pipeline_folder", "v_pipeline_folder"])
def test_gsa_equals_one_backward_per_loss(
    fixture: str, rows: int, request: pytest.FixtureRequest
) -> None:
    """Of every parameter tensor of a real U-Net, whatever the batch."""
    target = load_target(str(request.getfixturevalue(fixture)), rows=rows)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(3, 3, 64, 64, generator=generator) * 2 - 1
    records = Records(tuple("abc"), images, ("a red critter", "two eyes on green", "ground"))
    oracle, t = Oracle(target, records, seed=3), (50, 400, 950)
    found = oracle.gradient_norms(t, CAPTION, 0)
    network = target.network
    names = dict(network.named_parameters())
    assert sorted(target.parameter_names) == sorted(names)
    parameters = [names[name].requires_grad_(True) for name in target.parameter_names]
    for row in range(3):
        gradients = []
        for step in t:
            z_t, steps, condition, eps = (
                part[row : row + 1] for part in oracle._ask(_question(step))
            )
            loss = target._losses(z_t, steps, condition, eps).sum()
            gradients.append(torch.autograd.grad(loss, parameters))
        for k, name in enumerate(target.parameter_names):
            parts = torch.stack([g[k] for g in gradients])
            # float32 gradients summed in another order; tensors whose gradient is all rounding are
            # below the floor
            floor = 1e-6 * float(parts.norm()) + 1e-7
            expected = parts.flatten(1).norm(dim=1)
            torch.testing.assert_close(
                found.each[row, :, k], expected, rtol=1e-3, atol=floor, msg=name
            )
            torch.testing.assert_close(
                found.mean[row, k], parts.mean(0).norm(), rtol=1e-3, atol=floor, msg=name
            )
    for parameter in parameters:
        parameter.requires_grad_(False)


def _question(t: int) -> object:
    from lit_clid.auditing.oracle import Question

    return Question(t)


def test_gradients_of_what_is_quantised_or_unknown_are_refused(pipeline_folder: object) -> None:
    target = load_target(str(pipeline_folder))
    assert GSA().check(target, ["a"]) == ""
    layer = target.network.conv_in
    layer.weight = torch.nn.Parameter(layer.weight.to(torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match=r"needs gradients, and conv_in\.weight are quantised"):
        GSA().check(target, ["a"])
    assert unreachable(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.PReLU())) == ["1.weight"]
    assert parameter_names(torch.nn.Linear(2, 2, bias=False)) == ("weight",)
    assert unreachable(torch.nn.Conv2d(1, 1, 3, padding="same", bias=False)) == ["weight"]
    with pytest.raises(ValueError, match="float16 gradients underflow"):
        GSA().check(load_target(str(pipeline_folder), precision="16"), ["a"])
    with pytest.raises(ValueError, match="out of reach"):
        GSA().check(Toy(), ["a"])


def test_equal_answers_are_evaluated_once() -> None:
    """PIA, PIAN and SecMI begin with the same question, GSA1 and GSA2 ask the same gradients."""
    target, records = leaky()
    oracle = Oracle(target, records)
    for attack, new in ((PIA(), 2), (PIAN(), 1), (SecMI(), 11), (PIA(), 1), (SimA(t=(0,)), 0)):
        before = sum(target.calls)
        attack.signal(oracle)
        assert sum(target.calls) - before == new * 80, attack
    gradients = Oracle(Linear(), Records(("a",), torch.ones(1, 1, 1, 3), ("a",)))
    GSA().signal(gradients)
    first = gradients.count()
    GSA(norms="mean_of").signal(gradients)
    second = gradients.count()
    assert (first.asked, first.evaluated, first.backward_asked, first.backward_evaluated) == (
        10,
        10,
        1,
        10,
    )
    assert (second.asked, second.evaluated, second.backward_asked, second.backward_evaluated) == (
        10,
        0,
        10,
        0,
    )


def test_noise_is_keyed_by_record_and_step() -> None:
    oracle = Oracle(Toy(), toy_records(2))
    assert torch.equal(oracle.noise(450)[1:], noise(0, ["r1"], "t=450/", (4, 4, 4)))
    assert torch.equal(as_steps(450, oracle.latents), torch.tensor([450, 450]))
