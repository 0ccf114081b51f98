"""A grid as a user runs it: resumed where it was killed, told where a cell fails."""

from pathlib import Path
from typing import Any

import pytest
from runs import Run, words

from lit_clid.commands.experiment import cell
from lit_clid.files import read_json


@pytest.mark.slow
def test_a_grid_is_trained_audited_compared_and_only_once(
    pipeline_folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its second cell it goes on there; a finished one does nothing but compare."""
    train, trained = cell.train, []

    def killed_once(config: Any) -> None:
        trained.append(config.name)
        if trained == ["none-seed3", "drop-seed3"]:
            raise KeyboardInterrupt
        train(config)

    monkeypatch.setattr(cell, "train", killed_once)
    code, _ = run("experiment", *words(pipeline_folder, tmp_path))
    assert code == 130
    code, printed = run("experiment", *words(pipeline_folder, tmp_path))
    assert code == 0, printed
    assert trained == ["none-seed3", "drop-seed3", "drop-seed3"]
    folder = tmp_path / "grid"
    found = read_json(folder / "comparison.json")
    assert set(found["defenses"]) == {"none", "drop"}
    assert found["unfinished"] == {}
    assert [point["steps_per_image"] for point in found["trajectories"]["none"]] == [0.25, 0.5]
    for name in (
        "comparison.html",
        "comparison.md",
        "plane.svg",
        "plane.png",
        "heatmap.svg",
        "trajectory-none.png",
    ):
        assert (folder / name).stat().st_size > 500, name
    utility = read_json(folder / "none-seed3" / "scores" / "utility.report.json")
    assert utility["frechet"] > 0
    page = (folder / "comparison.html").read_text(encoding="utf-8")
    assert "data:image/png;base64" in page
    assert 'src="http' not in page and 'href="http' not in page and "<script" not in page

    monkeypatch.setattr(cell, "_audit", lambda *_: pytest.fail("asked again"))
    code, _ = run("experiment", *words(pipeline_folder, tmp_path))
    assert code == 0
    assert len(trained) == 3
    code, printed = run(
        "experiment", *words(pipeline_folder, tmp_path, "finetune.learning_rate=1e-3")
    )
    assert code == 2
    assert "finetune.learning_rate is 0.001 now and was 0.004" in printed


@pytest.mark.slow
def test_a_failed_cell_is_reported_and_the_others_go_on(
    pipeline_folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = cell.train

    def failing(config: Any) -> None:
        if config.name.startswith("none"):
            raise RuntimeError("out of memory\nand more")
        train(config)

    monkeypatch.setattr(cell, "train", failing)
    code, printed = run(
        "experiment", *words(pipeline_folder, tmp_path, "grid.keep=last", "grid.follow=[]")
    )
    assert code == 2
    assert "failed: RuntimeError: out of memory\n" in printed
    assert "1 of 2 cells failed (none-seed3)" in printed
    assert "Traceback" not in printed
    found = read_json(tmp_path / "grid" / "comparison.json")
    assert set(found["defenses"]) == {"drop"}
    assert found["unfinished"] == {"none-seed3": "RuntimeError: out of memory"}
    assert not (tmp_path / "grid" / "drop-seed3" / "checkpoints").exists()
