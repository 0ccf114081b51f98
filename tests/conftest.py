"""A tiny real pipeline for all tests, and no network for any."""

import os

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import sys
from pathlib import Path
from typing import Any

import pytest
from handing import opened
from pipelines import make_pipeline
from runs import SMALL, Run, arguments

from lit_clid.commands import audit, line, train
from lit_clid.judging.suspects import combined

TRAINED = {"trained", "audited"}
"""Fixtures that train; tests that ask for one are slow without saying so."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TRAINED & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def pipeline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained pipeline of the real classes, a few hundred thousand parameters."""
    return make_pipeline(tmp_path_factory.mktemp("pipeline") / "tiny")


@pytest.fixture(scope="session")
def v_pipeline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with v-prediction, a VAE shift and another scaling factor."""
    return make_pipeline(
        tmp_path_factory.mktemp("pipeline") / "tiny-v", prediction="v_prediction", shift=0.1
    )


@pytest.fixture
def pipeline(pipeline_folder: Path) -> Any:
    """The same, as somebody holds it in memory."""
    return opened(pipeline_folder)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command by its name in this process: (exit code, everything it printed)."""

    def call(name: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["lit-clid", name, *arguments])
        code = 0
        try:
            line.main()
        except SystemExit as exit:
            code = int(exit.code or 0)
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return call


@pytest.fixture(scope="session")
def trained(pipeline_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a trained target and shadow."""
    runs = tmp_path_factory.mktemp("runs")
    for role in ("target", "shadow"):
        train.main(
            [f"runs={runs}", "name=small", f"target.path={pipeline_folder}", f"role={role}", *SMALL]
        )
    return runs


@pytest.fixture(scope="session")
def audited(trained: Path, pipeline_folder: Path) -> Path:
    audit.main(arguments(trained, pipeline_folder, "audit.batch_size=64"))
    return trained / "small"


@pytest.fixture
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are repeated as often as p = 0.01 needs, which takes half the time."""
    monkeypatch.setattr(combined, "PERMUTATIONS", 99)
