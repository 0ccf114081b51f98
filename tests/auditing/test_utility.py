"""Utility against closed forms and naive twins; extractors made from the real classes' configs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toys import Toy, toy_records

from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.losses import Denoising
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.utility.features import clip_score, features_named
from lit_clid.auditing.utility.frechet import frechet_distance
from lit_clid.config.options.data import DataOptions
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import load_split
from lit_clid.errors import UserError
from lit_clid.models.diffusion import diffuse, mean_square
from lit_clid.models.levels import alpha_sigma, as_steps
from lit_clid.models.load import load_target
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.samples import Samples, draw_samples


def test_the_held_out_loss_is_the_mean_over_draws() -> None:
    records, toy = toy_records(6), Toy({"record number 1 of the toy": toy_records(6).images[1]})
    probe = Denoising((200, 600), 2)
    oracle = ModelOracle(toy, records)
    signals = probe.signal(oracle)
    for column, captions in enumerate((records.captions, ("",) * 6)):
        losses = []
        for t in (200, 600):
            for draw in ("", "1"):
                eps = oracle.noise(t, draw)
                z_t = diffuse(records.images, eps, *alpha_sigma(as_steps(t, eps)))
                losses.append(
                    mean_square(toy.eps(z_t, as_steps(t, eps), toy.embed(captions)) - eps)
                )
        torch.testing.assert_close(signals[:, column], -torch.stack(losses).mean(0))
    assert count_queries({"probe": probe})["probe"].asked == 8
    assert signals[1, 0] > signals[1, 1]  # a remembered caption helps


class Flat(torch.nn.Module):
    num_features = 6

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (
            images.flatten(2).mean(2)
            @ torch.tensor([[1.0, 2, 0, 1, 0, 0], [0, 1, 1, 0, 2, 0], [0, 0, 1, 0, 1, 1]])
            + images.flatten(1)[:, :6]
        )


def test_the_frechet_distance_is_that_of_two_gaussians() -> None:
    from scipy.linalg import sqrtm

    dice = torch.Generator().manual_seed(0)
    real, made = (torch.rand(60, 3, 4, 4, generator=dice) ** power for power in (1, 2))
    found = frechet_distance(Flat(), real.split(16), made)
    a, b = (Flat()(images).double().numpy() for images in (real, made))
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert found == pytest.approx(expected, rel=1e-3)
    assert frechet_distance(Flat(), real.split(16), real) == pytest.approx(0, abs=1e-4)


def test_the_target_s_own_encoder_tells_images_apart(pipeline_folder: Path) -> None:
    target = load_target(str(pipeline_folder))
    features = features_named("vae", target, 64)
    assert isinstance(features, torch.nn.Module)
    found = features(torch.rand(3, 3, 64, 64))
    assert found.shape == (3, features.num_features)
    assert not list(features.parameters())


def test_samples_depend_on_seed_and_record_alone(pipeline_folder: Path, tmp_path: Path) -> None:
    options = DataOptions(source="critters", members=4, nonmembers=6)
    split = load_split(options, 0, tmp_path)
    target = load_target(str(pipeline_folder))
    holdouts = CaptionedImages(split, options, "target", seed=0, side=64, batch_size=2).holdouts
    ids = [entry.id for entry in holdouts.entries]

    def draw(count: int) -> Samples:
        return draw_samples(target, ids[:count], holdouts.captions[:count], 64, 0, 2, 3.0)

    many, few = draw(6), draw(3)
    assert many.images.shape == (6, 3, 64, 64)
    assert many.captions[:3] == few.captions == tuple(holdouts.captions[:3])
    torch.testing.assert_close(many.images[:3], few.images, atol=0.02, rtol=0)
    assert many.sheet(3).size == (192, 64)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP model of the real class, a few thousand parameters."""
    from lit_clid.models.demo import blueprint

    folder = tmp_path_factory.mktemp("clip") / "tiny"
    with quiet_imports():
        from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

        torch.manual_seed(0)
        tokenizer = blueprint.build_tokenizer(["a red critter with two eyes on green ground"] * 4)
        small = {
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        }
        config = CLIPConfig(
            text_config={**small, "vocab_size": len(tokenizer), "max_position_embeddings": 77},
            vision_config={**small, "image_size": 32, "patch_size": 8},
            projection_dim=8,
        )
        CLIPModel(config).save_pretrained(folder, safe_serialization=True)
        tokenizer.save_pretrained(folder)
        CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ).save_pretrained(folder)
    return folder


def test_a_vision_model_gives_features(clip_folder: Path, pipeline_folder: Path) -> None:
    features = features_named(str(clip_folder), load_target(str(pipeline_folder)), 64)
    assert isinstance(features, torch.nn.Module)
    images = torch.rand(5, 3, 64, 64)
    assert features(images).shape == (5, 16)
    assert frechet_distance(features, images.split(2), images.flip(3)) >= -1e-4


def test_clip_score_is_the_cosine(clip_folder: Path) -> None:
    images, captions = (
        torch.rand(4, 3, 48, 48),
        ["a red critter", "two eyes", "green ground", "a critter"],
    )
    score = clip_score(str(clip_folder), torch.device("cpu"))
    both = score(images, captions)
    alone = [score(images[k : k + 1], captions[k : k + 1]) for k in range(4)]
    assert both == pytest.approx(np.mean(alone), rel=1e-3)
    assert -100 <= both <= 100


def test_missing_extractors_are_one_clear_line(pipeline_folder: Path) -> None:
    target = load_target(str(pipeline_folder))
    with pytest.raises(UserError, match=r"utility\.features: nobody/nothing does not load"):
        features_named("nobody/nothing", target, 64)
    with pytest.raises(UserError, match=r"utility\.alignment: nobody/nothing does not load"):
        clip_score("nobody/nothing", torch.device("cpu"))
    with pytest.raises(UserError, match="inception needs torch-fidelity"):
        features_named("inception", target, 64)
