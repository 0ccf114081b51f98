"""Rows answered side by side: the same answers, in their order, on threads of their own."""

import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
import zoo
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.lanes import LEAST, side_by_side
from lit_clid.models.load import load_target
from lit_clid.training.objectives import Plain, throw


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


def steps(folder: Path, cores: int, **more: float) -> tuple[Tensor, list[Tensor], set[str]]:
    """The loss of a batch of 16, its gradients, and the threads that called the network."""
    torch.set_num_threads(cores)
    target, dice = load_target(str(folder), channels_last=False), torch.Generator().manual_seed(3)
    network, threads = target.denoiser.network.train(), set[str]()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(".attn2." in name)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = more.get("dropout", 0.0)
    network.register_forward_pre_hook(lambda *_: threads.add(threading.current_thread().name))
    z_0 = torch.randn(16, *target.latent_shape(torch.zeros(1, 3, 64, 64)), generator=dice)
    told = target.embed([f"{'very ' * k} red" for k in range(16)])
    batch = throw(target.denoiser, z_0, told, dice)
    owner = Mock()
    owner.parameters = network.parameters
    loss = Plain(target.denoiser, 5.0).step(owner, batch, 0)
    (loss / 2).backward()
    trained = [p.grad for p in network.parameters() if p.requires_grad]
    assert all(p.grad is None for p in network.parameters() if not p.requires_grad)
    return loss.detach(), [grad for grad in trained if grad is not None], threads


def test_training_side_by_side_is_training_by_one(pipeline_folder: Path) -> None:
    alone, together, again = (steps(pipeline_folder, cores) for cores in (1, 2, 2))
    assert len(alone[2]) == 1 and len(together[2]) == 2
    torch.testing.assert_close(together[0], alone[0], rtol=1e-6, atol=0)
    assert len(together[1]) == len(alone[1]) > 0
    for found, expected, repeated in zip(together[1], alone[1], again[1], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)
        assert torch.equal(found, repeated)


def test_dice_are_thrown_in_one_call(pipeline_folder: Path) -> None:
    assert len(steps(pipeline_folder, 2, dropout=0.1)[2]) == 1
