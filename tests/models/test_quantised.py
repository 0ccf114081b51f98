"""A transformer that torchao quantised: asked as it is, neither cast nor trained nor added to."""

from pathlib import Path
from typing import Any

import pytest
import torch
from adapters import draw, network_of, save_diffusers
from pipelines import make_sd3
from runs import SMALL, Run

from lit_clid.errors import UserError
from lit_clid.models.load import load_target
from lit_clid.source import Source

torchao: Any = pytest.importorskip("torchao.quantization", exc_type=ImportError)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sd3(tmp_path_factory.mktemp("sd3") / "base", t5=False)


@pytest.fixture(scope="module")
def quantised(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from diffusers import SD3Transformer2DModel, TorchAoConfig

    target = load_target(str(base), channels_last=False)
    way = TorchAoConfig(torchao.Int8WeightOnlyConfig())
    target.pipeline.transformer = SD3Transformer2DModel.from_pretrained(
        base / "transformer", quantization_config=way, torch_dtype=torch.float32
    )
    folder = tmp_path_factory.mktemp("quantised") / "model"
    target.pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def test_it_answers_nearly_as_the_base_does(base: Path, quantised: Path) -> None:
    """Eight bits a weight: an error of 1/256 of each row's largest."""
    plain, target = load_target(str(base)), load_target(str(quantised))
    texts = ["a red critter", "two eyes"]
    z = torch.randn(2, *plain.latent_shape(torch.zeros(1, 3, 64, 64)))
    t = torch.tensor([300, 700])
    expected = plain.eps(z, t, plain.embed(texts))
    found = target.eps(z, t, target.embed(texts))
    assert found.dtype == torch.float32
    error = (found - expected).norm() / expected.norm()
    assert 0 < error < 0.05
    assert target.quantised and not plain.quantised
    kinds = {type(p).__name__ for p in target.denoiser.network.parameters()}
    assert len(kinds) > 1
    for part in target.encoders:
        assert {p.dtype for p in part.parameters()} == {torch.float32}


def test_its_fingerprint_is_its_own_and_the_same_again(base: Path, quantised: Path) -> None:
    again = load_target(str(quantised), precision="bf16").fingerprint
    assert load_target(str(quantised)).fingerprint == again != load_target(str(base)).fingerprint


def test_a_quantised_transformer_beside_a_base(base: Path, quantised: Path) -> None:
    whole = load_target(str(quantised))
    beside = load_target(Source(str(base), network=str(quantised / "transformer")))
    assert beside.quantised and beside.fingerprint == whole.fingerprint


def test_it_takes_no_factors_and_gives_no_gradients(
    base: Path, quantised: Path, tmp_path: Path
) -> None:
    drawn = draw(network_of(base), ("attn.to_q",))
    file = save_diffusers(drawn, "transformer", tmp_path / "lora")
    with pytest.raises(UserError, match=r"has no plain weights here .* unquantised base"):
        load_target(Source(str(quantised), lora=((str(file), 1.0),)))
    with pytest.raises(ValueError, match="its weights are quantised"):
        load_target(str(quantised)).white_box()


@pytest.mark.slow
def test_it_is_audited_and_not_trained(
    base: Path, quantised: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", "name=q", *SMALL, "attacks=[loss,clid_th_null]"]
    code, printed = run("train", *words, f"target.path={quantised}", "finetune.train=lora")
    assert code == 2 and "is quantised, and its weights cannot be trained" in printed
    named = [f"target.path={base}", f"target.network={quantised / 'transformer'}"]
    code, printed = run("audit", *words, *named)
    assert code == 0 and "loss_ref" in printed, printed
    code, printed = run("audit", *words, *named, "audit.precision=check")
    assert code == 2 and "is quantised and has no other precision" in printed
