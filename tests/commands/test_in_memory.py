"""Models and records handed over in memory: the same answers as from files, and what is refused."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import picture
from PIL import Image
from pipelines import make_sdxl
from runs import Run
from safetensors.torch import load_file

import lit_clid
from lit_clid.commands.told import as_words, audit_words
from lit_clid.errors import UserError
from lit_clid.judging.report.result import Result
from lit_clid.models.kept import keep_pipeline
from lit_clid.models.load import load_target
from lit_clid.models.quiet import quiet_imports

ASKED = ["loss", "clid_th_null"]
Pairs = list[tuple[Image.Image, str]]


def pairs(first: int, count: int = 12) -> Pairs:
    return [(picture(first + k), f"picture number {first + k}") for k in range(count)]


def folder_of(place: Path, records: Pairs) -> Path:
    place.mkdir(parents=True)
    for k, (image, text) in enumerate(records):
        image.save(place / f"{k:03d}.png")
        (place / f"{k:03d}.txt").write_text(text)
    return place


def dataset_of(records: Pairs, **columns: list[Any]) -> Any:
    import datasets

    images, texts = zip(*records, strict=True)
    return datasets.Dataset.from_dict(
        {"image": list(images), "text": list(texts), **columns}
    ).cast_column("image", datasets.Image())


def opened(folder: Path) -> Any:
    with quiet_imports():
        from diffusers import StableDiffusionPipeline

        return StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True)


@pytest.fixture
def pipeline(pipeline_folder: Path) -> Any:
    return opened(pipeline_folder)


def audit(model: Any, runs: Path, **more: Any) -> Result:
    usual: dict[str, Any] = {"attacks": ASKED, "audit": {"swapped": 0}, "reference": None}
    found = lit_clid.audit(model, runs=runs, **{**usual, **more})
    assert isinstance(found, Result)
    return found


def scores(found: Result) -> np.ndarray:
    return np.sort(found.target.signals["loss"])


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


def test_lora_on_a_pipeline_is_folded_in_and_its_base_is_the_reference(
    pipeline: Any, tmp_path: Path
) -> None:
    import torch
    from peft import LoraConfig

    pipeline.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"]), "own")
    torch.manual_seed(0)
    for name, parameter in pipeline.unet.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.2)
    given = {"members": pairs(0), "holdouts": pairs(100)}
    found = audit(pipeline, tmp_path, reference="base", **given)
    assert found.reference is not None and found.reference.endswith("-base")
    pipeline.unet.disable_adapters()
    off = audit(pipeline, tmp_path, **given)
    assert (scores(off) == np.sort(found.beside["reference"].signals["loss"])).all()
    pipeline.unet.enable_adapters()
    pipeline.fuse_lora(components=["unet"])
    fused = audit(pipeline, tmp_path, **given)
    np.testing.assert_allclose(scores(fused), scores(found), rtol=1e-4)
    assert not np.allclose(scores(off), scores(found), rtol=1e-4)


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


def test_a_table_without_captions_is_told_what_to_do(pipeline_folder: Path, tmp_path: Path) -> None:
    import datasets

    bare = dataset_of(pairs(0)).remove_columns("text")
    with pytest.raises(UserError, match=r"members: no caption column \(found: image\)"):
        audit(pipeline_folder, tmp_path, members=bare, holdouts=pairs(100))
    several = datasets.DatasetDict(train=bare)
    with pytest.raises(UserError, match="members: hold several splits; hand over one of train"):
        audit(pipeline_folder, tmp_path, members=several, holdouts=pairs(100))


def test_models_that_cannot_be_asked(pipeline: Any, tmp_path: Path) -> None:
    given = {"members": pairs(0), "holdouts": pairs(100)}
    with pytest.raises(UserError, match="a dict is no pipeline that can be asked"):
        audit({}, tmp_path, **given)
    pipeline.unet.to("meta")
    with pytest.raises(UserError, match="the weights of unet are not in the pipeline"):
        audit(pipeline, tmp_path, **given)


def test_records_of_memory_are_not_there_for_the_command(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", f"audit.target={pipeline_folder}", "data.source=memory"]
    code, said = run("audit", *words, "data.path=members")
    assert code == 2 and "'memory' stands for records that Python code hands to" in said


def test_lora_is_folded_into_half_precision_in_float32(pipeline: Any, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig

    pipeline.unet.to(torch.bfloat16)
    pipeline.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q"]), "own")
    torch.manual_seed(0)
    for name, parameter in pipeline.unet.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=1e-4)  # half precision would round it away
    kept = keep_pipeline(pipeline, tmp_path)
    name = "unet/diffusion_pytorch_model.safetensors"
    own, base = (load_file(Path(str(place)) / name) for place in (kept.folder, kept.base))
    layers = {n: m for n, m in pipeline.unet.named_modules() if hasattr(m, "get_base_layer")}
    assert layers
    for name, layer in layers.items():
        found = own[f"{name}.weight"].float() - base[f"{name}.weight"].float()
        wanted = layer.lora_B["own"].weight.float() @ layer.lora_A["own"].weight.float()
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-8)


def test_what_is_switched_off_is_left_out(pipeline: Any, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig

    plain = keep_pipeline(pipeline, tmp_path)
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"]), "own")
    for name, parameter in pipeline.unet.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.2)
    pipeline.fuse_lora(components=["unet"])
    pipeline.unet.disable_adapters()
    off = keep_pipeline(pipeline, tmp_path)
    assert off.base is None and off.folder != plain.folder
    names = [load_target(place.folder).fingerprint for place in (plain, off)]
    assert names[0] != names[1]  # unmerging rounds
    place = "unet/diffusion_pytorch_model.safetensors"
    for name, value in load_file(Path(plain.folder) / place).items():
        torch.testing.assert_close(load_file(Path(off.folder) / place)[name], value)


def test_what_else_decides_answers_is_part_of_a_pipeline_s_name(
    pipeline: Any, tmp_path: Path
) -> None:
    first = keep_pipeline(pipeline, tmp_path)
    assert keep_pipeline(pipeline, tmp_path) == first
    pipeline.tokenizer.model_max_length = 40
    shorter = keep_pipeline(pipeline, tmp_path)
    pipeline.register_to_config(requires_safety_checker=True)
    assert len({first.folder, shorter.folder, keep_pipeline(pipeline, tmp_path).folder}) == 3


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


def test_what_records_are_is_said_by_their_name(pipeline_folder: Path, tmp_path: Path) -> None:
    told = dataset_of(pairs(0, 20), member=[1] * 10 + [0] * 10)
    claim = audit(pipeline_folder, tmp_path, holdouts=told, suspects=pairs(100))
    assert claim.counts == {"nonmembers": 20, "suspects": 12}
    both = audit(pipeline_folder, tmp_path, members=pairs(100), holdouts=told)
    assert both.counts == {"members": 12, "nonmembers": 20}
    assert not [name for name in both.target.ids if "row-" in name]


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


def test_what_python_people_write_is_one_line_or_understood(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="hand over records by name"):
        lit_clid.audit(pipeline_folder, pairs(0), pairs(100))
    assert as_words({"trainer": {"max_steps": np.int64(3)}}) == ['trainer={"max_steps": 3}']
    seen = dataset_of(pairs(0)).with_transform(lambda batch: {"pixels": batch["image"]})
    found = audit(pipeline_folder, tmp_path, members=seen, holdouts=pairs(100))
    assert found.members == 12


def test_a_model_that_was_trained_here_keeps_its_note_and_its_records(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    trainer = {"max_steps": 2, "accelerator": "cpu", "precision": "32-true"}
    given = {"members": pairs(0, 16), "holdouts": pairs(100, 16), "runs": tmp_path}
    changes = {"data": {"resolution": 16}, "finetune": {"train": "cross_attention", "samples": 0}}
    made = lit_clid.train(pipeline_folder, trainer=trainer, **changes, **given)
    held = opened(made.folder)
    found = lit_clid.audit(held, attacks=ASKED, reference=None, data=changes["data"], **given)
    assert isinstance(found, Result)
    assert found.members == 8  # those that it was trained on
    training = found.target.about.training
    assert training is not None and training.steps == 2
    with torch_changed(held):
        other = keep_pipeline(held, tmp_path / "p")
    assert not (Path(other.folder) / "lit_clid.json").exists()


@contextmanager
def torch_changed(pipeline: Any) -> Iterator[None]:
    """Within this, a weight is another."""
    weight = next(pipeline.unet.parameters()).data
    weight += 1
    yield
    weight -= 1


@pytest.mark.slow
def test_pipelines_of_other_families_are_laid_down(tmp_path: Path) -> None:
    from diffusers import DiffusionPipeline

    folder = make_sdxl(tmp_path / "sdxl")
    held = DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    given = {"members": pairs(0), "holdouts": pairs(100)}
    found = audit(held, tmp_path / "a", **given)
    again = audit(folder, tmp_path / "b", **given)
    np.testing.assert_array_equal(scores(found), scores(again))
