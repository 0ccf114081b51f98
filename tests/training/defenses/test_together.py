"""Defenses reach members, in training only."""

from pathlib import Path

import pytest
import torch
from tuning import DATA, FACTS, defended, recipe, tune, validation_losses

from lit_clid.commands.reading import build_defenses
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.models.load import load_target
from lit_clid.training.module import FineTune


def test_defenses_reach_members_in_training_only(pipeline_folder: Path, split: Split) -> None:
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=4)
    defenses = build_defenses({"word_shuffle": None, "flip": {"probability": 1.0}})
    module = FineTune(load_target(str(pipeline_folder)), recipe(), 0, FACTS, defenses)
    before = {
        name: [r[k] for k in range(len(r))]
        for name, r in (("holdouts", data.holdouts), ("audited", data.audited))
    }
    own = list(data.members.captions)
    module.prepare(data)
    assert [data.members[k, 0]["caption"] for k in range(len(own))] != own
    assert data.members.captions == own
    for name, records in (("holdouts", data.holdouts), ("audited", data.audited)):
        for k, item in enumerate(before[name]):
            assert records[k]["caption"] == item["caption"]
            assert torch.equal(records[k]["image"], item["image"])


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


def test_static_captions_keep_their_embeddings_and_redrawn_ones_do_not(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    for redraw in (False, True):
        module, _, _ = defended({"word_shuffle": {"redraw": redraw}})(
            pipeline_folder, split, tmp_path / str(redraw), recipe(), 2
        )
        assert (module._encodings.embedding is None) == redraw
        assert module._encodings.latents is not None
    module, _, _ = defended(["flip"])(pipeline_folder, split, tmp_path / "flip", recipe(), 2)
    assert module._encodings.latents is None and module._encodings.embedding is not None
