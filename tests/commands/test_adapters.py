"""LoRA files audited on their base, from elsewhere: as the fused model, against the base."""

import json
from pathlib import Path

import numpy as np
import pytest
from adapters import ALPHA, FORMATS, RANK, by_hand, draw
from runs import SMALL, Run
from singles import save_single

from lit_clid.models.load import load_target
from lit_clid.models.weights import LORA_FILE
from lit_clid.scores import Scores
from lit_clid.training.exported import LORA

pytestmark = pytest.mark.slow

ATTACKS = "attacks=[loss,clid_th_null,secmi]"


def words(base: Path, runs: Path, name: str, *more: str) -> list[str]:
    return [f"runs={runs}", f"name={name}", f"target.path={base}", *SMALL, ATTACKS, *more]


def table(runs: Path, name: str, role: str = "target") -> Scores:
    return Scores.load(runs / name / "scores" / f"{role}.parquet")


def test_every_format_gives_the_table_of_the_fused_model_against_its_base(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    target = load_target(str(pipeline_folder), channels_last=False)
    network = target.denoiser.network
    drawn = draw(network, target.family.lora)
    files = {}
    for name in ("peft", "diffusers", "kohya"):
        files[name] = FORMATS[name](drawn, "unet", tmp_path / "files" / name)
    network.load_state_dict(by_hand(network, drawn, ALPHA / RANK))
    target.export(tmp_path / "fused")
    named = [f"audit.target={tmp_path / 'fused'}", f"audit.reference={pipeline_folder}"]
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "fused", *named))
    assert code == 0, printed
    for name, file in files.items():
        lora = f"target.lora=[{file}]"
        code, printed = run("audit", *words(pipeline_folder, tmp_path, name, lora))
        assert code == 0, printed
        for role in ("target", "reference"):
            found, expected = table(tmp_path, name, role), table(tmp_path, "fused", role)
            assert found.ids == expected.ids and set(found.signals) == set(expected.signals)
            for column, values in expected.signals.items():
                np.testing.assert_allclose(
                    found.signals[column], values, rtol=1e-5, atol=1e-5, err_msg=column
                )
        told = json.loads((tmp_path / name / "scores" / "target.json").read_text())
        assert told["model"] == f"{pipeline_folder} + {file}"
        assert {key: len(value) for key, value in told["files"].items()} == {str(file): 64}
        told = json.loads((tmp_path / name / "scores" / "reference.json").read_text())
        assert told["model"] == str(pipeline_folder) and "files" not in told
        report = json.loads((tmp_path / name / "report.json").read_text())
        assert "loss_ref" in report["attacks"]
    base = table(tmp_path, "peft", "reference").signals["loss"]
    assert np.abs(table(tmp_path, "peft").signals["loss"] - base).max() > 1e-3


def test_a_trained_lora_is_audited_from_its_file_beside_a_shadow(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    tuned = ["finetune.train=lora", "finetune.learning_rate=0.05"]
    for role in ("target", "shadow"):
        own = words(pipeline_folder, tmp_path, "own", *tuned, f"role={role}")
        code, printed = run("train", *own)
        assert code == 0, printed
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "own", *tuned))
    assert code == 0, printed
    lora = f"target.lora=[{tmp_path / 'own' / 'target' / LORA / LORA_FILE}]"
    shadow = f"audit.shadow={tmp_path / 'own' / 'shadow'}"
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "file", lora, shadow))
    assert code == 0, printed
    for role in ("target", "shadow", "reference", "reference_shadow"):
        found, expected = table(tmp_path, "file", role), table(tmp_path, "own", role)
        for column, values in expected.signals.items():
            np.testing.assert_allclose(found.signals[column], values, rtol=1e-4, atol=1e-5)
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "own", lora))
    assert code == 2 and "was not tuned from" in printed and "another name=" in printed


def test_training_begins_at_base_and_lora(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    network = load_target(str(pipeline_folder)).denoiser.network
    file = FORMATS["kohya"](draw(network, ("attn2.to_k",)), "unet", tmp_path / "file")
    more = [f"target.lora=[{file}]", "target.lora_weights=[0.5]"]
    code, printed = run("train", *words(pipeline_folder, tmp_path, "on", *more))
    assert code == 0, printed
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "on", *more))
    assert code == 0, printed
    folder = tmp_path / "on"
    note = json.loads((folder / "target" / "lit_clid.json").read_text())
    assert note["base"] == str(pipeline_folder) and list(note["files"]) == [str(file)]
    told = json.loads((folder / "scores" / "reference.json").read_text())
    assert told["model"] == f"{pipeline_folder} + 0.5 · {file}"
    assert told["claims"]["model"] == note["facts"]["base"]
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "on", *more[:1]))
    assert code == 2 and "was not tuned from" in printed


def test_a_single_file_from_elsewhere(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    pipeline = load_target(str(pipeline_folder), channels_last=False).pipeline
    file = save_single(pipeline, tmp_path / "model.safetensors")
    more = [f"audit.target={file}", f"target.config={pipeline_folder}", "audit.reference=null"]
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "single", *more))
    assert code == 0, printed
    folder = [f"audit.target={pipeline_folder}", "audit.reference=null"]
    code, printed = run("audit", *words(pipeline_folder, tmp_path, "folder", *folder))
    assert code == 0, printed
    found, expected = table(tmp_path, "single"), table(tmp_path, "folder")
    for column, values in expected.signals.items():
        assert np.array_equal(found.signals[column], values)
    told = json.loads((tmp_path / "single" / "scores" / "target.json").read_text())
    assert list(told["files"]) == [str(file)]


def test_bad_input_is_one_line(pipeline_folder: Path, tmp_path: Path, run: Run) -> None:
    network = load_target(str(pipeline_folder)).denoiser.network
    file = FORMATS["kohya"](draw(network, ("attn2.to_k",)), "unet", tmp_path / "file")
    weights = pipeline_folder / "unet" / "diffusion_pytorch_model.safetensors"
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x04.")
    cases = [
        ([f"target.lora=[{file}]", "target.lora_weights=[1, 2]"], "2 weights for 1 files of"),
        ([f"target.lora={file}"], r"target.lora: is a list, .*; write target.lora=\[…\]"),
        ([f"target.lora=[{tmp_path / 'model.ckpt'}]"], "model.ckpt is pickled"),
        ([f"target.lora=[{tmp_path / 'no.safetensors'}]"], "target.lora: no file"),
        ([f"target.lora=[{weights}]"], "no LoRA of this base"),
        ([f"target.path={file}"], "is a LoRA; name it with target.lora"),
        ([f"target.path={tmp_path / 'model.ckpt'}"], "is pickled"),
        ([f"target.network={file}"], "target.network: .* is no UNet2DConditionModel of this base"),
    ]
    import re

    for more, fault in cases:
        for command in ("train", "audit"):
            code, printed = run(command, *words(pipeline_folder, tmp_path, "bad", *more))
            if command == "audit" and "target.path" in more[0]:
                continue  # nothing is put on it: the run's own target is looked for
            last = printed.strip().splitlines()[-1]
            assert (code, last.startswith("error: ")) == (2, True), (more, printed)
            assert re.search(fault, last), (more, last)
