"""`push`, against a hub on this machine: what is uploaded, to whom it is shown, what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hubs import Hub, Repository, serving, without_token
from huggingface_hub import ModelCard

from lit_clid.commands import cards
from lit_clid.commands.line import COMMANDS

Push = Callable[..., "subprocess.CompletedProcess[str]"]
CODE = "from lit_clid.commands.line import main; main()"
SECRET = "a-record-of-somebody"
RATE = {"value": 0.25, "low": 0.125, "high": 0.5}
UNTOLD = {"value": None, "low": None, "high": None, "note": "too few hold-outs"}
TRAINED = {"created": "2026-01-01", "facts": {"seed": 0}}
REPORT: dict[str, Any] = {
    "headline": "clid",
    "attacks": {"clid": {"auroc": RATE, "tpr_at_fpr": {"0.01": RATE}}},
    "surest": [{"id": SECRET}],
    "provenance": {
        "target": {
            "model": "/home/somebody/target",
            "training": TRAINED,
            "config": {"data": {"source": "owner/pictures@v2"}},
            "commits": {"datasets/owner/pictures@v2": "a" * 40},
        }
    },
}
WORDS = "# Membership audit: mine\n\nmodel: /home/somebody/target\n\nIt remembers.\n"


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a model and a report."""
    folder = tmp_path / "runs" / "mine"
    (folder / "target" / "unet").mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(REPORT))
    (folder / "report.html").write_text(SECRET)
    (folder / "report.md").write_text(WORDS)
    (folder / "results.csv").write_text("attack,auroc\nclid,0.25\n")
    (folder / "target" / "model_index.json").write_text('{"_class_name": "P"}')
    (folder / "target" / "README.md").write_text("/home/somebody")
    note = {**TRAINED, "base": "/home/somebody"}
    (folder / "target" / "lit_clid.json").write_text(json.dumps(note))
    config = {"_name_or_path": "/home/somebody/unet", "channels": 4}
    (folder / "target" / "unet" / "config.json").write_text(json.dumps(config))
    (folder / "target" / "unet" / "weights.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def push(hub: Hub, tmp_path: Path) -> Iterator[Push]:
    with serving(hub) as environment:

        def call(*words: str, token: str | None = "hf_mine") -> "subprocess.CompletedProcess[str]":
            known = {**without_token(), **environment, "HF_HOME": str(tmp_path / "cache")}
            known |= {} if token is None else {"HF_TOKEN": token}
            command = [sys.executable, "-c", CODE, "push", *words]
            return subprocess.run(command, capture_output=True, text=True, env=known, cwd=tmp_path)

        yield call


def held(hub: Hub, name: str = "me/mine") -> dict[str, bytes]:
    repository = hub.repositories[f"models/{name}"]
    return repository.commits[repository.refs["main"]]


def change(run: Path, **changes: Any) -> None:
    (run / "report.json").write_text(json.dumps({**REPORT, **changes}))


def test_a_report_goes_to_a_private_repository(hub: Hub, run: Path, push: Push) -> None:
    done = push(str(run), "to=me/mine")
    assert done.returncode == 0, done.stderr
    assert "(private)" in done.stdout
    assert hub.repositories["models/me/mine"].private
    assert set(held(hub)) - {".gitattributes"} == {
        "README.md",
        "audit/report.md",
        "audit/results.csv",
    }
    assert SECRET not in str(held(hub)) and "/home/somebody" not in str(held(hub))


def test_the_card_holds_the_report_and_its_figures(hub: Hub, run: Path, push: Push) -> None:
    push(str(run), "to=me/mine")
    card = ModelCard(held(hub)["README.md"].decode())
    assert "## Membership audit: mine" in card.text and "It remembers." in card.text
    assert "model: me/mine" in card.text
    data: Any = card.data
    first, second = data.eval_results
    assert (first.metric_type, first.metric_value) == ("auroc", 0.25)
    assert first.metric_args == {"low": 0.125, "high": 0.5}
    assert (second.metric_type, first.dataset_revision) == ("tpr_at_fpr_0.01", "a" * 40)
    assert (first.dataset_name, first.dataset_type) == ("owner/pictures", "owner/pictures")


def test_a_model_goes_along_when_asked_for_without_where_it_lay(
    hub: Hub, run: Path, push: Push
) -> None:
    done = push(str(run), "to=me/mine", "model=true", "page=true")
    assert done.returncode == 0, done.stderr
    files = held(hub)
    assert files["unet/weights.safetensors"] == b"weights"
    assert json.loads(files["unet/config.json"]) == {"channels": 4}
    assert files["audit/report.html"] == SECRET.encode() and "audit/report.json" in files
    assert b"It remembers." in files["README.md"] and "lit_clid.json" not in files
    told = [name for name, content in files.items() if b"/home/somebody" in content]
    assert told == ["audit/report.json"]  # the page, as it is


def test_a_card_that_is_there_keeps_its_words(hub: Hub, run: Path, push: Push) -> None:
    own = "---\nlicense: mit\ntags: [art]\n---\n\n# Mine\n\nMy words.\n"
    hub.repositories["models/me/mine"] = Repository(private=True)
    hub.repositories["models/me/mine"].add({"README.md": own.encode()})
    for said in ("It remembers.", "It forgot."):
        (run / "report.md").write_text(f"# Membership audit: mine\n\n{said}\n")
        done = push(str(run), "to=me/mine")
        assert done.returncode == 0, done.stderr
    card = ModelCard(held(hub)["README.md"].decode())
    assert "My words." in card.text and "It forgot." in card.text
    assert "It remembers." not in card.text and card.text.count("membership audit: begin") == 1
    data: Any = card.data
    assert data.license == "mit" and data.tags[0] == "art" and len(data.eval_results) == 2
    for name in ("report.json", "report.md"):
        (run / name).unlink()  # the model was trained anew and not audited
    assert push(str(run), "to=me/mine", "model=true").returncode == 0
    card = ModelCard(held(hub)["README.md"].decode())
    other: Any = card.data
    assert "It forgot." not in card.text and not other.eval_results and "My words." in card.text


def test_a_public_repository_is_refused_unless_said(hub: Hub, run: Path, push: Push) -> None:
    hub.repositories["models/me/mine"] = Repository()
    hub.repositories["models/me/mine"].add({"a": b""})
    done = push(str(run), "to=me/mine")
    assert done.returncode == 2 and "say private=false" in done.stderr
    assert set(held(hub)) == {"a"}
    done = push(str(run), "to=me/mine", "private=false")
    assert done.returncode == 0 and "(public)" in done.stdout
    assert "README.md" in held(hub)


def test_what_cannot_be_pushed_is_one_line(hub: Hub, run: Path, push: Push) -> None:
    words, model = [str(run), "to=me/mine"], "model=true"
    change(run, suspects={"groups": [{"group": "Alice"}]})
    cases = [(words, "names 1 groups, which may be people; page=true")]
    for given, fault in cases:
        assert fault in push(*given).stderr
    other = {"target": {"training": {"created": "2025-01-01"}}}
    change(run, provenance=other)
    assert "is of another model than" in push(*words, model).stderr
    (run / "report.md").unlink()
    for given, fault in (
        ([str(run), "to=mine"], "to=mine is no repository; name one as owner/name"),
        ([str(run), "to=me/mine@v2"], "is no repository"),
        (words, "no report.json and report.md there; run lit-clid audit"),
        ([str(run.parent), "to=me/mine", model], "no model of the run's own there"),
        ([*words, "modle=true"], "did you mean 'model'?"),
        ([*words, "model=yes"], "model=yes is neither true nor false"),
        (["to=me/mine"], "name a run's folder"),
    ):
        done = push(*given)
        assert done.returncode == 2 and fault in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    assert not hub.repositories


def test_without_a_token_nothing_is_pushed(hub: Hub, run: Path, push: Push) -> None:
    done = push(str(run), "to=me/mine", token=None)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "log in (hf auth login, or HF_TOKEN)" in done.stderr
    assert not hub.repositories


def test_a_token_that_may_not_write_is_one_line(hub: Hub, run: Path, push: Push) -> None:
    done = push(str(run), "to=me/mine", token="hf_reader")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "may not write to me/mine; use one that may" in done.stderr


def test_without_a_network_it_says_so(run: Path, push: Push, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    known = {**without_token(), "HF_TOKEN": "hf_mine", "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", CODE, "push", str(run), "to=me/mine"]
    done = subprocess.run(command, capture_output=True, text=True, env=known)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "look at the network" in done.stderr


@pytest.mark.parametrize("holdouts", [12, 400])
def test_the_report_of_a_table_of_a_folder_names_no_place(holdouts: int, tmp_path: Path) -> None:
    """A real report, with a rate that so few hold-outs cannot show and with one."""
    place = tmp_path / "some_body's" / "table.csv"
    place.parent.mkdir()
    lines = [f"m{k},1,{k % 7 + 3 + k / 1e3}\nh{k},0,{k % 7 + k / 2e3}\n" for k in range(holdouts)]
    place.write_text("id,member,loss\n" + "".join(lines))
    COMMANDS["audit"].main([f"scores={place}", f"runs={tmp_path}", "name=mine"])
    told = json.loads((tmp_path / "mine" / "report.json").read_text())
    found = cards.results(told)
    kinds = ["auroc", "tpr_at_fpr_0.01"]
    assert [each.metric_type for each in found] == (kinds if holdouts > 100 else kinds[:1])
    assert {each.dataset_name for each in found} == {cards.PRIVATE}
    said = cards.section(tmp_path / "mine", told, "me/mine")
    assert "some" not in said and "table.csv" in said


def test_an_audit_that_stopped_has_no_figures() -> None:
    told = {"stopped": {}, "provenance": {"target": {}}}
    assert cards.results(told) == []


def test_places_are_left_out_and_names_of_the_hub_stay(tmp_path: Path) -> None:
    data = {"source": "imagefolder", "path": "/home/some_body/pictures", "shadow": "disjoint"}
    about = {"model": "runs/mine/target", "config": {"data": data, "audit": {"target": "o/base"}}}
    about["commits"] = {"o/base": "a" * 40}
    text = "model: runs/mine/target · data: imagefolder /home/some\\_body/pictures · base: o/base"
    (tmp_path / "report.md").write_text(text)
    said = cards.section(tmp_path, {"provenance": {"target": about}}, "me/mine")
    assert said == "model: me/mine · data: imagefolder pictures · base: o/base"


@pytest.mark.parametrize("source", ["customers/2024", "clients-2024.csv", "parquet", "a/b.tar"])
def test_records_that_did_not_come_from_the_hub_are_private(source: str, tmp_path: Path) -> None:
    """Also where nothing of that name is there any more, and whatever is named like an id."""
    grade = {"auroc": RATE, "tpr_at_fpr": {}}
    data = {"source": source, "root": "/", "path": "customers/2024"}
    told = {"headline": "x", "attacks": {"x": grade}}
    told["provenance"] = {"target": {"model": "demo", "config": {"data": data}}}
    assert [each.dataset_name for each in cards.results(told)] == [cards.PRIVATE]
    (tmp_path / "report.md").write_text("50 % / 60 % of customers/2024, and/or")
    assert cards.section(tmp_path, told, "me/mine") == "50 % / 60 % of 2024, and/or"


def test_a_section_without_its_end_takes_nothing_away() -> None:
    card = f"---\ntags: []\n---\n\nBefore.\n\n{cards.BEGIN}\nAfter.\n"
    made = cards.card(card, "me/mine", "# New", [], model=False)
    assert "Before." in made and "After." in made and "## New" in made
