"""Training on shapes: exported, part of the model's facts, and told apart from square crops."""

from pathlib import Path

import pytest
from folders import picture
from runs import Run, arguments

from lit_clid.commands.reading import build_defenses
from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.errors import UserError
from lit_clid.training.contradictions import check_defenses
from lit_clid.training.module import FineTune


@pytest.mark.parametrize("wanted", ["flip", "random_resized_crop", "dp", "smp_lora"])
def test_what_needs_squares_is_refused(wanted: str) -> None:
    defenses = build_defenses([wanted])
    with pytest.raises(UserError, match=f"data.buckets: contradicts {wanted}, which needs squares"):
        check_defenses(defenses, FineTuneOptions(), DataOptions(buckets=True), {})


def test_latents_of_several_shapes_are_not_kept() -> None:
    defenses, data = build_defenses(["word_shuffle"]), DataOptions(buckets=True)
    with pytest.raises(UserError, match=r"finetune\.cache: latents of several shapes are not kept"):
        check_defenses(defenses, FineTuneOptions(cache="always"), data, {})
    assert "latents are not cached, data.buckets makes several shapes" in check_defenses(
        defenses, FineTuneOptions(), data, {}
    )


@pytest.mark.slow
def test_a_model_is_trained_on_shapes(
    run: Run, pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for k in range(48):
        picture(k, [(128, 64), (64, 128), (64, 64)][k % 3]).save(folder / f"{k:02d}.png")
        (folder / f"{k:02d}.txt").write_text(f"picture number {k}")
    shapes = set()
    encoded = FineTune.encoded

    def told(self: FineTune, batch: dict, number: int) -> object:
        shapes.add(tuple(batch["image"].shape[-2:]))
        return encoded(self, batch, number)

    monkeypatch.setattr(FineTune, "encoded", told)
    words = arguments(tmp_path, pipeline_folder, "data.source=imagefolder", f"data.path={folder}")
    words += ["finetune.batch_size=2", "trainer.max_steps=9", "data.buckets=true"]
    code, said = run("train", *words)
    assert code == 0, said
    assert "latents are not cached, data.buckets makes several shapes" in said
    assert len(shapes) == 3
    notes = (tmp_path / "small" / "target").glob("*.json")
    assert any('"data.buckets": true' in note.read_text() for note in notes)
    code, said = run("train", *words, "data.buckets=false")
    assert code == 2 and "data.buckets" in said
