"""Rows answered side by side: the same answers, in their order, on threads of their own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import zoo
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.lanes import LEAST, side_by_side
from lit_clid.models.load import load_target


@pytest.fixture(autouse=True)
def four_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


class Asked:
    """Answers with the rows it was given, and notes how it was called."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.threads: set[str] = set()
        self.gradients = self.inferring = False
        self.cores: set[int] = set()

    def __call__(self, z: Tensor, embedding: Embedding) -> Tensor:
        self.rows.append(len(z))
        self.threads.add(threading.current_thread().name)
        self.gradients |= torch.is_grad_enabled()
        self.inferring |= torch.is_inference_mode_enabled()
        self.cores.add(torch.get_num_threads())
        return z + embedding["tokens"].sum((1, 2))[:, None]


def given(rows: int) -> tuple[Tensor, Embedding]:
    z = torch.arange(rows, dtype=torch.float32)[:, None]
    return z, Embedding({"tokens": torch.ones(rows, 2, 3)})


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (4 * LEAST + 1, 4),
        (4 * LEAST, 4),
        (4 * LEAST - 1, 2),  # three would leave a core without work
        (2 * LEAST, 2),
        (2 * LEAST - 1, 1),
        (1, 1),
    ],
)
def test_every_row_is_answered_once_and_in_its_place(rows: int, parts: int) -> None:
    asked = Asked()
    found = side_by_side(asked, *given(rows))
    assert torch.equal(found, given(rows)[0] + 6)
    assert (len(asked.rows), sum(asked.rows)) == (parts, rows)
    assert torch.get_num_threads() == 4
    assert asked.cores == {4 // parts}


@pytest.mark.parametrize("inferring", [True, False])
def test_threads_compute_without_gradients_and_infer_where_the_caller_does(inferring: bool) -> None:
    asked = Asked()
    with torch.inference_mode(inferring), torch.no_grad():
        found = side_by_side(asked, *given(64))
    assert not asked.gradients
    assert asked.inferring is inferring
    assert found.is_inference() is inferring
    assert all(name.startswith("lane") for name in asked.threads)


def test_a_single_call_wants_no_gradients_either() -> None:
    z = torch.ones(1, 1, requires_grad=True)
    assert not side_by_side(lambda z: 2 * z, z).requires_grad


def test_an_autocast_is_the_callers_alone_so_that_one_call_is_made() -> None:
    asked = Asked()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        side_by_side(asked, *given(64))
    assert asked.rows == [64]


def test_another_device_is_called_once() -> None:
    asked = Asked()
    z, embedding = given(64)
    side_by_side(asked, z.to("meta"), embedding.to(torch.device("meta")))
    assert asked.rows == [64]


def test_a_failure_is_the_callers_and_leaves_the_cores_as_they_were() -> None:
    def fail(z: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("so many rows")

    with pytest.raises(torch.OutOfMemoryError, match="so many"):
        side_by_side(fail, given(64)[0])
    assert torch.get_num_threads() == 4


def test_a_model_answers_the_same_in_lanes(pipeline_folder: Path) -> None:
    target = load_target(str(pipeline_folder))
    texts = [f"number {k}" for k in range(64)]
    images = torch.rand(64, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    t = torch.arange(0, 960, 15)

    def asked() -> tuple[Tensor, ...]:
        z, told = target.encode(images), target.embed(texts)
        return z, told["tokens"], target.pooled(texts), target.eps(z, t, told)

    side_by_side_found = asked()
    torch.set_num_threads(1)
    for lanes, alone in zip(side_by_side_found, asked(), strict=True):
        torch.testing.assert_close(lanes, alone, rtol=1e-5, atol=1e-6)


def test_networks_that_remember_are_called_one_at_a_time(tmp_path: Path) -> None:
    target = load_target(str(zoo.make("qwen-image", tmp_path / "tiny")))
    threads: set[str] = set()
    encode = target.latents.vae.encode

    def noted(images: Tensor) -> object:
        threads.add(threading.current_thread().name)
        return encode(images)

    target.latents.vae.encode = noted
    target.encode(torch.zeros(64, 3, 64, 64))
    assert not any(name.startswith("lane") for name in threads)
