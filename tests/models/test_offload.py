"""Text encoders that stay on the CPU: what they say goes where the denoiser is."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import zoo
from pipelines import make_pipeline, make_sd3, make_sdxl

from lit_clid.models.load import load_target

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: partial(zoo.make, name) for name in zoo.ZOO},
}
META = torch.device("meta")
"""Stands for an accelerator: what lies there has no values, and is nowhere else."""


@pytest.mark.parametrize("family", MAKERS)
def test_encoders_stay_and_embeddings_move(family: str, tmp_path: Path) -> None:
    base = MAKERS[family](tmp_path / "base")
    plain, target = load_target(str(base)), load_target(str(base), offload=True)
    texts = ["a red critter", "two eyes", ""]
    expected, found = plain.embed(texts), target.embed(texts)
    for name in expected:
        assert torch.equal(found[name], expected[name])
    assert torch.equal(target.pooled(texts), plain.pooled(texts))
    z = torch.randn(3, *plain.latent_shape(torch.zeros(1, 3, 64, 64)))
    t = torch.full((3,), 450)
    assert torch.equal(target.eps(z, t, found), plain.eps(z, t, expected))
    assert len(target.sample(texts[:1], z[:1], steps=2)) == 1
    target.to(META)
    moved = target.embed(texts)
    for name in expected:
        assert moved[name].device == META and moved[name].shape == expected[name].shape
    assert target.pooled(texts).device == META
    network = target.denoiser.network
    assert {p.device for p in network.parameters()} == {META}
    for part in target.encoders[len(target.latents.networks) :]:
        assert {p.device for p in part.parameters()} == {torch.device("cpu")}


def test_encoders_that_rest_come_back_while_they_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = load_target(str(make_sdxl(tmp_path / "base")))
    texts, moves = ["a red critter", ""], list[str]()

    def went(device: torch.device | str) -> None:
        moves.append(str(device))

    for part in target.encoders:
        monkeypatch.setattr(part, "to", went)
    each = len(target.encoders)
    come, go = each * ["meta"], each * ["cpu"]

    def ask() -> None:
        assert target.embed(texts)["tokens"].device == META
        target.pooled(texts)

    target.rest()
    assert not moves  # it lies on the CPU
    target.device = META
    ask()
    assert not moves  # they never left
    target.rest()
    assert moves == go
    ask()
    assert moves == go + 2 * (come + go)
    moves.clear()
    with target.awake():
        assert not moves  # nobody asked yet
        with target.awake():
            ask()
        ask()
        assert moves == come
    assert moves == come + go
    with target.awake():
        pass
    assert moves == come + go
    moves.clear()

    def fails() -> None:
        ask()
        raise ValueError("of the asker")

    with pytest.raises(ValueError, match="of the asker"), target.awake():
        fails()
    assert moves == come + go
