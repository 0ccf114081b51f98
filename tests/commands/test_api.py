"""The commands as functions, and the package's public names."""

import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT, SMALL

import lit_clid
from lit_clid.commands.told import train_words
from lit_clid.errors import UserError
from lit_clid.scores import Scores


def table(path: Path, shift: int = 0) -> Path:
    rows = [f"r{shift + k},{k % 2},{(k % 2) * 5 + k * 7 % 11}\n" for k in range(40)]
    path.write_text("id,member,s\n" + "".join(rows))
    return path


@pytest.mark.slow
def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, lit_clid; print(dir(lit_clid)); print({'torch', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    names, loaded = done.stdout.splitlines()
    assert not [name for name in lit_clid.__all__ if f"'{name}'" not in names]
    assert loaded == "set()"


def test_every_public_name_is_there() -> None:
    assert not [name for name in lit_clid.__all__ if not hasattr(lit_clid, name)]
    assert set(lit_clid.__all__) == set(lit_clid._HOMES)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        lit_clid.trian  # noqa: B018


def test_tables_are_judged_from_files_and_from_memory(tmp_path: Path) -> None:
    own, shadow = table(tmp_path / "own.csv"), table(tmp_path / "shadow.csv", 100)
    read = Scores.load(own)
    alone, calibrated = lit_clid.judge(own), lit_clid.judge(str(own), shadow)
    assert lit_clid.judge(read).grades["s"].auroc == alone.grades["s"].auroc
    assert lit_clid.judge(read, shadow).grades["s"].asr == calibrated.grades["s"].asr
    assert calibrated.shadow is not None and alone.shadow is None
    named = lit_clid.judge(own, headline="s"), lit_clid.judge(read, headline="s")
    assert [each.chosen for each in named] == ["named", "named"]
    assert (alone.chosen, calibrated.chosen) == ("maximum", "shadow")


def test_the_headline_is_a_key_of_the_configuration(tmp_path: Path) -> None:
    own = table(tmp_path / "own.csv")
    found = lit_clid.audit(scores=own, headline="s")
    assert found is not None and found.chosen == "named"
    with pytest.raises(UserError, match="headline: 'lost' is none of the judged attacks"):
        lit_clid.audit(scores=own, headline="lost")
    with pytest.raises(UserError, match="headline: 'lost' is not asked; name one of loss"):
        lit_clid.audit(runs=tmp_path, attacks=["loss"], headline="lost")
    alone = {"audit": {"reference": None}, "attacks": ["loss"], "headline": "loss_ref"}
    with pytest.raises(UserError, match="headline: 'loss_ref' needs a reference"):
        lit_clid.audit(runs=tmp_path, **alone)


def test_changes_are_plain_values_of_the_configuration(tmp_path: Path) -> None:
    changes = {
        "runs": tmp_path,
        "data": {"path": "a, b: {c} \N{GRINNING FACE}", "members": None},
        "finetune": {"learning_rate": 1e-5, "checkpoints": (0.5, 1)},
        "attacks": ["loss"],
        "audit": {"precision": "32", "compile": True},
    }
    with train_words(["configs/demo.yaml", "seed=4"], changes, {}).opened() as config:
        pass
    assert (config.seed, config.runs, list(config.attacks)) == (4, str(tmp_path), ["loss"])
    assert (config.data.path, config.data.members) == ("a, b: {c} \N{GRINNING FACE}", None)
    assert (config.finetune.learning_rate, config.finetune.checkpoints) == (1e-5, [0.5, 1.0])
    assert (config.audit.precision, config.audit.compile) == ("32", True)
    with pytest.raises(lit_clid.UserError, match=r"did you mean 'data\.path'"):
        lit_clid.audit(data={"pth": "x"})


@pytest.mark.slow
def test_a_model_is_trained_and_audited(pipeline_folder: Path, tmp_path: Path) -> None:
    changes = {"runs": tmp_path, "target": {"path": str(pipeline_folder)}, "attacks": ["loss"]}
    trained = lit_clid.train(*SMALL, **changes)
    assert trained.folder == tmp_path / "demo" / "target"
    assert trained.note.steps == 6
    found = lit_clid.audit(*SMALL, audit={"reference": None}, **changes)
    assert found is not None
    assert list(found.grades) == ["loss"]
    again = lit_clid.judge(tmp_path / "demo" / "scores")
    assert again.grades["loss"].auroc == found.grades["loss"].auroc
