"""Weights in half precision: read as they lie, known as what they are in float32."""

from pathlib import Path

import pytest
import torch
import zoo
from asked import plain_pipeline
from pipelines import make_pipeline

from lit_clid.models import opening
from lit_clid.models.load import load_target


@pytest.mark.parametrize("family", ["sd", "flux dev"])
def test_a_half_precision_network_is_never_whole_and_answers_the_same(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "whole"
    made = make_pipeline(made) if family == "sd" else zoo.make(family, made)
    halved, again = tmp_path / "half", tmp_path / "again"
    plain_pipeline(made).to(torch.bfloat16).save_pretrained(halved)
    plain_pipeline(halved).to(torch.float32).save_pretrained(again)
    found = load_target(str(halved), precision="bf16", channels_last=False)
    expected = load_target(str(again), precision="bf16", channels_last=False)
    assert found.fingerprint == expected.fingerprint and found.kin == expected.kin
    z = torch.randn(2, *found.latent_shape(torch.zeros(1, 3, 64, 64)))
    rows = (z, torch.tensor([100, 700]), found.embed(["a fox", ""]))
    assert torch.equal(found.eps(*rows), expected.eps(*rows))
    seen: list[torch.dtype] = []
    open_pipeline = opening.open_pipeline

    def watched(*arguments: object) -> object:
        pipeline = open_pipeline(*arguments)  # type: ignore[arg-type]
        network = getattr(pipeline, found.family.network)
        seen.extend({p.dtype for p in network.parameters()})
        return pipeline

    monkeypatch.setattr("lit_clid.models.load.open_pipeline", watched)
    load_target(str(halved), precision="bf16", channels_last=False)
    assert seen == [torch.bfloat16]
    assert load_target(str(halved), channels_last=False).denoiser.dtype == torch.float32
