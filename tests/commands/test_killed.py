"""kill -9 at random moments: what was finished stays, and the end is as if nothing had been."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import AUDIT, Command, assert_same, shards, tables, words_of

pytestmark = pytest.mark.slow
KILLS = {"audit": 20, "train": 5}
SEED = 7


@pytest.fixture(scope="module")
def undisturbed(
    pipeline_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, float]]:
    """Folder and seconds of a training and of an audit, by command."""
    folder = tmp_path_factory.mktemp("undisturbed")
    Command(folder, *words_of("train", pipeline_folder, "role=shadow")).end()
    found: dict[str, tuple[Path, float]] = {}
    for command, more in (("train", ()), ("audit", AUDIT)):
        begun = time.monotonic()
        code, said = Command(folder, *words_of(command, pipeline_folder, *more)).end()
        assert code == 0, said
        found[command] = folder, time.monotonic() - begun
    return found


def weights(folder: Path) -> dict[str, bytes]:
    """Every file of the exported model but its note, which tells when it was made."""
    model = folder / "small" / "target"
    files = [file for file in model.rglob("*") if file.is_file() and file.name != "lit_clid.json"]
    assert files
    return {str(file.relative_to(model)): file.read_bytes() for file in files}


def killed_often(words: list[str], kills: int, seconds: float, folder: Path) -> list[Path]:
    """Run a command, kill it at random moments so many times, and run it to its end.

    Whenever it had ended before its moment came, it begins anew in another folder.

    Returns:
        The folders of runs that ended.
    """
    dice, ended, place = np.random.default_rng(SEED), list[Path](), folder / "0"
    while kills:
        if Command(place, *words).killed_after(float(dice.uniform(0, seconds))):
            kills -= 1
        else:
            ended.append(place)
            place = folder / str(len(ended))
    code, said = Command(place, *words).end()
    assert code == 0, said
    return [*ended, place]


def test_killed_audits_end_with_the_same_tables_and_report(
    pipeline_folder: Path, undisturbed: Any, tmp_path: Path
) -> None:
    folder, seconds = undisturbed["audit"]
    models = [f"audit.{role}={folder / 'small' / role}" for role in ("target", "shadow")]
    words = words_of("audit", pipeline_folder, *AUDIT, *models)
    expected = tables(folder)
    for ended in killed_often(words, KILLS["audit"], seconds, tmp_path):
        assert_same(tables(ended), expected)
        left = [file.name for file in (ended / "small" / "scores").iterdir() if file.is_dir()]
        assert left == []


def test_killed_trainings_end_with_the_same_weights(
    pipeline_folder: Path, undisturbed: Any, tmp_path: Path
) -> None:
    folder, seconds = undisturbed["train"]
    expected = weights(folder)
    words = words_of("train", pipeline_folder)
    for ended in killed_often(words, KILLS["train"], seconds, tmp_path):
        assert weights(ended) == expected


def test_every_finished_batch_is_kept(
    pipeline_folder: Path, undisturbed: Any, tmp_path: Path
) -> None:
    """Killed after each seventh of 24 batches, an audit asks for those that are missing alone."""
    folder, _ = undisturbed["audit"]
    models = [f"audit.{role}={folder / 'small' / role}" for role in ("target", "shadow")]
    words = words_of("audit", pipeline_folder, *AUDIT, *models)
    kept = 0
    for wanted in (7, 14, 21):
        command = Command(tmp_path, *words)
        command.killed_when(lambda wanted=wanted: len(shards(tmp_path)) >= wanted)
        assert f"{24 - kept} records × " in command.log.read_text()
        kept = len(shards(tmp_path))
    assert Command(tmp_path, *words).end()[0] == 0
    assert_same(tables(tmp_path), tables(folder))
