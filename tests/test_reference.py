"""Reference calibration: which model it is, what it is asked, and what its answers change."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_pipeline
from runs import EACH, SMALL, Run, arguments

from lit_clid.commands import audit, train
from lit_clid.errors import UserError
from lit_clid.judging.judge import judge
from lit_clid.models.note import NOTE
from lit_clid.scores import Scores

ATTACK = {"loss": {"title": "Loss", "columns": ["loss"], "rule": "first", "queries": 1}}


def tables(seed: int, seen: float, n: int = 200) -> tuple[Scores, Scores]:
    """A target whose loss is the record's difficulty less `seen` for members, and a reference
    that shows the former.
    """
    rng = np.random.default_rng(seed)
    member, ids = np.arange(2 * n) < n, tuple(f"{seed}-{k:04d}" for k in range(2 * n))
    difficulty = rng.normal(0, 3, 2 * n)
    loss = difficulty - seen * member + rng.normal(0, 1, 2 * n)
    base = difficulty + rng.normal(0, 1, 2 * n)
    return tuple(
        Scores(ids, member, {"loss": -value}, {"attacks": ATTACK}) for value in (loss, base)
    )  # type: ignore[return-value]


def test_the_difference_takes_the_difficulty_away() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.5), tables(1, 1.5)
    results = judge(target, shadow, reference, beside).results
    assert set(results) == {"loss", "loss_ref"}
    assert results["loss_ref"].queries == 2
    assert results["loss_ref"].title == "Loss − reference"
    np.testing.assert_allclose(
        results["loss_ref"].verdict.score,
        target.signals["loss"] - reference.signals["loss"],
        atol=1e-12,
    )
    # a shift of 1.5 against a spread of √10 is an AUROC of Φ(0.34) = 0.63; against √2 it is Φ(0.75)
    # = 0.77
    for name, expected in (("loss", 0.63), ("loss_ref", 0.77)):
        figure = results[name].auroc
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < expected < figure.high
    assert set(judge(target, None, reference).results) == {"loss", "loss_ref"}


def test_a_reference_that_learnt_nothing_finds_nothing() -> None:
    (target, reference), (shadow, beside) = tables(0, 0.0), tables(1, 0.0)
    figure = judge(target, shadow, reference, beside).results["loss_ref"].auroc
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 0.5 < figure.high


def test_tables_that_do_not_belong_together_are_refused() -> None:
    (target, reference), (other, _) = tables(0, 1.0), tables(1, 1.0)
    with pytest.raises(UserError, match="speaks of other records"):
        judge(target, None, other)
    claims = {
        "seed": 0,
        "resolution": 64,
        "precision": "32",
        "posterior": "mean",
        "attacks": {"loss": {"t": [450]}},
    }
    made = [
        replace(table, provenance={"attacks": ATTACK, "claims": claims | changed})
        for table, changed in ((target, {}), (reference, {"attacks": {"loss": {"t": [300]}}}))
    ]
    with pytest.raises(UserError, match=r"attacks\.loss is .*450.* now and was .*300"):
        judge(made[0], None, made[1])


def test_tables_that_cannot_be_traced_are_refused() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.0), tables(1, 1.0)
    with pytest.raises(UserError, match="names no attack"):
        judge(target, None, replace(reference, provenance={}))
    with pytest.raises(UserError, match="speaks of other records"):
        judge(target, None, replace(reference, member=~reference.member))
    models = [{"attacks": ATTACK, "claims": {"model": name}} for name in ("a", "b")]
    with pytest.raises(UserError, match="model is 'a' now and was 'b'"):
        judge(
            target,
            shadow,
            *(replace(t, provenance=p) for t, p in zip((reference, beside), models, strict=True)),
        )


def test_columns_without_provenance_are_subtracted_by_name() -> None:
    target, reference = (replace(table, provenance={}) for table in tables(0, 1.0))
    assert set(judge(target, None, reference).results) == {"loss", "loss_ref"}


def test_the_reference_is_the_base_of_the_target(audited: Path, pipeline_folder: Path) -> None:
    """Every `…_ref` score is the target's signal minus the base's, table by table."""
    report = json.loads((audited / "report.json").read_text())
    assert report["attacks"]["sima_ref"]["title"] == "SimA − reference"
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


def test_records_of_both_roles_are_asked_once(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    """Where the shadow's split is dealt anew, the reference's answers about shared records are
    carried over.
    """
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
        code, printed = run(train, *words, f"role={role}")
        assert code == 0, printed
    code, printed = run(audit, *words, "attacks=[loss,clir_5]")
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
        code, printed = run(audit, *fresh, *words)
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
    code, printed = run(audit, *words, "attacks=[loss]")
    assert code == 0, printed
    assert "note: no reference: the base is out of reach" in printed
    assert set(json.loads((tmp_path / "n" / "report.json").read_text())["attacks"]) == {"loss"}
    code, printed = run(audit, *words, "attacks=[loss]", "audit.reference=null", "name=m")
    assert (code, "no reference" in printed) == (0, False)


def test_the_whole_audit_is_told(
    audited: Path, trained: Path, pipeline_folder: Path, run: Run
) -> None:
    code, printed = run(audit, *arguments(trained, pipeline_folder))
    assert code == 0
    assert f"Asked: {4 * 24 * EACH:,} queries" in printed
