"""An audit whose model, reference and data lie on a hub: what was asked is named by its commits."""

import json
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from archived import image
from hubs import Hub, serving, without_token
from pipelines import make_pipeline

CODE = "from lit_clid.commands.line import main; main()"


def records(folder: Path) -> Path:
    """Pictures of which a column says who is a member."""
    folder.mkdir()
    rows = [
        {"image": {"bytes": image(k), "path": None}, "text": f"a picture {k}", "member": k % 2}
        for k in range(32)
    ]
    kinds = {"text": datasets.Value("string"), "member": datasets.Value("int8")}
    features = datasets.Features({"image": datasets.Image(), **kinds})
    datasets.Dataset.from_list(rows, features=features).to_parquet(folder / "train.parquet")
    return folder


@pytest.mark.slow
def test_an_audit_on_a_hub_tells_commits_and_goes_on_without_it(tmp_path: Path) -> None:
    hub, told = Hub(), {**without_token(), "HF_HOME": str(tmp_path / "cache")}
    base = hub.put("models/o/model", make_pipeline(tmp_path / "base"))
    tuned = hub.put("models/o/model", make_pipeline(tmp_path / "tuned", "v_prediction"), "tuned")
    data = hub.put("datasets/o/pictures", records(tmp_path / "data"), "v1")
    words = ["audit.target=o/model@tuned", "audit.reference=o/model", "data.source=o/pictures@v1"]
    words += ["data.members=8", "data.nonmembers=8", "attacks=[loss]", "audit.swapped=0"]
    command = [sys.executable, "-c", CODE, "audit", *words, f"runs={tmp_path}", "name=hub"]
    with serving(hub) as environment:
        done = subprocess.run(
            command, capture_output=True, text=True, env={**told, **environment}, cwd=tmp_path
        )
    assert done.returncode == 0, done.stderr
    report = tmp_path / "hub" / "report.json"
    found = json.loads(report.read_text())["provenance"]
    assert found["target"]["commits"] == {"datasets/o/pictures@v1": data, "o/model@tuned": tuned}
    assert found["reference"]["commits"] == {"datasets/o/pictures@v1": data, "o/model": base}
    assert (found["target"]["model"], found["reference"]["model"]) == ("o/model@tuned", "o/model")
    split = json.loads((tmp_path / "hub" / "split.json").read_text())
    assert split["commits"] == {"datasets/o/pictures@v1": data}
    report.unlink()  # what was fetched is kept: the same command needs no hub
    again = subprocess.run(command, capture_output=True, text=True, env=told, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(report.read_text())["provenance"]["target"] == found["target"]
