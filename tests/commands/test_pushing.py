"""`push`, against a hub on this machine: what is uploaded, to whom it is shown, what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hubs import Hub, Repository, serving
from huggingface_hub import ModelCard

Push = Callable[..., "subprocess.CompletedProcess[str]"]
CODE = "from lit_clid.commands.line import main; main()"
SECRET = "a-record-of-somebody"
RATE = {"value": 0.25, "low": 0.125, "high": 0.5}
REPORT = {
    "headline": "clid",
    "attacks": {"clid": {"auroc": RATE, "tpr_at_fpr": {"0.01": RATE}}},
    "surest": [{"id": SECRET}],
    "provenance": {
        "target": {
            "config": {"data": {"source": "owner/pictures"}},
            "commits": {"owner/pictures": "a" * 40},
        }
    },
}


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
    (folder / "report.md").write_text("# Membership audit: mine\n\nIt remembers.\n")
    (folder / "results.csv").write_text("attack,auroc\nclid,0.25\n")
    (folder / "target" / "model_index.json").write_text("{}")
    (folder / "target" / "lit_clid.json").write_text(json.dumps({"base": "/home/somebody"}))
    (folder / "target" / "unet" / "weights.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def push(hub: Hub, tmp_path: Path) -> Iterator[Push]:
    with serving(hub) as environment:

        def call(*words: str, token: str | None = "hf_mine") -> "subprocess.CompletedProcess[str]":
            known = {**os.environ, **environment, "HF_HOME": str(tmp_path / "cache")}
            known |= {} if token is None else {"HF_TOKEN": token}
            command = [sys.executable, "-c", CODE, "push", *words]
            return subprocess.run(command, capture_output=True, text=True, env=known, cwd=tmp_path)

        yield call


def held(hub: Hub, name: str = "me/mine") -> dict[str, bytes]:
    repository = hub.repositories[f"models/{name}"]
    return repository.commits[repository.refs["main"]]


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
    assert SECRET not in str(held(hub))


def test_the_card_holds_the_report_and_its_figures(hub: Hub, run: Path, push: Push) -> None:
    push(str(run), "to=me/mine")
    card = ModelCard(held(hub)["README.md"].decode())
    assert "## Membership audit: mine" in card.text and "It remembers." in card.text
    first, second = card.data.eval_results or []
    assert (first.metric_type, first.metric_value) == ("auroc", 0.25)
    assert first.metric_args == {"low": 0.125, "high": 0.5}
    assert (second.metric_type, first.dataset_revision) == ("tpr_at_fpr_0.01", "a" * 40)


def test_a_model_goes_along_when_asked_for_without_its_note(
    hub: Hub, run: Path, push: Push
) -> None:
    done = push(str(run), "to=me/mine", "model=true", "page=true")
    assert done.returncode == 0, done.stderr
    assert held(hub)["unet/weights.safetensors"] == b"weights"
    assert held(hub)["audit/report.html"] == SECRET.encode()
    assert "/home/somebody" not in str(held(hub)) and "lit_clid.json" not in held(hub)


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
    assert card.data.license == "mit" and card.data.tags[0] == "art"
    assert len(card.data.eval_results or []) == 2


def test_a_public_repository_is_refused_unless_said(hub: Hub, run: Path, push: Push) -> None:
    hub.repositories["models/me/mine"] = Repository()
    hub.repositories["models/me/mine"].add({"a": b""})
    done = push(str(run), "to=me/mine")
    assert done.returncode == 2 and "say private=false" in done.stderr
    assert set(held(hub)) == {"a"}
    assert push(str(run), "to=me/mine", "private=false").returncode == 0
    assert "README.md" in held(hub)


def test_what_cannot_be_pushed_is_one_line(hub: Hub, run: Path, push: Push) -> None:
    (run / "report.md").unlink()
    for words, fault in (
        ([str(run), "to=mine"], "to=mine is no repository; name one as owner/name"),
        ([str(run), "to=me/mine@v2"], "is no repository"),
        ([str(run), "to=me/mine"], "no report.json and report.md there; run lit-clid audit"),
        ([str(run.parent), "to=me/mine", "model=true"], "no model of the run's own there"),
        ([str(run), "to=me/mine", "modle=true"], "did you mean 'model'?"),
        ([str(run), "to=me/mine", "model=yes"], "model=yes is neither true nor false"),
        (["to=me/mine"], "name a run's folder"),
    ):
        done = push(*words)
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
