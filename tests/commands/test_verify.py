"""`lit-clid verify`: the report is what its tables give, or the line says where it is not."""

import json
from pathlib import Path

import pytest
from runs import Run
from tables import tables

pytestmark = pytest.mark.usefixtures("few_permutations")


@pytest.fixture
def judged(tmp_path: Path, run: Run) -> Path:
    """A run's folder with tables and their report."""
    folder = tmp_path / "mine" / "scores"
    target, base = tables(0, 1.5, 40)
    shadow, other = tables(1, 1.5, 40)
    for name, table in (("target", target), ("shadow", shadow)):
        table.save(folder / f"{name}.parquet")
    base.save(folder / "reference.parquet")
    other.save(folder / "reference_shadow.parquet")
    code, printed = run("audit", f"runs={tmp_path}", "name=mine", f"scores={folder}")
    assert code == 0, printed
    return tmp_path / "mine"


def test_a_report_agrees_with_its_tables(judged: Path, run: Run) -> None:
    code, printed = run("verify", str(judged))
    assert code == 0 and "values are those that the tables give" in printed
    assert run("audit", "verify", str(judged)) == (code, printed)


def test_what_was_passed_on_alone_is_not_missed(judged: Path, run: Run) -> None:
    for file in [*judged.glob("*.csv"), *judged.glob("*.md"), *judged.glob("*.html")]:
        file.unlink()
    code, printed = run("verify", str(judged))
    assert code == 0, printed


def test_a_changed_figure_is_named(judged: Path, run: Run) -> None:
    content = json.loads((judged / "report.json").read_text())
    content["attacks"]["loss"]["auroc"]["value"] += 1e-4
    (judged / "report.json").write_text(json.dumps(content))
    code, printed = run("verify", str(judged))
    assert code == 2
    assert "1 of" in printed and "attacks.loss.auroc.value: 0." in printed


def test_numbers_of_a_table_agree_as_those_of_the_report_do(judged: Path, run: Run) -> None:
    file = judged / "results.csv"
    head, first, *rest = file.read_text().splitlines()
    cells = first.split(",")
    place = head.split(",").index("auroc")
    for change, expected in ((1e-12, 0), (1e-4, 2)):
        cells[place] = str(float(cells[place]) + change)
        file.write_text("\n".join([head, ",".join(cells), *rest]) + "\n")
        assert run("verify", str(judged))[0] == expected


@pytest.mark.parametrize("name", ["results.csv", "results.tex", "card.md"])
def test_a_changed_text_beside_the_report_is_named(name: str, judged: Path, run: Run) -> None:
    file = judged / name
    file.write_text(file.read_text().replace("loss", "lost", 1))
    code, printed = run("verify", str(judged))
    assert code == 2 and name in printed


def test_a_changed_table_is_noticed(judged: Path, run: Run) -> None:
    tables(5, 1.5, 40)[0].save(judged / "scores" / "target.parquet")
    code, printed = run("verify", str(judged))
    assert code == 2
    assert "was a table or the report changed" in printed or "other records" in printed


def test_what_cannot_be_verified_is_said_in_a_line(judged: Path, tmp_path: Path, run: Run) -> None:
    assert run("verify")[0] == 2
    assert "no such report" in run("verify", str(tmp_path))[1]
    content = json.loads((judged / "report.json").read_text())
    del content["version"]
    (judged / "report.json").write_text(json.dumps(content))
    assert "is of another version of lit-clid" in run("verify", str(judged))[1]


def test_a_table_from_elsewhere_is_named(tmp_path: Path, run: Run) -> None:
    table = tables(0, 1.5, 40)[0]
    lines = ["id,member,loss"]
    rows = zip(table.ids, table.member.tolist(), table.signals["loss"].tolist(), strict=True)
    lines += [f"{name},{int(member)},{value!r}" for name, member, value in rows]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    run("audit", f"runs={tmp_path}", "name=csv", f"scores={tmp_path / 't.csv'}")
    folder = str(tmp_path / "csv")
    assert "verified with scores=FILE" in run("verify", folder)[1]
    assert run("verify", folder, f"scores={tmp_path / 't.csv'}")[0] == 0
