"""Suspects with several captions each, audited under the first and under all of them."""

import json
from pathlib import Path

import pytest
from claims import asked, claimants
from runs import Run


def with_further(folder: Path) -> None:
    """Give every record but the first of a folder two further captions."""
    file = folder / "metadata.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows[1:]:
        row["text"] = [row["text"], f"{row['text']} again", f"{row['text']} once more"]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.mark.slow
def test_an_audit_averages_and_tells_what_that_costs(
    run: Run, pipeline_folder: Path, tmp_path: Path
) -> None:
    words = asked(tmp_path, pipeline_folder, *claimants(tmp_path, 8, 12), "audit.swapped=8")
    for name in ("mine", "comparable"):
        with_further(tmp_path / name)
    code, told = run("audit", *words, "name=first")
    assert code == 0 and "20 records × 6 queries = 120 queries" in told, told
    words += ["data.several_captions=average", "audit.batch_size=3"]
    code, told = run("audit", *words)
    each = 18 * (3 + 3 * 3) + 2 * 6
    assert code == 0 and f"20 records × about 11 queries = {each} queries" in told, told
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert report["queries"]["target"]["total"] == each
    assert report["attacks"]["loss"]["queries"] == 3
    assert report["attacks"]["clid_th_null"]["queries"] == 11
    assert run("verify", str(tmp_path / "claim"))[0] == 0
    code, told = run("audit", *words)
    assert code == 0 and "already audited" in told
    code, told = run("audit", *words, "data.several_captions=first")
    assert code == 2 and "split is" in told
