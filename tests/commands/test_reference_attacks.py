"""What the reference is asked for, and what is made of a reference that was asked for some."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from runs import Run
from safetensors.torch import load_file, save_file

from lit_clid.about import About
from lit_clid.asked import AttackSpec
from lit_clid.auditing.attacks import ATTACKS, COSTLY
from lit_clid.config.options.audit import INFORMING, AuditOptions
from lit_clid.errors import UserError
from lit_clid.judging.reference import reference_weights
from lit_clid.judging.trials import trials
from lit_clid.scores import Scores

USUAL = [name for name in ATTACKS if name not in COSTLY]


def test_names_of_the_informing_are_there() -> None:
    assert set(USUAL) >= INFORMING


@pytest.mark.parametrize(
    ("wanted", "attacks", "asked"),
    [
        ("auto", USUAL, [name for name in USUAL if name in INFORMING]),
        ("auto", ["loss", "clid_th"], ["loss", "clid_th"]),
        (None, USUAL, USUAL),
        ([], USUAL, []),
        (["clid_th"], USUAL, ["clid_th"]),
    ],
)
def test_what_the_reference_is_asked_for(
    wanted: object, attacks: list[str], asked: list[str]
) -> None:
    assert AuditOptions(reference_attacks=wanted).of_reference(attacks) == asked


def test_a_name_that_is_not_asked_is_refused() -> None:
    with pytest.raises(UserError, match="reference_attacks: sima not among the attacks: loss"):
        AuditOptions(reference_attacks=["sima"]).of_reference(["loss"])


def table(seed: int, *names: str, each: int = 5) -> Scores:
    """Signals of 80 records, the first 40 of which are members."""
    dice = np.random.default_rng(seed)
    specs = {name: AttackSpec(columns=(name,), rule="first", evaluated=each) for name in names}
    signals = {name: dice.normal(size=80) for name in names}
    ids = [f"r{k:02d}" for k in range(80)]
    return Scores(ids, np.arange(80) < 40, signals, about=About(attacks=specs))


def test_the_stacked_signals_are_differences_where_the_reference_was_asked() -> None:
    target, shadow = table(0, "a", "b", "c"), table(1, "a", "b", "c")
    reference, beside = table(2, "b", each=7), table(3, "b", each=7)
    found = trials(target, shadow, reference, beside)
    assert set(found) == {"a", "b", "c", "stacked", "b_ref", "stacked_ref"}
    stacked = found["stacked_ref"]
    beta = reference_weights(shadow, beside)["b"]
    assert stacked.weights == {"b": beta}
    expected = np.stack(
        [target.signals["a"], target.signals["b"] - beta * reference.signals["b"]], axis=1
    )
    np.testing.assert_array_equal(stacked.columns[:, :2], expected)
    np.testing.assert_array_equal(stacked.columns[:, 2], target.signals["c"])
    assert stacked.fit_on is not None
    np.testing.assert_array_equal(
        stacked.fit_on[0][:, 1], shadow.signals["b"] - beta * beside.signals["b"]
    )
    assert stacked.title == "All 3 attacks stacked, 1 of them − β · reference"
    assert (found["stacked"].queries, stacked.queries) == (15, 22)


def test_all_of_them_are_told_as_before() -> None:
    tables = [table(k, "a", "b") for k in range(4)]
    stacked = trials(*tables)["stacked_ref"]
    assert stacked.title == "All 2 attacks stacked − β · reference"
    assert stacked.weights is not None and set(stacked.weights) == {"a", "b"}
    assert stacked.queries == 20


def test_a_reference_that_was_asked_everything_is_not_refused_later(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    names = ",".join([*INFORMING, "clid_th_null"])
    words = [f"runs={tmp_path}", "name=old", "data.members=8", "data.nonmembers=8"]
    tuned = tmp_path / "tuned"  # as far as weights go
    shutil.copytree(pipeline_folder, tuned)
    weights = next((tuned / "unet").glob("*.safetensors"))
    changed = load_file(weights)
    changed["conv_out.bias"] = changed["conv_out.bias"] + 0.01
    save_file(changed, weights, {"format": "pt"})
    words += [f"audit.target={tuned}", f"audit.reference={pipeline_folder}"]
    words += ["audit.swapped=0", "trainer.accelerator=cpu", "data.shadow=redrawn"]
    code, printed = run("audit", *words, f"attacks=[{names}]", "audit.reference_attacks=null")
    assert code == 0, printed
    code, printed = run("audit", *words, f"attacks=[{names}]")
    assert code == 0, printed
    assert "reference: already audited" in printed
