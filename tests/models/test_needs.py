"""What a model takes, reckoned from shapes, against the same call on the model itself."""

from pathlib import Path

import pytest
import torch
import zoo
from pipelines import make_pipeline, make_sd3, make_sdxl

from lit_clid.config.options.training import FineTuneOptions
from lit_clid.errors import UserError
from lit_clid.models.hollow import hollow
from lit_clid.models.load import load_target
from lit_clid.models.needs import Ask, _run, reckon
from lit_clid.training.chosen import choose

MAKERS = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: lambda folder, name=name: zoo.make(name, folder) for name in zoo.ZOO},
}
LONG = "word " * 700
"""More than any encoder takes, so that no place of an embedding is masked."""


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("needs") / "tiny")


def test_a_call_takes_what_was_reckoned(folder: Path) -> None:
    target = load_target(str(folder), channels_last=False)
    ask = Ask(side=64, rows=2, images=3, dtype=torch.float32)
    needs = reckon(str(folder), ask)
    told = target.embed([LONG, LONG])
    shapes = target.family.told(target.denoiser.network)
    assert {name: tuple(told[name].shape[1:]) for name in told} == shapes
    z, time = torch.zeros(2, *target.latent_shape(torch.zeros(1, 3, 64, 64))), torch.ones(2)
    call = target.denoiser.call

    def answer() -> None:
        with torch.no_grad():
            call(target.denoiser.network, z.clone(), time, told.to(torch.float32))

    work, live = _run(answer, 0)
    assert 2 * needs.work == pytest.approx(work, rel=0.02)
    assert needs.call == pytest.approx(live, rel=0.15)
    parameters = sum(p.numel() for p in target.denoiser.network.parameters())
    assert (needs.network, needs.trained, needs.side) == (parameters, 0, 64)


def test_training_takes_more_and_checkpointing_less_again(tmp_path: Path) -> None:
    folder = zoo.make("flux dev", tmp_path / "tiny")
    family, _ = hollow(str(folder))

    def needs(**changes: object) -> tuple[float, int, int]:
        options = FineTuneOptions(**changes)  # type: ignore[arg-type]
        select = lambda network: choose(network, family, options)  # noqa: E731
        found = reckon(str(folder), Ask(64, 4, 4, torch.float32, select))
        return found.work, found.call, found.trained

    asked = reckon(str(folder), Ask(64, 4, 4, torch.float32))
    whole, lora = needs(train="transformer"), needs(train="lora")
    assert whole[0] > 2.9 * asked.work
    assert whole[1] > 2 * asked.call
    assert 0 < lora[2] < whole[2] == asked.network
    assert needs(train="transformer", gradient_checkpointing=True)[1] < whole[1]


def test_half_precision_takes_half_and_weights_are_never_read(tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "tiny")
    full = reckon(str(folder), Ask(64, 8, 8, torch.float32))
    for weights in folder.rglob("*.safetensors"):
        weights.write_bytes(b"")
    half = reckon(str(folder), Ask(64, 8, 8, torch.bfloat16))
    assert half.call < 0.7 * full.call
    assert half.work == full.work


def test_a_size_that_it_does_not_take_is_one_clear_line(tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "tiny")
    with pytest.raises(UserError, match=r"data\.resolution: 60 is not a multiple of 8; give one"):
        reckon(str(folder), Ask(60, 1, 1, torch.float32))
    (folder / "unet" / "config.json").write_text('{"_class_name": "UNet2DConditionModel", "x": ')
    with pytest.raises(UserError, match="the part unet is not to be built from its config"):
        reckon(str(folder), Ask(64, 1, 1, torch.float32))
