"""Defenses reach members, in training only."""

from pathlib import Path

import pytest
import torch
from tuning import DATA, FACTS, defended, recipe, tune, validation_losses

from lit_clid.commands.reading import build_defenses
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.models.load import load_target
from lit_clid.training.preparation import Members, prepare


def test_defenses_reach_members_in_training_only(pipeline_folder: Path, split: Split) -> None:
    plain = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=4)
    defenses = build_defenses({"word_shuffle": None, "flip": {"probability": 1.0}})
    target, members = load_target(str(pipeline_folder)), Members(split, DATA, "target")
    data = prepare(target, members, recipe(), 0, FACTS, defenses=defenses).data
    own = plain.members.captions
    assert [data.members[k, 0]["caption"] for k in range(len(own))] != own
    assert data.members.captions == own
    for name in ("holdouts", "audited"):
        found, expected = getattr(data, name), getattr(plain, name)
        for k in range(len(expected)):
            assert found[k]["caption"] == expected[k]["caption"]
            assert torch.equal(found[k]["image"], expected[k]["image"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "wanted", [["flip"], ["word_shuffle"], ["embedding_noise"]], ids=lambda w: w[0]
)
def test_the_held_out_loss_sees_no_defense(
    pipeline_folder: Path, split: Split, tmp_path: Path, wanted: list[str]
) -> None:
    """With a learning rate of (almost) zero it is the base's, whatever is done to members."""
    options = recipe(learning_rate=1e-30, validate_every=2)
    tune(pipeline_folder, split, tmp_path / "plain", options, 2)
    defended(wanted)(pipeline_folder, split, tmp_path / "defended", options, 2)
    assert validation_losses(tmp_path / "plain") == validation_losses(tmp_path / "defended")


@pytest.mark.slow
def test_static_captions_keep_their_embeddings_and_redrawn_ones_do_not(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    for redraw in (False, True):
        module, _, _ = defended({"word_shuffle": {"redraw": redraw}})(
            pipeline_folder, split, tmp_path / str(redraw), recipe(), 2
        )
        assert (module.encodings.embedding is None) == redraw
        assert module.encodings.latents is not None
    module, _, _ = defended(["flip"])(pipeline_folder, split, tmp_path / "flip", recipe(), 2)
    assert module.encodings.latents is None and module.encodings.embedding is not None
