"""Latents that another process finds again: the same, or none."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pipelines import make_pipeline

from lit_clid.auditing.attacks import PFAMI
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch, Question
from lit_clid.models.lasting import LastingLatents
from lit_clid.models.load import load_target
from lit_clid.models.memory import Memory
from lit_clid.models.pipeline import PipelineTarget

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
RECORDS = Batch(("a", "b", "c"), IMAGES, ("a fox", "two birds", ""), hashes=("1", "2", "3"))


def opened(folder: Path, kept: Path) -> PipelineTarget:
    """A model with a memory of its own, as a new process has it."""
    return load_target(str(folder), memory=Memory(lasting=LastingLatents(kept)))


def encoded(target: PipelineTarget, records: Batch, seed: int = 0, sampled: bool = False) -> int:
    """How many images are encoded to ask about the records."""
    calls: list[int] = []
    encode = target.latents.encode

    def count(images: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return encode(images, *more)

    target.latents.encode = count  # type: ignore[method-assign]
    ModelOracle(target, records, seed, sampled).errors([Question(450)])
    return sum(calls)


def test_another_process_encodes_nothing_and_answers_the_same(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    targets = [opened(pipeline_folder, tmp_path) for _ in "ab"]
    found = [PFAMI().signal(ModelOracle(target, RECORDS)) for target in targets]
    assert torch.equal(*found)
    assert len(list(tmp_path.iterdir())) > 1  # its neighbours too
    assert encoded(opened(pipeline_folder, tmp_path), RECORDS) == 0
    renamed = replace(RECORDS, ids=("x", "y", "z"), captions=("", "", ""))
    assert encoded(opened(pipeline_folder, tmp_path), renamed) == 0


def test_other_images_sizes_company_dice_or_vaes_are_other_latents(
    pipeline_folder: Path, v_pipeline_folder: Path, tmp_path: Path
) -> None:
    assert encoded(opened(pipeline_folder, tmp_path), RECORDS) == 3
    for records, seed, sampled in (
        (replace(RECORDS, hashes=("1", "2", "4")), 0, False),
        (replace(RECORDS, images=IMAGES[..., :32, :32]), 0, False),
        (Batch(("a",), IMAGES[:1], ("a fox",), hashes=("1",)), 0, False),
        (RECORDS, 0, True),
        (RECORDS, 1, True),
        (replace(RECORDS, ids=("x", "y", "z")), 1, True),
    ):
        told = (records, seed, sampled)
        assert encoded(opened(pipeline_folder, tmp_path), *told) == len(records.ids)
        assert encoded(opened(pipeline_folder, tmp_path), *told) == 0
    assert encoded(opened(v_pipeline_folder, tmp_path), RECORDS) == 3  # another scaling factor


def test_images_that_no_manifest_names_are_not_kept(pipeline_folder: Path, tmp_path: Path) -> None:
    assert encoded(opened(pipeline_folder, tmp_path), replace(RECORDS, hashes=None)) == 3
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["cut", "flipped", "none", "a folder"])
def test_a_damaged_file_is_made_again(fault: str, pipeline_folder: Path, tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "base")
    kept = tmp_path / "kept"
    expected = ModelOracle(opened(folder, kept), RECORDS).latents
    (file,) = kept.iterdir()
    held = file.read_bytes()
    file.unlink()
    if fault == "a folder":
        file.mkdir()
    elif fault != "none":
        file.write_bytes(held[:-9] if fault == "cut" else held[:-1] + bytes([held[-1] ^ 1]))
    target = opened(folder, kept)
    assert encoded(target, RECORDS) == 3
    assert torch.equal(ModelOracle(target, RECORDS).latents, expected)
    if fault != "a folder":
        assert file.read_bytes() == held


def test_a_folder_that_cannot_be_written_is_done_without(
    pipeline_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "file"
    place.touch()
    target = opened(pipeline_folder, place)
    for records in (RECORDS, replace(RECORDS, hashes=("4", "5", "6"), ids=("d", "e", "f"))):
        assert encoded(target, records) == 3
    assert capsys.readouterr().out.count("encoded images are not kept") == 1
