"""An audit's reference: which model it is and what it is asked."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pipelines import make_pipeline
from runs import EACH, SMALL, Run, arguments

from lit_clid.models.note import NOTE
from lit_clid.scores import Scores


def test_the_reference_is_the_base_of_the_target(audited: Path, pipeline_folder: Path) -> None:
    """Every `…_ref` score is the target's signal minus β times the base's, table by table."""
    report = json.loads((audited / "report.json").read_text())
    assert report["attacks"]["sima_ref"]["title"] == "SimA − β · reference"
    made_with = json.loads((audited / "scores" / "reference.json").read_text())
    assert made_with["model"] == str(pipeline_folder)
    assert (
        made_with["claims"]["model"]
        == json.loads((audited / "target" / NOTE).read_text())["facts"]["base"]
    )
    loaded = {
        name: Scores.load(audited / "scores" / f"{name}.parquet")
        for name in ("target", "reference")
    }
    assert loaded["target"].ids == loaded["reference"].ids
    assert not np.array_equal(loaded["target"].signals["sima"], loaded["reference"].signals["sima"])


@pytest.mark.slow
def test_records_of_both_roles_are_asked_once(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    """The reference's answers about records of both roles are carried over."""
    words = [
        f"runs={tmp_path}",
        "name=r",
        f"target.path={pipeline_folder}",
        *SMALL,
        "data.source=imagefolder",
    ]
    words += [f"data.path={tmp_path / 'images'}", "data.shadow=redrawn"]
    from PIL import Image

    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    for k in range(30):
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(
            tmp_path / "images" / f"{k}.png"
        )
        (tmp_path / "images" / f"{k}.txt").write_text(f"picture number {k}")
    for role in ("target", "shadow"):
        code, printed = run("train", *words, f"role={role}")
        assert code == 0, printed
    code, printed = run("audit", *words, "attacks=[loss,clir_5]")
    assert code == 0, printed
    scores = tmp_path / "r" / "scores"
    both = [Scores.load(scores / f"{name}.parquet") for name in ("reference", "reference_shadow")]
    rows = [{name: k for k, name in enumerate(table.ids)} for table in both]
    shared = sorted(set(rows[0]) & set(rows[1]))
    assert len(shared) >= 18  # 24 + 24 of 30 records
    for name in shared:
        for column in both[0].signals:
            assert both[0].signals[column][rows[0][name]] == both[1].signals[column][rows[1][name]]
    assert f"{24 - len(shared)} records × 6 queries" in printed
    told = json.loads((scores / "reference_shadow.json").read_text())["queries"]
    assert told["total"] == (24 - len(shared)) * 6


def test_a_reference_that_cannot_be_compared_is_refused_before_any_query(
    audited: Path,
    trained: Path,
    pipeline_folder: Path,
    v_pipeline_folder: Path,
    tmp_path: Path,
    run: Run,
) -> None:
    from lit_clid.models.quiet import quiet_imports

    other = make_pipeline(tmp_path / "wider")
    with quiet_imports():
        from diffusers import AutoencoderKL, StableDiffusionPipeline

        from lit_clid.models.demo import blueprint

        pipe = StableDiffusionPipeline.from_pretrained(other, safety_checker=None)
        pipe.vae = AutoencoderKL(**{**blueprint.VAE, "block_out_channels": (8, 8, 8, 8)})
        pipe.save_pretrained(tmp_path / "vae")
        from diffusers import UNet2DConditionModel

        pipe = StableDiffusionPipeline.from_pretrained(other, safety_checker=None)
        pipe.unet = UNet2DConditionModel(
            **{**blueprint.UNET, "block_out_channels": (16, 48), "norm_num_groups": 8}
        )
        pipe.save_pretrained(tmp_path / "unet")
    fresh = [f"runs={tmp_path}", "name=fresh", f"target.path={pipeline_folder}", *SMALL]
    fresh += [f"audit.target={audited / 'target'}", f"audit.shadow={audited / 'shadow'}"]
    moved = tmp_path / "moved"
    shutil.copytree(audited / "target", moved)
    note = json.loads((moved / NOTE).read_text())
    note["config"]["target"]["path"] = str(v_pipeline_folder)
    (moved / NOTE).write_text(json.dumps(note))
    cases = [
        ([f"audit.reference={tmp_path / 'vae'}"], "has another latent space than the target"),
        ([f"audit.reference={tmp_path / 'unet'}"], "has another architecture than the target"),
        ([f"audit.reference={audited / 'target'}"], "itself; name its base"),
        (["audit.reference=./nowhere"], "no diffusers pipeline there"),
        (["audit.reference_attacks=[secmy]"], "secmy not among the attacks"),
        (["audit.reference_attacks=loss"], "'loss' is not a list of names"),
        ([f"audit.target={moved}"], "is not the base that the target was tuned from"),
        (
            ["attacks=[gsa1]", "audit.precision=16"],
            "attacks.gsa1: needs gradients, and float16 gradients underflow",
        ),
    ]
    for words, message in cases:
        code, printed = run("audit", *fresh, *words)
        last = printed.strip().splitlines()[-1]
        assert (code, last.startswith("error: ")) == (2, True), printed
        assert message in last, (words, last)
        assert "queries" not in printed
    assert not (tmp_path / "fresh" / "scores").exists()


def test_without_a_reachable_base_the_rest_is_audited(
    audited: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(audited / "target", gone)
    note = json.loads((gone / NOTE).read_text())
    note["config"]["target"]["path"] = str(tmp_path / "was-here")
    (gone / NOTE).write_text(json.dumps(note))
    words = [
        f"runs={tmp_path}",
        "name=n",
        f"target.path={pipeline_folder}",
        *SMALL,
        f"audit.target={gone}",
    ]
    code, printed = run("audit", *words, "attacks=[loss]")
    assert code == 0, printed
    assert "note: no reference: the base is out of reach" in printed
    assert set(json.loads((tmp_path / "n" / "report.json").read_text())["attacks"]) == {"loss"}
    code, printed = run("audit", *words, "attacks=[loss]", "audit.reference=null", "name=m")
    assert (code, "no reference" in printed) == (0, False)


def test_the_whole_audit_is_told(
    audited: Path, trained: Path, pipeline_folder: Path, run: Run
) -> None:
    code, printed = run("audit", *arguments(trained, pipeline_folder))
    assert code == 0
    swapped = 24 * 15  # CLiR again, with captions of others
    assert f"Asked: {4 * 24 * EACH + swapped:,} queries" in printed
