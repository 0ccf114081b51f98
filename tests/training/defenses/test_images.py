"""Defenses of images do exactly what they say."""

import pytest
import torch

from lit_clid.commands.reading import build_defenses
from lit_clid.errors import UserError
from lit_clid.training.defenses import DEFENSES, ImageDefense
from lit_clid.training.defenses.images import augment

IMAGES = [name for name, defense in DEFENSES.items() if isinstance(defense, ImageDefense)]


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    ramp = torch.linspace(-1, 1, 32)
    picture = torch.stack([ramp.expand(32, 32), ramp.expand(32, 32).T, torch.zeros(32, 32)])
    return torch.stack([picture, -picture, picture.flip(1), torch.rand(3, 32, 32) * 2 - 1])


@pytest.mark.parametrize("name", IMAGES)
def test_image_defenses_change_images_by_their_seed_alone(
    name: str, pictures: torch.Tensor
) -> None:
    certain = {} if name == "rand_augment" else {"probability": 1.0}
    apply = build_defenses({name: certain}).augmenter(32, 0)
    assert apply is not None
    before = torch.random.get_rng_state()
    views = [apply(pictures, batch, 0) for batch in range(6)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert views[0].shape == pictures.shape and views[0].dtype == pictures.dtype
    assert min(float(v.min()) for v in views) >= -1 and max(float(v.max()) for v in views) <= 1
    assert any(not torch.allclose(v, pictures, atol=1e-3) for v in views)
    assert torch.equal(apply(pictures, 5, 0), views[5])
    assert name == "flip" or any(not torch.equal(v, views[0]) for v in views[1:])


def test_probability_zero_is_refused_and_flip_mirrors(pictures: torch.Tensor) -> None:
    with pytest.raises(
        UserError, match=r"defenses.flip: probability = 0 is not a share in \(0, 1\]"
    ):
        build_defenses({"flip": {"probability": 0}})
    mirrored = augment(DEFENSES["flip"].__class__(probability=1.0).build(32), pictures, 0)
    torch.testing.assert_close(mirrored, pictures.flip(3))


@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_mixing_leaves_the_larger_part(name: str) -> None:
    """Each image is one colour, so the share of its own colour can be read off."""
    colours = torch.linspace(-1, 1, 16)[:, None, None, None].expand(16, 3, 32, 32).contiguous()
    apply = build_defenses({name: {"probability": 1.0}}).augmenter(32, 0)
    assert apply is not None
    for batch in range(20):
        mixed = apply(colours, batch, 0)
        if name == "cutmix":
            own = (mixed - colours).abs().amax(1).lt(1e-3).float().mean((1, 2))
            assert float(own.min()) > 0.5
        else:
            assert float((mixed - colours).abs().max()) <= 0.4 * 2 + 1e-4
