"""Records handed over in memory: the same answers as from files, and what is refused."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handing import ASKED, audit, dataset_of, folder_of, pairs, scores
from runs import Run

import lit_clid
from lit_clid.commands.told import as_words, audit_words
from lit_clid.errors import UserError
from lit_clid.judging.report.result import Result

pytestmark = pytest.mark.usefixtures("few_permutations")


def test_a_pipeline_and_pairs_are_asked_as_files_are(
    pipeline: Any, pipeline_folder: Path, tmp_path: Path
) -> None:
    seen, unseen = pairs(0), pairs(100)
    before = {name: value.clone() for name, value in pipeline.unet.state_dict().items()}
    found = audit(pipeline, tmp_path / "a", members=seen, holdouts=unseen)
    assert (found.members, found.holdouts) == (12, 12)
    assert all((value == before[name]).all() for name, value in pipeline.unet.state_dict().items())
    by_name = audit(pipeline_folder, tmp_path / "b", members=seen, holdouts=unseen)
    assert (scores(by_name) == scores(found)).all()
    files = [folder_of(tmp_path / name, given) for name, given in (("x", seen), ("y", unseen))]
    audit(pipeline_folder, tmp_path / "c", members=files[0], holdouts=str(files[1]))
    audit(pipeline, tmp_path / "d", members=dataset_of(seen), holdouts=dataset_of(unseen))
    hashes = [dealt(tmp_path / name) for name in "abcd"]
    assert len(hashes[0]) == 24 and hashes.count(hashes[0]) == 4


def dealt(runs: Path) -> set[tuple[str, ...]]:
    """What a split's records are, whatever they are called."""
    (manifest,) = runs.glob("records-*/split.csv")
    with manifest.open(encoding="utf-8") as file:
        told = ("image_hash", "caption_hash", "role", "member")
        return {tuple(line[key] for key in told) for line in csv.DictReader(file)}


def test_the_same_records_go_on_and_others_have_a_run_of_their_own(
    pipeline: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = audit(pipeline, tmp_path, members=pairs(0), holdouts=pairs(100))
    capfd.readouterr()
    again = audit(pipeline, tmp_path, members=pairs(0), holdouts=pairs(100))
    assert "already audited" in capfd.readouterr().out
    assert again.title == first.title and (scores(again) == scores(first)).all()
    others = audit(pipeline, tmp_path, members=pairs(0), holdouts=pairs(200))
    assert others.title != first.title
    laid = [path.name for path in (tmp_path / "pipelines").iterdir()]
    assert len(laid) == 1 and laid[0].startswith("pipeline-")


def test_suspects_beside_holdouts(pipeline: Any, tmp_path: Path) -> None:
    found = audit(pipeline, tmp_path, holdouts=pairs(0, 20), suspects=dataset_of(pairs(100)))
    assert found.claim and found.counts == {"nonmembers": 20, "suspects": 12}
    frame = found.records()
    assert len(frame) == 32 and frame["member"].isna().sum() == 12
    assert {"loss", "clid_th_null", "p", "q", "named"} <= set(frame)
    assert found.answer is not None


def test_a_table_says_who_is_a_member(pipeline: Any, tmp_path: Path) -> None:
    told = dataset_of(pairs(0, 30), member=[1] * 12 + [0] * 18)
    found = audit(pipeline, tmp_path, records=told)
    assert (found.members, found.holdouts) == (12, 18)
    frame = found.records()
    assert frame["member"].sum() == 12
    assert list(frame["id"]) != sorted(frame["id"])  # the surest first


def test_what_is_trained_is_audited_by_the_same_records(
    pipeline: Any, tmp_path: Path, pipeline_folder: Path
) -> None:
    trainer = {"max_steps": 2, "accelerator": "cpu", "precision": "32-true"}
    changes = {"data": {"resolution": 16}, "finetune": {"train": "cross_attention", "samples": 0}}
    given = {"members": pairs(0, 16), "holdouts": pairs(100, 16), "runs": tmp_path}
    for role in ("target", "shadow"):
        made = lit_clid.train(pipeline, role=role, trainer=trainer, **changes, **given)
        assert made.note.steps == 2 and made.folder.name == role
    data = {"data": changes["data"]}
    found = lit_clid.audit(attacks=ASKED, **data, **given)
    assert isinstance(found, Result) and found.shadow is not None
    assert found.target.about.model == str(made.folder.with_name("target"))
    named = lit_clid.audit(made.folder.with_name("target"), attacks=ASKED, **data, **given)
    assert isinstance(named, Result)
    assert (named.title, list(named.target.ids)) == (found.title, list(found.target.ids))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"members": pairs(0)}, "audit: members alone can be compared with nothing"),
        ({"holdouts": pairs(0)}, "audit: holdouts alone answer nothing"),
        ({"suspects": pairs(0)}, "audit: suspects have to be compared"),
        ({"records": pairs(0), "members": pairs(9)}, "records are dealt by their member column"),
        ({"members": pairs(0), "holdouts": pairs(0)}, "share their image with a member"),
        ({"members": [1], "holdouts": pairs(0)}, r"members\[0\] is no pair"),
        ({"members": {"a": 1}, "holdouts": pairs(0)}, "members are of type dict"),
        ({"members": "nowhere/at/all", "holdouts": pairs(0)}, "no folder .*nowhere/at/all"),
    ],
)
def test_records_that_cannot_be_asked_about(
    given: dict[str, Any], fault: str, pipeline_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=fault):
        audit(pipeline_folder, tmp_path, **given)


def test_a_model_is_asked_about_somebody_s_records(pipeline: Any, tmp_path: Path) -> None:
    for words in ({}, {"data": {"resolution": 16}}):
        with pytest.raises(UserError, match="audit: hand over the records to ask the model about"):
            lit_clid.audit(pipeline, runs=str(tmp_path), **words)
    assert audit_words(["demo"], {}, {}, {}).words == ["audit.target=demo", "audit.reference=null"]
    with pytest.raises(
        UserError, match=r"nothing says that .* was trained on the records that the"
    ):
        audit(pipeline, tmp_path, records=pairs(0))


def test_a_table_without_captions_is_told_what_to_do(pipeline_folder: Path, tmp_path: Path) -> None:
    import datasets

    bare = dataset_of(pairs(0)).remove_columns("text")
    with pytest.raises(UserError, match=r"members: no caption column \(found: image\)"):
        audit(pipeline_folder, tmp_path, members=bare, holdouts=pairs(100))
    several = datasets.DatasetDict(train=bare)
    with pytest.raises(UserError, match="members: hold several splits; hand over one of train"):
        audit(pipeline_folder, tmp_path, members=several, holdouts=pairs(100))


def test_records_of_memory_are_not_there_for_the_command(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", f"audit.target={pipeline_folder}", "data.source=memory"]
    code, said = run("audit", *words, "data.path=members")
    assert code == 2 and "'memory' stands for records that Python code hands to" in said


def test_overlays_change_a_run_and_do_not_name_it(pipeline_folder: Path, tmp_path: Path) -> None:
    given = {"members": pairs(0), "holdouts": pairs(100)}
    words = [str(pipeline_folder), "configs/attacks/zoo.yaml", f"runs={tmp_path}"]
    usual = {"reference": "base"}
    with audit_words(words, {}, given, usual).opened() as config:
        assert config.name.startswith("records-") and config.data.members is None
        assert "pfami" in config.attacks and config.audit.target == str(pipeline_folder)
    with audit_words(["configs/demo.yaml", *words[2:]], {}, given, usual).opened() as config:
        assert config.name == "demo"
    with audit_words([words[0], words[2], "name=own"], {}, given, usual).opened() as config:
        assert config.name == "own"


def test_other_attacks_have_a_run_of_their_own(pipeline_folder: Path, tmp_path: Path) -> None:
    given = {"members": pairs(0), "holdouts": pairs(100)}
    first = audit(pipeline_folder, tmp_path, **given, attacks=["loss"])
    assert audit(pipeline_folder, tmp_path, **given).title != first.title


def test_what_records_are_is_said_by_their_name(pipeline_folder: Path, tmp_path: Path) -> None:
    told = dataset_of(pairs(0, 20), member=[1] * 10 + [0] * 10)
    claim = audit(pipeline_folder, tmp_path, holdouts=told, suspects=pairs(100))
    assert claim.counts == {"nonmembers": 20, "suspects": 12}
    both = audit(pipeline_folder, tmp_path, members=pairs(100), holdouts=told)
    assert both.counts == {"members": 12, "nonmembers": 20}
    assert not [name for name in both.target.ids if "row-" in name]


def test_what_python_people_write_is_one_line_or_understood(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="hand over records by name"):
        lit_clid.audit(pipeline_folder, pairs(0), pairs(100))
    assert as_words({"trainer": {"max_steps": np.int64(3)}}) == ['trainer={"max_steps": 3}']
    seen = dataset_of(pairs(0)).with_transform(lambda batch: {"pixels": batch["image"]})
    found = audit(pipeline_folder, tmp_path, members=seen, holdouts=pairs(100))
    assert found.members == 12
