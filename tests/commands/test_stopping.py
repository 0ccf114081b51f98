"""An audit of suspects that stops asking: what it says, what it keeps, what it leaves to ask."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from claims import asked, claimants
from folders import picture
from jsonschema import Draft202012Validator
from PIL import Image
from runs import Run

from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")


def shaded(folder: Path, factor: float) -> list[str]:
    """A claim whose suspects are darker or not, which SecMI answers to as if it were memory."""
    words = claimants(folder, 32, 40)
    for k in range(32):
        image = np.asarray(picture(100 + k)).astype(float) * factor
        Image.fromarray(image.astype(np.uint8)).save(folder / "mine" / f"{k:03d}.png")
    return [*words, "audit.batch_size=8", "attacks=[secmi]"]


@pytest.fixture
def stopping(pipeline_folder: Path, tmp_path: Path) -> list[str]:
    return [*asked(tmp_path, pipeline_folder, *shaded(tmp_path, 0.2)), "evidence.stop_at=0.9"]


def test_it_stops_says_so_and_leaves_the_rest(
    stopping: list[str], tmp_path: Path, run: Run
) -> None:
    code, printed = run("audit", *stopping)
    assert code == 0, printed
    folder = tmp_path / "claim"
    assert "which suffices" in printed and "queries, were not asked" in printed
    report = json.loads((folder / "report.json").read_text())
    told = report["stopped"]
    assert told["stopped"] and told["p"] <= 0.9 and told["by"] == "ranks"
    table = Scores.load(folder / "scores" / "stopped.parquet")
    assert len(table.ids) == sum(told["asked"].values()) < 72
    assert not (folder / "scores" / "target.parquet").is_file()
    schema = files("lit_clid.judging.report") / "report.schema.json"
    assert not list(Draft202012Validator(json.loads(schema.read_text())).iter_errors(report))
    assert report["verdict"].startswith("NOT CONCLUSIVE: Without the model")
    code, printed = run("audit", *stopping)
    assert code == 0 and ": 0 records" not in printed
    assert json.loads((folder / "report.json").read_text())["stopped"] == told


def test_it_says_what_a_sample_leaves_unseen(stopping: list[str], tmp_path: Path, run: Run) -> None:
    code, printed = run("audit", *stopping, "data.sample=38")
    assert code == 0, printed
    folder = tmp_path / "claim"
    report = json.loads((folder / "report.json").read_text())
    counts = {"source": {"drawn": 38, "of": 40}}
    assert report["provenance"]["target"]["sampled"] == counts
    for file in ("report.md", "report.html"):
        said = (folder / file).read_text()
        assert "38 of 40 in data.source" in said and "were not drawn got no answer" in said


def test_the_table_alone_gives_the_same_evidence(
    stopping: list[str], tmp_path: Path, run: Run
) -> None:
    run("audit", *stopping)
    table = tmp_path / "claim" / "scores" / "stopped.parquet"
    code, printed = run("audit", f"runs={tmp_path}", "name=again", f"scores={table}")
    assert code == 0, printed
    one, other = (
        json.loads((tmp_path / name / "report.json").read_text())["stopped"]
        for name in ("claim", "again")
    )
    assert one == other
    first, second = (
        json.loads((tmp_path / name / "report.json").read_text()) for name in ("claim", "again")
    )
    assert second["verdict"] == first["verdict"] and second["controls"] == first["controls"]
    code, printed = run("verify", str(tmp_path / "claim"))
    assert code == 0 and "all" in printed
    forged = {**first, "verdict": "Nothing was found.", "controls": {}}
    (tmp_path / "claim" / "report.json").write_text(json.dumps(forged))
    code, printed = run("verify", str(tmp_path / "claim"))
    assert code == 2 and "verdict: " in printed and "controls.blind" in printed


def test_the_rest_is_asked_on_request_and_nothing_twice(
    stopping: list[str], tmp_path: Path, run: Run
) -> None:
    run("audit", *stopping)
    asked_then = len(Scores.load(tmp_path / "claim" / "scores" / "stopped.parquet").ids)
    code, printed = run("audit", *stopping[:-1])
    assert code == 0, printed
    assert f"{72 - asked_then} records" in printed and f"({asked_then} records were" in printed
    whole = Scores.load(tmp_path / "claim" / "scores" / "target.parquet")
    run("audit", *stopping[:-1], "name=straight")
    straight = Scores.load(tmp_path / "straight" / "scores" / "target.parquet")
    assert whole.ids == straight.ids
    np.testing.assert_array_equal(whole.signals["secmi"], straight.signals["secmi"])


def test_without_evidence_all_are_asked_and_the_report_is_the_whole_one(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [*asked(tmp_path, pipeline_folder, *shaded(tmp_path, 1.0)), "evidence.stop_at=1e-9"]
    code, printed = run("audit", *words)
    assert code == 0, printed
    assert "asked 72 of 72" in printed
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert "suspects" in report and "stopped" not in report


def test_known_members_are_not_stopped_at(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    words = ["data.members=4", "data.nonmembers=4", "evidence.stop_at=0.05"]
    code, printed = run("audit", *asked(tmp_path, pipeline_folder, *words))
    assert code == 2
    assert "evidence.stop_at: stops an audit of suspects" in printed
    assert run("audit", "evidence.stop_at=2")[0] == 2
