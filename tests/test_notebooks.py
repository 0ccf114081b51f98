"""The notebooks of `examples` run from their first cell to the last, in a folder of their own."""

import json
from pathlib import Path

import pytest
from runs import ROOT

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
PATIENCE = 900
"""Seconds that a cell may take."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's own libraries
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs(file: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(file, as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3", resources=where).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    pages = [out["data"]["text/html"] for out in shown if "text/html" in out.get("data", {})]
    assert pages or "compare" in file.read_text(encoding="utf-8")
    assert not [out for out in shown if out["output_type"] == "error"]


def test_they_are_committed_without_what_they_print() -> None:
    assert len(NOTEBOOKS) == 4
    for file in NOTEBOOKS:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
