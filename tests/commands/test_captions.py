"""Images without captions, audited with those that a model writes."""

import json
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from captioners import make_captioner
from claims import asked
from folders import image_folder, picture
from jsonschema import Draft202012Validator
from PIL import Image
from runs import SMALL, Run, start


def bare(folder: Path, suspects: int = 8, others: int = 12) -> list[str]:
    """A collection, and comparable images, without any text, as words of a command line."""
    for name, first, count in (("mine", 100, suspects), ("comparable", 0, others)):
        (folder / name).mkdir()
        for k in range(count):
            picture(first + k).save(folder / name / f"{k:03d}.png")
    words = ["data.source=imagefolder", f"data.path={folder / 'comparable'}"]
    words += ["data.suspects=imagefolder", f"data.suspects_path={folder / 'mine'}"]
    return [*words, "data.members=null", "data.nonmembers=null", "data.on_error=skip"]


@pytest.fixture
def words(pipeline_folder: Path, tmp_path: Path) -> list[str]:
    return asked(tmp_path, pipeline_folder, *bare(tmp_path))


@pytest.mark.slow
def test_a_second_command_has_them_and_loads_no_captioner(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    code, told = run("audit", *words)
    assert code == 2 and "data.captions=MODEL" in told and len(told.splitlines()) == 1
    captioner = make_captioner(tmp_path / "vit", "vit-gpt2")
    words = [*words, f"data.captions={captioner}"]
    code, told = run("audit", *words)
    assert code == 0 and f"{captioner} describes 20 images" in told, told
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert report["captions"]["written_by"]["model"] == str(captioner)
    for file in captioner.glob("*.safetensors"):
        file.unlink()
    code, told = run("audit", *words, "name=again")
    assert code == 0 and "describes" not in told
    picture(999).save(tmp_path / "mine" / "new.png")
    code, told = run("audit", *words, "name=third")
    assert code == 2 and "has no weights as safetensors" in told
    assert "data.captions" in told and len(told.strip().splitlines()) == 1


@pytest.mark.slow
def test_an_audit_that_stops_says_so_too(run: Run, pipeline_folder: Path, tmp_path: Path) -> None:
    words = asked(tmp_path, pipeline_folder, *bare(tmp_path, 32, 40))
    for file in (tmp_path / "mine").iterdir():  # dark ones are to SecMI as if remembered
        Image.open(file).point(lambda value: value * 0.2).save(file)
    captioner = make_captioner(tmp_path / "llava", "llava")
    more = ("evidence.stop_at=0.9", "attacks=[secmi]", "audit.batch_size=8")
    code, told = run("audit", *words, f"data.captions={captioner}", *more)
    assert code == 0 and "lose power" in told, told
    report = json.loads((tmp_path / "claim" / "report.json").read_text())
    assert "stopped" in report and report["captions"]["trained_on_these"] is False
    for name in ("report.md", "report.html"):
        assert "lose power" in (tmp_path / "claim" / name).read_text()
    schema = files("lit_clid.judging.report") / "report.schema.json"
    assert not list(Draft202012Validator(json.loads(schema.read_text())).iter_errors(report))
    assert run("verify", str(tmp_path / "claim"))[0] == 0


@pytest.mark.slow
def test_a_model_trained_on_true_captions_is_audited_with_written_ones(
    run: Run, pipeline_folder: Path, tmp_path: Path
) -> None:
    folder = image_folder(tmp_path / "images", 40)
    words = ["configs/folder.yaml", f"runs={tmp_path}", f"data.path={folder}", *SMALL]
    words += ["data.members=8", "data.nonmembers=8", f"target.path={pipeline_folder}"]
    words += ["trainer.accelerator=cpu", "attacks=[loss, clid_th_null]"]
    assert run("train", *words, "name=true")[0] == 0
    captioner = make_captioner(tmp_path / "llava", "llava")
    other = [*words, "name=written", f"data.captions={captioner}"]
    target = f"audit.target={tmp_path / 'true' / 'target'}"
    code, told = run("audit", *other, target)
    assert code == 0 and "lose power" in told, told
    code, told = run("audit", *other, target, "name=seed", "seed=1")
    assert code == 2 and "split is" in told
    code, told = run("train", *other, "name=own")
    assert code == 0
    code, told = run("audit", *other, "name=own")
    assert code == 0 and "attacks lose nothing by it" in told, told


@pytest.mark.slow
def test_the_first_of_several_processes_writes_and_the_others_wait(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = make_captioner(tmp_path / "vit", "vit-gpt2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    second = start("audit.py", *words, f"data.captions={captioner}", "name=other")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=15)
    monkeypatch.setenv("LOCAL_RANK", "0")
    first = start("audit.py", *words, f"data.captions={captioner}")
    told = first.communicate(timeout=120)
    assert first.returncode == 0, told
    second.communicate(timeout=120)
    (file,) = (tmp_path / "captions").glob("*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len([row for row in rows if "captioner" in row]) == 1
    assert len([row for row in rows if "image" in row]) == 20
