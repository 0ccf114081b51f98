"""Frozen weights in half precision: what autocast makes of them, and what is exported."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import zoo
from asked import plain_pipeline
from pipelines import make_pipeline, make_sd3, make_sdxl
from tuning import recipe, tune

from lit_clid.data.split import Split
from lit_clid.models.halved import Halved, to_halve
from lit_clid.models.load import check_target, load_target
from lit_clid.models.samples import draw_samples
from lit_clid.training.chosen import choose
from lit_clid.training.exported import finish

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight"),
]

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: partial(zoo.make, name) for name in zoo.ZOO},
}
MIXED = {"precision": "bf16-mixed"}


@pytest.mark.parametrize("family", MAKERS)
def test_halved_weights_change_no_residual(family: str, tmp_path: Path) -> None:
    target = load_target(str(MAKERS[family](tmp_path / "base")), channels_last=False)
    network, denoiser = target.denoiser.network, target.denoiser
    choose(network, target.family, recipe(train="lora", lora_rank=4))
    shape = target.latent_shape(torch.zeros(1, 3, 64, 64))
    z_0, eps = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(1))
    level = denoiser.draw_levels(3, torch.Generator().manual_seed(2))
    told = target.embed(["a fox", "two birds on a wire", ""])

    @torch.no_grad()
    def residual() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return denoiser.residual(z_0, eps, level, told)

    before, size = residual(), sum(p.nbytes for p in network.parameters())
    frozen = sum(p.numel() for p in to_halve(network))
    denoiser.halve(torch.bfloat16)
    assert torch.equal(residual(), before)
    assert sum(p.nbytes for p in network.parameters()) == size - 2 * frozen < 0.65 * size


@pytest.mark.parametrize("train", ["lora", "attention"])
def test_an_export_holds_the_base_s_own_weights(train: str, split: Split, tmp_path: Path) -> None:
    base = make_pipeline(tmp_path / "base")
    options = recipe(train=train, lora_rank=4, learning_rate=0.1, ema_decay=0.5)
    module, trainer, _ = tune(base, split, tmp_path / "logs", options, 3, **MIXED)
    assert any(p.dtype == torch.bfloat16 for p in module.network.parameters())
    finish(module, trainer, tmp_path / "model", {})
    part = check_target(str(base)).network
    before = getattr(plain_pipeline(base), part).state_dict()
    after = getattr(plain_pipeline(tmp_path / "model"), part).state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    names = ("to_q", "to_k", "to_v", "to_out")
    assert moved and all(any(name in key for name in names) for key in moved)


def test_a_target_in_training_can_be_asked_and_draws(split: Split, tmp_path: Path) -> None:
    base = make_pipeline(tmp_path / "base")
    options = recipe(train="lora", lora_rank=4)
    module, *_ = tune(base, split, tmp_path / "logs", options, 1, **MIXED)
    target, images = module.target, torch.zeros(1, 3, 64, 64)
    z = torch.randn(2, *target.latent_shape(images))
    found = target.eps(z, torch.tensor([100, 450]), target.embed(["a", "b"]))
    assert found.dtype == torch.float32 and found.isfinite().all()
    drawn = draw_samples(target, ["one"], ["a fox"], 64, 0, steps=2)
    assert len(drawn.images) == 1


def test_an_average_shares_what_is_not_trained(split: Split, tmp_path: Path) -> None:
    import copy

    base = make_pipeline(tmp_path / "base")
    options = recipe(train="lora", lora_rank=4, ema_decay=None)
    module, *_ = tune(base, split, tmp_path / "logs", options, 1)
    pairs = zip(module.parameters(), copy.deepcopy(module).parameters(), strict=True)
    for own, other in pairs:
        assert (own is other) == (not own.requires_grad)


def test_whole_weights_are_kept_only_where_rounding_changes_them() -> None:
    layer = torch.nn.Linear(4, 4).requires_grad_(False)
    layer.weight.data = layer.weight.data.bfloat16().float()
    halved = Halved(layer, torch.bfloat16)
    assert list(halved._whole) == ["bias"]
    copied = halved.copied(layer)
    assert copied.weight.dtype == copied.bias.dtype == torch.float32
    assert not torch.equal(copied.bias, layer.bias.float())
