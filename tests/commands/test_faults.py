"""Faults by name: what was finished stays, the cause is named, and the end is as if nothing was."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import AUDIT, Command, assert_same, shards, tables, words_of

from lit_clid import console

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def words(pipeline_folder: Path, trained: Path) -> list[str]:
    """The command line of an audit of models that are there."""
    models = [f"audit.{role}={trained / 'small' / role}" for role in ("target", "shadow")]
    return words_of("audit", pipeline_folder, *AUDIT, *models)


@pytest.fixture(scope="module")
def undisturbed(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    code, said = Command(folder, *words).end()
    assert code == 0, said
    return tables(folder)


def interrupted(folder: Path, words: list[str], batches: int = 9) -> None:
    """An audit that was killed after some batches of its first table."""
    Command(folder, *words).killed_when(lambda: len(shards(folder)) >= batches)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("harm", [truncate, empty, flip])
def test_damaged_shards_are_named_and_asked_again(
    harm: Callable[[Path], None], words: list[str], undisturbed: Any, tmp_path: Path
) -> None:
    interrupted(tmp_path, words)
    damaged = shards(tmp_path)[3]
    kept = len(shards(tmp_path)) - 1
    harm(damaged)
    code, said = Command(tmp_path, *words).end()
    assert code == 0, said
    assert f"{damaged}: is damaged; its records are asked again" in said
    assert f"{24 - kept} records × " in said
    assert_same(tables(tmp_path), undisturbed)


def test_lost_files_are_made_again(words: list[str], undisturbed: Any, tmp_path: Path) -> None:
    """What was drawn and computed beforehand, and leftovers of a killed process."""
    interrupted(tmp_path, words)
    run = tmp_path / "small"
    for file in [*run.glob("split*"), *run.glob(".split*")]:
        file.unlink()
    (shards(tmp_path)[0].parent / ".x.parquet.1.part").write_bytes(b"half")
    assert Command(tmp_path, *words).end()[0] == 0
    assert_same(tables(tmp_path), undisturbed)
    (run / "scores" / "blind.parquet").unlink()
    (run / "report.json").unlink()
    assert Command(tmp_path, *words).end()[0] == 0
    assert_same(tables(tmp_path), undisturbed)


@pytest.mark.parametrize("largest", [1000, 8000])
def test_a_full_disk_is_named(
    largest: int, words: list[str], undisturbed: Any, tmp_path: Path
) -> None:
    """No shard fits, or all of them but not the table of features."""
    code, said = Command(tmp_path, *words, largest=largest).end()
    assert (code, said.strip().splitlines()[-1][:7]) == (2, "error: ")
    assert "cannot be written: " in said and "make room" in said and "Traceback" not in said
    assert Command(tmp_path, *words).end()[0] == 0
    assert_same(tables(tmp_path), undisturbed)


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_audit_says_so(
    number: int, expected: int, words: list[str], undisturbed: Any, tmp_path: Path
) -> None:
    command = Command(tmp_path, *words)
    while len(shards(tmp_path)) < 9:
        time.sleep(0.01)
    command.send(number)
    code, said = command.end()
    assert code == expected and console.INTERRUPTED in said
    assert Command(tmp_path, *words).end()[0] == 0
    assert_same(tables(tmp_path), undisturbed)


def test_two_at_once(words: list[str], undisturbed: Any, tmp_path: Path) -> None:
    first = Command(tmp_path, *words)
    while not shards(tmp_path):
        time.sleep(0.01)
    code, said = Command(tmp_path, *words).end()
    assert (code, said.count("\n")) == (2, 1)
    assert "in use by " in said and f"process {first.process.pid}, since " in said
    assert first.end()[0] == 0
    assert_same(tables(tmp_path), undisturbed)


def test_an_export_that_was_cut_off_is_made_again(
    pipeline_folder: Path, trained: Path, tmp_path: Path
) -> None:
    """And a checkpoint that is damaged is named."""
    words = words_of("train", pipeline_folder)
    log = tmp_path / "small" / "logs" / "target"
    log.mkdir(parents=True)
    shutil.copy(trained / "small" / "logs" / "target" / "resume.ckpt", log)
    half = tmp_path / "small" / ".target.part" / "unet"
    half.mkdir(parents=True)
    (half / "config.json").write_text("{")
    flip(log / "resume.ckpt")
    code, said = Command(tmp_path, *words).end()
    assert code == 2 and f"{log / 'resume.ckpt'}: not a readable checkpoint" in said
    shutil.copy(trained / "small" / "logs" / "target" / "resume.ckpt", log)
    code, said = Command(tmp_path, *words).end()
    assert code == 0, said
    name = Path("unet") / "diffusion_pytorch_model.safetensors"
    made, expected = tmp_path / "small" / "target" / name, trained / "small" / "target" / name
    assert made.read_bytes() == expected.read_bytes()
    assert not half.parent.exists()
