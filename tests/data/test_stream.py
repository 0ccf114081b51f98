"""The streams of training batches."""

from collections import Counter

import numpy as np
import pytest

from lit_clid.data.stream import Poisson, PoissonStream, TrainingStream


def stream(count: int, batch: int, total: int, **options: object) -> list[list[tuple[int, int]]]:
    return list(TrainingStream(count, batch, total, 0, **options))  # type: ignore[arg-type]


def test_every_member_is_seen_equally_often() -> None:
    seen = Counter(index for batch in stream(10, 4, 33) for index, _ in batch)
    assert sum(seen.values()) == 132
    assert max(seen.values()) - min(seen.values()) == 1


def test_the_stream_goes_on_where_it_stopped() -> None:
    whole = stream(10, 4, 33)
    assert stream(10, 4, 33, start=lambda: 17) == whole[17:]


def test_ranks_partition_the_stream() -> None:
    ranks = [stream(10, 4, 20, rank=r, world=2) for r in range(2)]
    alone = stream(10, 8, 20)
    assert [a + b for a, b in zip(*ranks, strict=True)] == alone


def test_poisson_batches_hold_everybody_independently() -> None:
    stream = PoissonStream(50, 0.2, 2000, Poisson(3))
    batches = [[index for index, _ in batch] for batch in stream]
    counts = np.array([np.bincount(batch, minlength=50) for batch in batches])
    assert counts.max() == 1
    np.testing.assert_allclose(counts.mean(0), 0.2, atol=0.04)
    assert counts.sum(1).var() == pytest.approx(50 * 0.2 * 0.8, rel=0.15)
    assert [
        [i for i, _ in b] for b in PoissonStream(50, 0.2, 2000, Poisson(3), start=lambda: 1990)
    ] == batches[1990:]
    assert list(PoissonStream(50, 0.2, 5, Poisson(3))) != list(
        PoissonStream(50, 0.2, 5, Poisson(4))
    )
