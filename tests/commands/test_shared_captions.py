"""One prompt for all images: trained, audited, swept, and said in the report."""

import json
from pathlib import Path

import pytest
from folders import picture
from runs import Run, arguments


def subject(folder: Path) -> Path:
    folder.mkdir()
    for k in range(48):
        picture(k).save(folder / f"{k:03d}.png")
        (folder / f"{k:03d}.txt").write_text(
            "a photo of sks dog" if k % 2 else "A photo of SKS dog"
        )
    return folder


@pytest.mark.slow
def test_a_subject_under_one_prompt_is_trained_and_audited(
    run: Run, pipeline_folder: Path, tmp_path: Path
) -> None:
    folder, wanted = subject(tmp_path / "dog"), "attacks=[loss,clid_th,clir]"
    words = arguments(tmp_path, pipeline_folder, "data.source=imagefolder", f"data.path={folder}")
    said = []
    for command in ("train", "train role=shadow", f"audit {wanted}"):
        name, *more = command.split()
        code, told = run(name, "configs/folder.yaml", *words, *more)
        assert code == 0, told
        said.append(told)
    assert "24 records of the target have 1 caption" in said[0]
    assert "data.shared_captions" not in said[1]
    assert "clid_th, clir: weak here" in said[2]
    report = json.loads((tmp_path / "small" / "report.json").read_text())
    assert report["shared_captions"] == {
        "records": 24,
        "captions": 1,
        "weakened": ["clid_th", "clir", "clid_th_ref", "clir_ref"],
    }
    code, told = run(
        "train", "configs/folder.yaml", *words, "name=x", "data.shared_captions=refuse"
    )
    assert code == 2 and "share their caption with a member" in told
    assert len(told.strip().splitlines()) == 1
