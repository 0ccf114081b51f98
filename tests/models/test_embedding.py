"""Named tensors move, part and join together."""

import torch

from lit_clid.models.embedding import Embedding, cat


def told(rows: int, seed: int = 0) -> Embedding:
    dice = torch.Generator().manual_seed(seed)
    tokens = torch.randn(rows, 3, 4, generator=dice)
    pooled = 5 * torch.randn(rows, 6, generator=dice)
    return Embedding({"tokens": tokens, "pooled": pooled, "mask": torch.ones(rows, 3).long()})


def same(first: Embedding, second: Embedding) -> bool:
    return all(torch.equal(first[name], second[name]) for name in second)


def test_parts_joined_are_the_whole() -> None:
    whole = told(7)
    for rows in (1, 2, 7, 9):
        assert same(cat(whole.split(rows)), whole)
        assert next(part.rows for part in whole.split(rows)) == min(rows, 7)
    assert same(whole.take(torch.tensor([2, 2])), cat([whole.split(1)[2]] * 2))


def test_repeating_keeps_a_record_s_rows_together() -> None:
    whole = told(3)
    assert same(whole.repeated(2), whole.take(torch.tensor([0, 0, 1, 1, 2, 2])))


def test_half_precision_leaves_masks_alone() -> None:
    half = told(2).to(torch.bfloat16)
    assert {name: half[name].dtype for name in half} == {
        "tokens": torch.bfloat16, "pooled": torch.bfloat16, "mask": torch.int64,
    }  # fmt: skip


def test_noise_is_relative_to_each_tensor_s_own_spread() -> None:
    whole, asked = told(400), {}

    def draw(name: str, shape: torch.Size) -> torch.Tensor:
        asked[name] = shape
        return torch.ones(shape)

    noised = whole.noised(0.5, draw)
    assert set(asked) == {"tokens", "pooled"}
    assert torch.equal(noised["mask"], whole["mask"])
    for name in asked:
        added = (noised[name] - whole[name]).flatten(1)
        expected = 0.5 * whole[name].flatten(1).std(1)
        torch.testing.assert_close(added, expected[:, None].expand_as(added), rtol=1e-4, atol=1e-5)
