"""What of the records leaves the run folder with a report, and what only when it is asked for."""

import csv
import json
from pathlib import Path

import pytest
from folders import image_folder
from runs import Run

from lit_clid.config.options.data import EMBEDDED, DataOptions
from lit_clid.config.options.report import ReportOptions
from lit_clid.data.images import EMBEDDED as DRAWN
from lit_clid.errors import UserError

pytestmark = pytest.mark.usefixtures("few_permutations")
READERS = ("report.html", "report.json", "report.md", "results.csv", "results.tex", "suspects.csv")
"""Files that are passed on."""


@pytest.fixture
def words(pipeline_folder: Path, tmp_path: Path) -> list[str]:
    images = image_folder(tmp_path / "images", 32)
    others = image_folder(tmp_path / "others", 12)
    for k, file in enumerate(sorted(others.glob("*.png"))):  # images of their own
        file.write_bytes((images / f"{k:03d}.png").read_bytes())
    for k in range(12, 32):
        (images / f"{k:03d}.png").rename(images / f"own-{k:03d}.png")
    text = (images / "metadata.jsonl").read_text().splitlines()
    own = [json.loads(line) for line in text[12:]]
    for row in own:
        row["file_name"] = f"own-{row['file_name']}"
    (images / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    for k in range(12):
        (images / f"{k:03d}.png").unlink()
    return [
        *(f"runs={tmp_path}", "name=own", f"audit.target={pipeline_folder}"),
        *("data.source=imagefolder", f"data.path={images}", f"data.suspects_path={others}"),
        *("data.members=null", "data.nonmembers=null", "attacks=[loss]"),
        *("audit.reference=null", "audit.swapped=0", "trainer.enable_progress_bar=false"),
    ]


def files(folder: Path) -> dict[str, str]:
    found = [folder / name for name in READERS]
    return {file.name: file.read_text(encoding="utf-8") for file in found if file.is_file()}


def test_pictures_and_captions_of_ones_own_data_are_asked_for(
    words: list[str], tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "own"
    assert run("audit", *words)[0] == 0
    plain = files(folder)
    assert not any("picture number" in text for text in plain.values())
    assert "data:image/png" not in plain["report.html"] and "own-0" in plain["report.html"]
    assert run("audit", *words, "report.pictures=thumbnails", "report.captions=true")[0] == 0
    shown = files(folder)["report.html"]
    assert "data:image/png" in shown and "picture number" in shown
    assert run("audit", *words, "report.pictures=blurred")[0] == 0
    blurred = files(folder)["report.html"]
    assert "data:image/png" in blurred and "picture number" not in blurred
    assert len(blurred) < len(shown)


def test_no_id_stands_in_a_report_with_pseudonyms(
    words: list[str], tmp_path: Path, run: Run
) -> None:
    folder, hashed = tmp_path / "own", "report.ids=hashed"
    assert run("audit", *words)[0] == 0
    before = json.loads((folder / "report.json").read_text())
    code, said = run("audit", *words, hashed, "report.pictures=thumbnails")
    assert code == 0
    told = files(folder)
    told["terminal"] = said.split("\n\n", 1)[1]
    assert "suspects.csv" in told
    for name, text in told.items():
        assert ".png" not in text.replace("data:image/png", ""), name
    after = json.loads((folder / "report.json").read_text())
    drawn = [each["suspects"]["set"]["p"] for each in (after, before)]
    assert drawn[0] == pytest.approx(drawn[1], abs=0.1)  # permutations meet another order
    assert after["attacks"]["loss"]["auroc"]["value"] == before["attacks"]["loss"]["auroc"]["value"]
    with (folder / "ids.csv").open(encoding="utf-8") as file:
        names = {row["name"]: row["id"] for row in csv.DictReader(file)}
    own = {names[each["id"]]: each["score"] for each in after["surest"]}
    assert own == {each["id"]: each["score"] for each in before["surest"]}
    assert run("verify", str(folder))[0] == 0
    again = (folder / "ids.csv").read_text()
    assert run("audit", *words, hashed)[0] == 0 and (folder / "ids.csv").read_text() == again


def test_what_is_nobodys_is_shown() -> None:
    assert set(EMBEDDED) == set(DRAWN)
    drawn, own = DataOptions(), DataOptions(source="imagefolder", path="x")
    mixed = DataOptions(nonmember_source="imagefolder", nonmember_path="x")
    auto = ReportOptions()
    assert [auto.shows_pictures(data) for data in (drawn, own, mixed)] == [
        *("thumbnails", "none", "none")
    ]
    assert [auto.shows_captions(data) for data in (drawn, own, mixed)] == [True, False, False]
    assert ReportOptions(captions=True).shows_captions(own)
    with pytest.raises(UserError, match=r"report\.ids: 'secret' is not one of plain, hashed"):
        ReportOptions(ids="secret")
    with pytest.raises(UserError, match=r"report\.pictures: 'all' is not one of auto"):
        ReportOptions(pictures="all")
