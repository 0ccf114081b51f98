"""Results: another audit as the shadow, tables, figures, folders."""

from pathlib import Path
from typing import Any

import pytest
from handing import ASKED, audit, opened, pairs
from runs import Run

from lit_clid.errors import UserError

pytestmark = pytest.mark.usefixtures("few_permutations")


def test_an_audit_calibrates_another(pipeline: Any, pipeline_folder: Path, tmp_path: Path) -> None:
    asked = {"attacks": [*ASKED, "clid_vec_null"]}
    another = opened(pipeline_folder)
    next(another.unet.parameters()).data += 0.01
    shadow = audit(another, tmp_path, members=pairs(200), holdouts=pairs(300), **asked)
    assert "clid_vec_null" in shadow.unjudged
    found = audit(pipeline, tmp_path, members=pairs(0), holdouts=pairs(100), shadow=shadow, **asked)
    assert found.shadow is not None and "clid_vec_null" in found.grades
    assert found.chosen == "shadow" and found.grades["loss"].shadow_auroc is not None
    claim = audit(pipeline, tmp_path, holdouts=pairs(0), suspects=pairs(100))
    with pytest.raises(UserError, match="shadow: is an audit of suspects"):
        audit(pipeline, tmp_path, members=pairs(0), holdouts=pairs(100), shadow=claim)
    with pytest.raises(UserError, match="does not say which records it was trained on"):
        audit(pipeline, tmp_path, members=pairs(0), holdouts=pairs(100), shadow=pipeline)


def test_a_shadow_is_of_other_records_and_another_model(
    pipeline_folder: Path, v_pipeline_folder: Path, tmp_path: Path
) -> None:
    given = {"members": pairs(0), "holdouts": pairs(100)}
    found = audit(pipeline_folder, tmp_path, **given)
    with pytest.raises(UserError, match=r"shadow: 24 of its records are the audit's own"):
        audit(v_pipeline_folder, tmp_path, **given, shadow=found)
    others = {"members": pairs(200), "holdouts": pairs(300)}
    with pytest.raises(UserError, match="shadow: is the audited model itself"):
        audit(pipeline_folder, tmp_path, **others, shadow=found)
    with pytest.raises(UserError, match="shadow: has another latent space"):
        audit(v_pipeline_folder, tmp_path, **others, shadow=found)
    claim = {"holdouts": pairs(200, 20), "suspects": pairs(300)}
    stopping = {"evidence": {"stop_at": 0.01}, "shadow": found}
    with pytest.raises(
        UserError, match=r"evidence\.stop_at: .* takes no other audit as its shadow"
    ):
        audit(v_pipeline_folder, tmp_path, **claim, **stopping)


def test_every_attack_scores_suspects_beside_members(pipeline_folder: Path, tmp_path: Path) -> None:
    given = {"members": pairs(0), "holdouts": pairs(100), "suspects": pairs(200)}
    found = audit(pipeline_folder, tmp_path, **given, headline="loss")
    frame = found.records()
    assert len(frame) == 36 and frame["member"].isna().sum() == 12
    assert not frame[["loss", "clid_th_null"]].isna().any().any()
    assert list(frame["loss"]) == sorted(frame["loss"], reverse=True)


def test_a_result_is_saved_whole_and_over_no_other_run(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    found = audit(pipeline_folder, tmp_path, members=pairs(0), holdouts=pairs(100))
    place = tmp_path / "saved"
    (place / "scores").mkdir(parents=True)
    (place / "scores" / "shadow.parquet").write_bytes(b"an earlier one's")
    assert found.save(place).is_file()
    assert run("verify", str(place))[0] == 0
    own = tmp_path / found.title
    before = (own / "scores" / "target.parquet").read_bytes()
    found.save(own)
    assert (own / "scores" / "target.parquet").read_bytes() == before
    assert run("verify", str(own))[0] == 0
    other = audit(pipeline_folder, tmp_path, members=pairs(0), holdouts=pairs(200))
    with pytest.raises(UserError, match="is the folder of another run"):
        other.save(own)


def test_a_figure_shows_itself(pipeline_folder: Path, tmp_path: Path) -> None:
    found = audit(pipeline_folder, tmp_path, members=pairs(0), holdouts=pairs(100))
    assert found.figure()._repr_svg_().startswith("<svg")
    with pytest.raises(UserError, match="figure: lost not judged"):
        found.figure(["lost"])
    page = found._repr_html_()
    assert page.startswith('<div class="lit-clid">') and "tbody {" in page and "t& {" not in page
