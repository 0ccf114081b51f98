"""A compiled denoiser: the same answers, asked in one shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lit_clid.models import compiled
from lit_clid.models.embedding import Embedding
from lit_clid.models.load import load_target


def ask(z: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
    return z + t[:, None] + embedding["tokens"]


@pytest.mark.parametrize(
    ("rows", "count"),
    [(64, 64), (64, 33), (64, 1), (5, 2)],
)
def test_calls_are_filled_up_to_one_shape(rows: int, count: int) -> None:
    shapes: list[int] = []

    def noted(z: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        shapes.append(len(z))
        return ask(z, t, embedding)

    given = (torch.rand(count, 3), torch.rand(count), Embedding({"tokens": torch.rand(count, 3)}))
    assert torch.equal(compiled.filled_up(noted, rows, *given), ask(*given))
    assert shapes == [rows]


def test_a_compiled_model_answers_the_same(
    pipeline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the tracer of torch, and nothing generated behind it."""
    shapes: set[int] = set()

    def traced(graph: Any, inputs: list[Any]) -> Callable[..., Any]:
        shapes.update(len(each) for each in inputs if isinstance(each, Tensor) and each.dim() == 3)
        return graph.forward

    def compile(network: Any, mode: str | None) -> Any:
        assert mode is None
        return real(network, backend=traced)

    real = torch.compile
    monkeypatch.setattr(torch, "compile", compile)
    plain, target = (
        load_target(str(pipeline_folder), compile=way, rows=8) for way in (False, True)
    )
    z = torch.randn(11, *plain.latent_shape(torch.zeros(1, 3, 64, 64)))
    rows = (z, torch.arange(0, 880, 80), plain.embed([f"number {k}" for k in range(11)]))
    torch.testing.assert_close(target.eps(*rows), plain.eps(*rows), rtol=1e-5, atol=1e-6)
    assert shapes == {8}


def test_memory_is_sought_for_whole_calls(pipeline_folder: Path, monkeypatch: Any) -> None:
    """Three rows are asked as eight: what fits is less than eight, not less than three."""
    monkeypatch.setattr(torch, "compile", lambda network, mode: lambda *a, **k: network(*a, **k))
    target = load_target(str(pipeline_folder), compile=True, rows=8)
    call, asked = target.denoiser.call, list[int]()

    def small(network: object, z: Tensor, *more: object) -> Tensor:
        asked.append(len(z))
        if len(z) > 4:
            raise torch.OutOfMemoryError
        return call(network, z, *more)  # type: ignore[arg-type]

    target.denoiser.call = small
    z = torch.randn(3, *target.latent_shape(torch.zeros(1, 3, 64, 64)))
    target.eps(z, torch.tensor([1, 2, 3]), target.embed(["a", "b", "c"]))
    assert asked == [8, 4] and target.rows == 4


@pytest.mark.parametrize(("way", "mode"), [(True, None), ("graphs", "reduce-overhead")])
def test_graphs_are_torchs_way_of_less_overhead(
    way: bool | str, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", lambda network, mode: (network, mode))
    assert compiled.compiled("network", way) == ("network", mode)
    assert compiled.compiled("network", False) == "network"
