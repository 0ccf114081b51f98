import torch

from lit_clid.randomness import noise, permutation, stream


def test_a_record_s_noise_depends_on_nothing_but_its_name() -> None:
    together = noise(0, ["a", "b", "c"], "t=450", (4, 2, 2))
    assert torch.equal(noise(0, ["c"], "t=450", (4, 2, 2))[0], together[2])
    assert torch.equal(noise(0, ["b", "a"], "t=450", (4, 2, 2)), together[[1, 0]])


def test_other_seeds_ids_and_draws_are_independent() -> None:
    names = [(0, "a", "x"), (1, "a", "x"), (0, "b", "x"), (0, "a", "y"), (0, "ax", "")]
    draws = torch.stack([noise(seed, [i], draw, (20_000,))[0] for seed, i, draw in names])
    # 20 000 draws: correlations of independent normals have a standard error of 0.007
    correlation = torch.corrcoef(draws) - torch.eye(len(names))
    assert correlation.abs().max() < 0.035
    assert draws.mean().abs() < 0.02
    assert (draws.std() - 1).abs() < 0.02


def test_streams_do_not_collide_by_concatenation() -> None:
    assert stream("a", "bc") != stream("ab", "c")


def test_permutation() -> None:
    assert sorted(permutation(50, 0, "x")) == list(range(50))
    assert permutation(50, 0, "x") == permutation(50, 0, "x") != permutation(50, 1, "x")
