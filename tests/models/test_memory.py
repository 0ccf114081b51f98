"""What was encoded once is not encoded again, and is the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import zoo
from pipelines import make_pipeline, make_sdxl

from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch, Question
from lit_clid.models.load import load_target
from lit_clid.models.memory import Memory

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "z-image": lambda folder: zoo.make("z-image", folder),
}
TEXTS = ["a fox", "two birds on a wire", ""]


def counted(part: Any, name: str) -> list[int]:
    """How many rows each call of a method from now on is given."""
    calls: list[int] = []
    method = getattr(part, name)

    def count(first: Any, *more: Any) -> Any:
        calls.append(len(first[0]) if name == "encode" and isinstance(first, list) else len(first))
        return method(first, *more)

    setattr(part, name, count)
    return calls


def batch(*rows: int) -> Batch:
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    ids, texts = [f"r{row}" for row in rows], [TEXTS[row] for row in rows]
    return Batch(tuple(ids), images[list(rows)] * 2 - 1, tuple(texts))


@pytest.mark.parametrize("family", MAKERS)
def test_two_models_of_one_base_encode_each_text_and_image_once(
    family: str, tmp_path: Path
) -> None:
    folder, memory = MAKERS[family](tmp_path / "base"), Memory()
    plain = load_target(str(folder), channels_last=False)
    first, second = (load_target(str(folder), channels_last=False, memory=memory) for _ in "ab")
    texts, images = counted(first.text, "encode"), counted(first.latents, "encode")
    more = [counted(second.text, "encode"), counted(second.latents, "encode")]
    expected = ModelOracle(plain, batch(0, 1, 2)).errors([Question(450)])
    found = [ModelOracle(each, batch(0, 1, 2)).errors([Question(450)]) for each in (first, second)]
    torch.testing.assert_close(found[0], expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(found[0], found[1])
    assert sum(texts) == sum(images) == 3 and not any(more)


def test_answers_do_not_depend_on_what_was_asked_before(tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "base")
    target = load_target(str(folder), memory=Memory())
    for rows in ((0, 1), (2,), (1, 0, 2)):
        ModelOracle(target, batch(*rows)).errors([Question(450)])
    texts, images = counted(target.text, "encode"), counted(target.latents, "encode")
    found = ModelOracle(target, batch(2, 1, 0)).errors([Question(450)])
    expected = ModelOracle(load_target(str(folder)), batch(2, 1, 0)).errors([Question(450)])
    assert torch.equal(found, expected)
    assert (texts, images) == ([3], [3])


def test_another_size_dice_or_text_encoder_is_another_thing(tmp_path: Path) -> None:
    folder, memory = make_pipeline(tmp_path / "base"), Memory()
    target = load_target(str(folder), memory=memory)
    images = counted(target.latents, "encode")
    rows = batch(0)
    small = Batch(rows.ids, rows.images[..., :32, :32], rows.captions)
    for seed, sampled, each in (
        (0, False, rows),
        (0, True, rows),
        (1, True, rows),
        (0, False, small),
    ):
        ModelOracle(target, each, seed, sampled).latents  # noqa: B018
    assert images == [1] * 4
    before = target.embed(["a fox"])["tokens"]
    other = load_target(str(folder), memory=memory)
    weights = folder / "text_encoder" / "model.safetensors"
    _changed(weights)
    changed = load_target(str(folder), memory=memory)
    assert torch.equal(other.embed(["a fox"])["tokens"], before)
    assert not torch.equal(changed.embed(["a fox"])["tokens"], before)
    assert not torch.equal(changed.pooled(["a fox"]), target.pooled(["a fox"]))


def _changed(weights: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    save_file({name: value * 1.1 for name, value in tensors.items()}, weights, {"format": "pt"})


def test_a_full_memory_keeps_what_it_has() -> None:
    memory, made = Memory(most=32), list[str]()

    def make(key: str) -> torch.Tensor:
        made.append(key)
        return torch.full((4,), float(ord(key)))

    for key in "abcabc":
        assert float(memory.once(key, lambda key=key: make(key))[0]) == ord(key)  # type: ignore[misc]
    assert memory.sizes[torch.Tensor] == 32 and made == ["a", "b", "c", "c"]
