"""What reaches a model: records augmented in training only, and only what is asked for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from folders import image_folder, load, options

from lit_clid import console
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


def test_processes_that_load_leave_signals_to_the_one_that_trains(tmp_path: Path) -> None:
    """A scheduler tells every process of a job; the first to end would take the step with it."""
    chosen = options(image_folder(tmp_path / "images"), workers=1)
    split = load_split(chosen, 0, tmp_path / "run")
    data = CaptionedImages(split, chosen, "target", seed=0, side=8, batch_size=1)
    batches = iter(data.val_dataloader())
    found = [next(batches)["id"]]
    for worker in batches._workers:  # type: ignore[attr-defined]
        os.kill(worker.pid, signal.SIGTERM)
    found += [batch["id"] for batch in batches]
    assert found == [[entry.id] for entry in data.holdouts.entries]


LEFT = """
import sys
from pathlib import Path
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import load_split
from folders import options
chosen = options(Path(sys.argv[1]), workers=1)
split = load_split(chosen, 0, Path(sys.argv[2]))
data = CaptionedImages(split, chosen, "target", seed=0, side=8, batch_size=1)
batches = iter(data.val_dataloader())
next(batches)
sys.exit(3)
"""


def test_who_ends_in_the_middle_of_loading_ends(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LEFT, str(image_folder(tmp_path / "i")), str(tmp_path / "run")]
    found = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    assert subprocess.run(words, env=found, timeout=120).returncode == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_became_unreadable_is_named_in_a_line(
    workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = image_folder(tmp_path / "images")
    chosen = options(folder, workers=workers)
    split = load_split(chosen, 0, tmp_path / "run")
    data = CaptionedImages(split, chosen, "target", seed=0, side=8, batch_size=1)
    lost = data.holdouts.entries[0].id
    (folder / lost).write_bytes(b"none")
    with pytest.raises(SystemExit) as end:
        console.run(lambda _: list(data.val_dataloader()), [], str)
    said = capsys.readouterr().err
    assert end.value.code == 2 and said.startswith(f"error: {lost}: its image could be read")
    assert said.count("\n") == 1
