"""Language models that encode captions: their logits, which nobody reads, are not computed."""

from pathlib import Path

import pytest
import torch
import zoo

from lit_clid.models.load import load_target


@pytest.mark.parametrize("family", ["flux2 klein", "qwen-image", "z-image"])
def test_one_place_s_logits_are_made_and_the_embedding_is_the_same(
    family: str, tmp_path: Path
) -> None:
    target = load_target(str(zoo.make(family, tmp_path / "tiny")), channels_last=False)
    encoder = target.encoders[-1]
    places: list[int] = []
    encoder.register_forward_hook(lambda _, given, output: places.append(output.logits.shape[1]))
    found = target.embed(["a fox in the snow", ""])
    encoder._forward_pre_hooks.clear()
    encoder._forward_pre_hooks_with_kwargs.clear()
    expected = target.embed(["a fox in the snow", ""])
    assert places[0] == 1 < places[1]
    assert all(torch.equal(found[name], expected[name]) for name in expected)
