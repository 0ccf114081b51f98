"""What reaches a model: records augmented in training only, and only what is asked for."""

from pathlib import Path

from folders import image_folder, load, options

from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import load_split


def test_augmentation_is_for_training_only(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    chosen = options(folder, random_crop=True)
    split = load_split(chosen, 0, tmp_path / "run")
    data = CaptionedImages(split, chosen, "target", seed=0, side=16, batch_size=2)
    views = [data.members.image(0, k) for k in range(8)]
    assert len({v.numpy().tobytes() for v in views}) > 2
    assert (data.members.image(0, 3) == views[3]).all()
    for records in (data.holdouts, data.audited):
        assert (records.image(0, 0) == records.image(0, 5)).all()
    assert data.members.crops


def test_finished_records_are_not_asked_again(tmp_path: Path) -> None:
    split = load(image_folder(tmp_path / "images"), tmp_path)
    done = split.entries[0].id
    data = CaptionedImages(
        split, options(tmp_path), "target", seed=0, side=8, batch_size=2, finished={done}
    )
    assert done not in {e.id for e in data.audited.entries}
    assert len(data.audited) == 7
