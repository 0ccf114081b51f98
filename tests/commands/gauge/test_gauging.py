"""`audit.target` as a pattern: checkpoints that exist, from the command to the curve."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pipelines import make_pipeline
from runs import Run, arguments
from safetensors.torch import load_file, save_file

import lit_clid
from lit_clid.auditing import module as asking
from lit_clid.errors import UserError
from lit_clid.models.load import load_target
from lit_clid.models.lora import add_lora
from lit_clid.models.weights import LORA_FILE
from lit_clid.scores import Scores
from lit_clid.source import Source

pytestmark = pytest.mark.slow

WORDS = ("attacks=[loss,clid_th_null]", "audit.batch_size=8")


def changed(base: Path, folder: Path, amount: float) -> Path:
    """The base with other weights."""
    target = load_target(str(base), channels_last=False)
    torch.manual_seed(0)
    for parameter in target.denoiser.network.parameters():
        parameter.data += amount * torch.randn_like(parameter)
    target.export(folder)
    return folder


def factors(base: Path, folder: Path, amount: float) -> Any:
    """Leave a LoRA file of the base, as diffusers writes it; returns the network with them."""
    from diffusers import StableDiffusionPipeline
    from peft import get_peft_model_state_dict

    target = load_target(str(base), channels_last=False)
    network = target.denoiser.network
    add_lora(network, target.family.lora, 2, 2.0, 0)
    for name, parameter in network.named_parameters():
        if ".lora_B." in name:
            parameter.data += amount
    found: dict[str, torch.Tensor] = get_peft_model_state_dict(network)
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=found)
    return network


@pytest.fixture
def audit(run: Run, pipeline_folder: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def call(pattern: Path, *more: str) -> tuple[int, str]:
        words = arguments(tmp_path / "runs", pipeline_folder, *WORDS, *more)
        return run("audit", *words, f"audit.target={pattern}")

    return call


def test_checkpoints_are_gauged_and_a_rerun_asks_only_what_is_missing(
    audit: Any, pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (300, 20):
        changed(pipeline_folder, tmp_path / "models" / f"step={step}", step / 1e4)
    code, said = audit(tmp_path / "models" / "*")
    assert code == 0, said
    assert "None of the 2 measurements shows that it memorises" in said
    assert [line.split()[0] for line in said.splitlines() if line[:3] in ("20 ", "300")] == [
        "20",
        "300",
    ]
    folder = tmp_path / "runs" / "small"
    told = json.loads((folder / "gauge.json").read_text())
    assert told["first_step"] is None and told["attack"] == "CLiD_th (null reduction)"
    assert [look["model"] for look in told["looks"]] == [
        str(tmp_path / "models" / name) for name in ("step=20", "step=300")
    ]
    rows = list(csv.DictReader((folder / "gauge.csv").read_text().splitlines()))
    assert [(row["step"], row["weights"]) for row in rows] == [
        ("20", "exported"),
        ("300", "exported"),
    ]
    table = Scores.load(folder / "gauge" / "step-0000300" / "target.parquet")
    mean = -table.signals["gauge_loss"][~table.member].mean()
    assert float(rows[1]["heldout_loss"]) == pytest.approx(mean)

    asked: list[int] = []
    plain = asking.Auditor.predict_step

    def counted(self: Any, batch: Any, number: int) -> None:
        asked.append(len(batch["id"]))
        plain(self, batch, number)

    monkeypatch.setattr(asking.Auditor, "predict_step", counted)
    before = (folder / "gauge.json").read_text()
    code, again = audit(tmp_path / "models" / "*")
    assert code == 0 and not asked and again.count("already audited") == 2
    assert (folder / "gauge.json").read_text() == before
    changed(pipeline_folder, tmp_path / "models" / "step=100", 0.01)
    code, _ = audit(tmp_path / "models" / "*")
    assert code == 0 and sum(asked) == 24
    assert len(json.loads((folder / "gauge.json").read_text())["looks"]) == 3


def test_lora_files_are_gauged_on_their_base(
    audit: Any, pipeline_folder: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    networks = [factors(pipeline_folder, models / f"checkpoint-{k}", k / 100) for k in (1, 2)]
    lora = models / "checkpoint-2" / LORA_FILE
    base = load_target(str(pipeline_folder))
    folded = load_target(Source(str(pipeline_folder), lora=((str(lora), 1.0),)))
    assert folded.source == f"{pipeline_folder} + {lora}" and folded.kin == base.kin
    shape = folded.denoiser.network.config
    z = torch.randn(2, shape.in_channels, shape.sample_size, shape.sample_size)
    asked = (z, torch.tensor([300, 700]), torch.randn(2, 5, shape.cross_attention_dim))
    with torch.no_grad():
        answers = [each(*asked).sample for each in (networks[1], folded.denoiser.network)]
        plain = base.denoiser.network(*asked).sample
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-4, atol=1e-5)
    assert float((answers[1] - plain).abs().max()) > 1e-3
    code, said = audit(models / "*")
    assert code == 0, said
    told = json.loads((tmp_path / "runs" / "small" / "gauge.json").read_text())
    assert [look["step"] for look in told["looks"]] == [1, 2]
    assert told["looks"][1]["model"] == str(lora)
    shutil.copy(
        pipeline_folder / "vae" / "diffusion_pytorch_model.safetensors", models / "3.safetensors"
    )
    code, said = audit(models / "*")
    assert code == 2 and "3.safetensors: no LoRA of this base (" in said
    assert "Traceback" not in said and "unsuccessful" not in said
    (models / "3.safetensors").unlink()
    partly = load_file(lora)
    partly |= {f"unet.nowhere.lora_{k}.weight": torch.zeros(2, 2) for k in "AB"}
    save_file(partly, models / "5.safetensors")
    code, said = audit(models / "5*")
    assert code == 2 and "1 of its" in said and "fit nothing in this base" in said
    strange = {f"unet.nowhere.lora_{k}.weight": torch.zeros(2, 2) for k in "AB"}
    save_file(strange, models / "4.safetensors")
    code, said = audit(models / "4*")
    assert (code, said.count("\n")) == (2, 1) and "4.safetensors: no LoRA of this base" in said


def test_bad_input(audit: Any, pipeline_folder: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    code, said = audit(models / "*")
    assert (code, said.count("\n")) == (2, 1) and "nothing matches" in said
    changed(pipeline_folder, models / "step-1", 0.01)
    other = make_pipeline(models / "step-2")
    index = other / "unet" / "config.json"
    facts = json.loads(index.read_text())
    index.write_text(json.dumps({**facts, "block_out_channels": [8, 32]}))
    code, said = audit(models / "*")
    assert (code, said.count("\n")) == (2, 1)
    assert "step-2 has another architecture than" in said and "(block_out_channels)" in said
    for headline, fault in (
        ("clid_th_null_ref", "cannot be gauged, for it must be asked of a model without"),
        ("pia", "name one of the attacks: loss, clid_th_null"),
    ):
        code, said = audit(models / "step-1*", f"headline={headline}")
        assert code == 2 and fault in said
    code, said = audit(models / "step-1*", "attacks=[clid_vec]")
    assert code == 2 and "clid_vec cannot be gauged, for they need a shadow" in said
    with pytest.raises(UserError, match="names several models; lit-clid audit gauges them"):
        lit_clid.audit(audit={"target": str(models / "*")})


def test_models_of_another_split_are_refused(audit: Any, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "small" / "target", tmp_path / "models" / "step-6")
    code, said = audit(tmp_path / "models" / "*", "seed=5")
    assert code == 2 and "split" in said
    code, said = audit(tmp_path / "models" / "*", "name=mine")
    assert code == 0, said
