"""The ruler, and where other schedules lie on it."""

import torch
from toys import Toy, toy_records

from lit_clid.models.denoiser import Denoiser
from lit_clid.models.diffusion import diffuse, expand
from lit_clid.models.embedding import Embedding
from lit_clid.models.levels import ALPHA, SIGMA, STEPS, TABLE, alpha_sigma, log_snr
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.schedules import RectifiedFlow, VariancePreserving

EVERY = torch.arange(STEPS)
ASK = {"precision": "32", "channels_last": False, "compile": False, "rows": 64}


def test_the_ruler_is_the_table_of_stable_diffusion_to_the_last_digit() -> None:
    with quiet_imports():
        from diffusers import DDIMScheduler
    scheduler = DDIMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
    )
    assert torch.equal(scheduler.alphas_cumprod, TABLE)
    schedule = VariancePreserving(scheduler.alphas_cumprod, "epsilon")
    assert torch.equal(schedule.shown(EVERY).time, EVERY)
    assert torch.equal(torch.stack(schedule.coefficients(EVERY)), torch.stack((ALPHA, SIGMA)))


def test_another_table_is_asked_at_the_nearest_signal_to_noise_ratio() -> None:
    """Of a linear schedule no other entry is nearer; zero terminal SNR is reached by none."""
    betas = torch.linspace(1e-4, 0.02, 1000)
    table = torch.cumprod(1 - betas, 0)
    table[-1] = 0
    schedule = VariancePreserving(table, "v_prediction")
    time = schedule.shown(EVERY).time
    own, ruler = log_snr(*schedule.coefficients(EVERY)), log_snr(ALPHA, SIGMA)
    for t in (0, 1, 250, 777, 999):
        distances = (own - ruler[t]).abs()
        assert distances[time[t]] == distances.min()
    assert bool((time.diff() >= 0).all())
    assert time.max() < 999


def test_a_flow_is_shown_the_same_signal_to_noise_ratio() -> None:
    schedule, z_0, eps = RectifiedFlow(1000, 3.0), torch.randn(1000, 4), torch.randn(1000, 4)
    shown = schedule.shown(EVERY)
    assert shown.scale is not None
    z_t = diffuse(z_0, eps, *alpha_sigma(EVERY))
    s = shown.sigma
    z_s = expand(1 - s, z_0) * z_0 + expand(s, z_0) * eps
    torch.testing.assert_close(expand(shown.scale, z_t) * z_t, z_s)
    torch.testing.assert_close(shown.alpha + shown.sigma, torch.ones(1000))
    torch.testing.assert_close(shown.time, 1000 * s)


class Network(torch.nn.Module):
    """A toy's ε as a network of another parametrisation."""

    def __init__(self, toy: Toy, flow: RectifiedFlow | None) -> None:
        super().__init__()
        self.toy, self.flow = toy, flow

    def forward(self, z: torch.Tensor, time: torch.Tensor, told: Embedding) -> torch.Tensor:
        if self.flow is None:
            return self.toy.eps(z, time, told)
        s = time / self.flow.steps
        own = SIGMA / (ALPHA + SIGMA)
        t = (own[None] - s[:, None]).abs().argmin(1)
        alpha, sigma = (expand(x, z) for x in alpha_sigma(t))
        eps = self.toy.eps((alpha + sigma) * z, t, told)
        return (eps - z) / (1 - expand(s, z))  # u = ε − z_0 with z_0 = (z_s − s·ε) / (1 − s)


def test_a_flow_that_re_expresses_a_vp_model_gives_its_eps_at_every_level() -> None:
    records = toy_records(2)
    toy = Toy({records.captions[0]: records.images[0]})
    told = toy.embed(records.captions)
    flow = RectifiedFlow(1000, 3.0)

    def call(network: Network, z: torch.Tensor, time: torch.Tensor, e: Embedding) -> torch.Tensor:
        return network(z, time, e)

    plain = Denoiser(Network(toy, None), call, VariancePreserving(TABLE, "epsilon"), **ASK)
    other = Denoiser(Network(toy, flow), call, flow, **ASK)
    for step in range(STEPS):
        t = torch.full((2,), step)
        z_t = diffuse(records.images, torch.randn(2, 4, 4, 4), *alpha_sigma(t))
        expected = plain.eps(z_t, t, told)
        assert torch.equal(expected, toy.eps(z_t, t, told))
        # u divides by 1 − s ≥ 0.06, ε = z_s + (1 − s)·u gives it back: float32 rounding of |z| ≤ 4
        torch.testing.assert_close(other.eps(z_t, t, told), expected, rtol=1e-4, atol=2e-5)


def test_drawn_levels_are_those_of_training() -> None:
    dice = torch.Generator().manual_seed(0)
    even = VariancePreserving(TABLE, "epsilon").draw(40_000, dice)
    assert even.dtype == torch.int64
    assert (int(even.min()), int(even.max())) == (0, 999)
    # 40 000 even draws from 0…999: standard error of the mean 1.4
    assert abs(float(even.double().mean()) - 499.5) < 6
    unshifted, shifted = (RectifiedFlow(1000, shift).draw(40_000, dice) for shift in (1.0, 3.0))
    # the logit of s is standard normal, moved by log 3: standard error of a median 0.006
    for s, median in ((unshifted, 0.0), (shifted, torch.tensor(3.0).log().item())):
        assert abs(float(s.double().logit().median()) - median) < 0.03
        assert abs(float(s.double().logit().std()) - 1) < 0.03
