"""Run folders from before their JSON carried a version are taken for what they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import old
import pytest

from lit_clid.about import Claims, Facts
from lit_clid.auditing.claims import CLAIMS, finished_scores
from lit_clid.auditing.lineage import Model, find_reference
from lit_clid.auditing.shards import shard_folder, write_shard
from lit_clid.errors import UserError
from lit_clid.files import write_json
from lit_clid.judging.judge import judge
from lit_clid.judging.report.page import report_json
from lit_clid.judging.report.section import Report
from lit_clid.models.note import NOTE, read_note
from lit_clid.scores import Scores
from lit_clid.source import Source
from lit_clid.training.exported import finished_model

FACTS = Facts.from_json(old.FACTS, "literal")
WANTED = Claims.from_json(old.CLAIMS, "literal")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder with a target's note and its table, the weights left out."""
    write_json(tmp_path / "target" / NOTE, old.NOTE)
    signals = {name: np.array([3.0, 1.0, 2.0, 0.0]) for name in ("loss", "pfami")}
    member = np.array([True, False, True, False])
    Scores(("a", "b", "c", "d"), member, signals).save(tmp_path / "scores" / "target.parquet")
    write_json(tmp_path / "scores" / "target.json", old.ABOUT)
    return tmp_path


def test_its_model_is_found_or_refused(folder: Path) -> None:
    assert finished_model(folder / "target", FACTS)
    other = replace(FACTS, rest={**FACTS.rest, "finetune.batch_size": 8}, processes=2)
    with pytest.raises(UserError) as error:
        finished_model(folder / "target", other)
    assert str(error.value) == (
        f"{folder / 'target'}: made otherwise (finetune.batch_size is 8 now and was 16, processes "
        "is 2 now and was 1); use the old values, another name=…, or delete it"
    )


def test_its_table_is_taken_or_refused(folder: Path) -> None:
    path = folder / "scores" / "target.parquet"
    table = finished_scores(path, WANTED)
    assert table is not None
    assert table.about.claims == WANTED
    changed = {"loss": {**WANTED.attacks["loss"], "t": [300]}}
    other = replace(WANTED, precision="16", attacks=WANTED.attacks | changed)
    with pytest.raises(UserError, match=r"attacks\.loss is .*300.* now and was .*450.*, precision"):
        finished_scores(path, other)


def test_its_shards_are_filled_up_or_refused(folder: Path) -> None:
    path = folder / "scores" / "shadow.parquet"
    write_json(shard_folder(path) / CLAIMS, old.CLAIMS)
    write_shard(shard_folder(path), ["a"], np.array([True]), {"loss": np.zeros(1)})
    assert finished_scores(path, WANTED) is None
    with pytest.raises(UserError, match=r"claims\.json: made otherwise \(seed is 1 now and was 0"):
        finished_scores(path, replace(WANTED, seed=1))


def test_its_report_tells_what_it_told(folder: Path) -> None:
    table = Scores.load(folder / "scores" / "target.parquet")
    report = json.loads(json.dumps(report_json(Report("id", judge(table)))))
    told = report["provenance"]["target"]
    assert {key: told[key] for key in old.MADE} == old.MADE
    assert told.keys() == {"version", *old.ABOUT}
    assert told["attacks"] == old.ATTACKS
    assert told["training"]["facts"] == old.FACTS
    assert report["skipped"] == old.ABOUT["skipped"]
    assert report["queries"] == {"target": old.ABOUT["queries"], "total": 8}


def test_its_model_names_its_base(folder: Path, pipeline_folder: Path) -> None:
    config = {**old.CONFIG, "target": {"path": str(pipeline_folder), "variant": None}}
    write_json(folder / "target" / NOTE, {**old.NOTE, "config": config})
    base = Model(Source(str(pipeline_folder)), "354c8b72")
    assert find_reference(str(folder / "target"), "base") == (base, "")
    (folder / "target" / NOTE).unlink()
    assert read_note(str(folder / "target")) is None
    assert (
        "does not say what it was tuned from" in find_reference(str(folder / "target"), "base")[1]
    )


def test_a_base_of_a_relative_path_is_found_from_elsewhere(
    folder: Path, pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**old.CONFIG, "target": {"path": "bases/mine", "variant": None}}
    note = {**old.NOTE, "config": config, "base": str(pipeline_folder)}
    write_json(folder / "target" / NOTE, note)
    monkeypatch.chdir(tmp_path)
    base = Model(Source(str(pipeline_folder)), "354c8b72")
    assert find_reference(str(folder / "target"), "base") == (base, "")
