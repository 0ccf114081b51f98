"""One command at a time in a run folder."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from holders import another
from runs import Run, words

from lit_clid import console
from lit_clid.commands.experiment import run as experiment
from lit_clid.commands.holding import held
from lit_clid.errors import UserError, WriteError
from lit_clid.files import write_text


def table(path: Path) -> Path:
    path.write_text("id,member,s\n" + "".join(f"r{k},{k % 2},{k * 7 % 11}\n" for k in range(40)))
    return path


def test_a_second_command_is_refused_by_the_first_ones_name(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "busy"
    with another(folder) as process:
        for command in (
            ["train"],
            ["audit"],
            ["sweep"],
            ["audit", f"scores={table(tmp_path / 'a.csv')}"],
        ):
            code, printed = run(*command, f"runs={tmp_path}", "name=busy")
            assert code == 2, printed
            assert printed.count("\n") == 1
            assert f"{folder}: in use by " in printed
            assert f", process {process.pid}, since 20" in printed
            assert "name=…" in printed
        with held(tmp_path / "other"):
            pass
    assert not list(folder.glob(".part-*.json"))
    assert sorted(file.name for file in folder.glob(".lock*")) == [".lock", ".lock.json"]
    code, printed = run("audit", f"runs={tmp_path}", "name=busy", f"scores={tmp_path / 'a.csv'}")
    assert code == 0, printed  # who was killed holds nothing
    assert not (folder / ".lock.json").exists()


def test_a_grid_is_refused_but_may_be_planned(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    with another(tmp_path / "grid"):
        code, printed = run("experiment", *words(pipeline_folder, tmp_path))
        assert code == 2 and f"{tmp_path / 'grid'}: in use by " in printed
        assert run("experiment", *words(pipeline_folder, tmp_path, "grid.dry_run=true"))[0] == 0
    with another(tmp_path / "grid" / "none-seed3"), another(tmp_path / "grid" / "drop-seed3"):
        code, printed = run("experiment", *words(pipeline_folder, tmp_path))
        assert code == 2 and "2 of 2 cells failed (none-seed3, drop-seed3)" in printed
        assert printed.count("in use by ") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_stopped_gives_it_back(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "run"
    with another(folder) as process:
        process.send_signal(number)
        assert console.INTERRUPTED in process.communicate(timeout=60)[1]
        assert sorted(file.name for file in folder.iterdir()) == [".lock", "made"]
        with held(folder):
            pass


def test_it_is_held_again_within_and_given_back_at_the_very_end(tmp_path: Path) -> None:
    with held(tmp_path), held(tmp_path / "cell"):
        with held(tmp_path):
            pass
        code = (
            "import sys; from pathlib import Path; from lit_clid.commands.holding import held\n"
            "with held(Path(sys.argv[1])): pass"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True
        )
        assert "UserError" in done.stderr and f"process {os.getpid()}" in done.stderr
    assert not (tmp_path / "cell").exists()  # nothing was made there


def test_parts_of_a_grid_do_not_disturb_each_other(tmp_path: Path) -> None:
    with held(tmp_path, "1/2"), held(tmp_path, "2/2"), held(tmp_path):
        names = {file.name for file in tmp_path.iterdir() if file.suffix == ".lock"}
        assert {".part-1-of-2.lock", ".part-2-of-2.lock"} <= names


def test_other_processes_of_a_run_hold_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another(tmp_path / "run"):
        monkeypatch.setenv("RANK", "1")
        with held(tmp_path / "run"):
            pass


def test_a_mistake_leaves_no_folder(tmp_path: Path, run: Run) -> None:
    assert run("audit", f"runs={tmp_path / 'new'}", "name=typo")[0] == 2
    assert not (tmp_path / "new" / "typo").exists()


def test_a_disk_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(number: int) -> None:
        def acquire(_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("filelock.FileLock.acquire", acquire)

    fail(errno.ENOLCK)
    with held(tmp_path):
        write_text(tmp_path / "a", "b")
    assert "its disk knows no locks" in capsys.readouterr().out
    fail(errno.EROFS)
    with held(tmp_path):  # who can only read
        pass
    assert not capsys.readouterr().out


@pytest.mark.parametrize("place", ["runs", "runs/name"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, place: str, run: Run) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    for command in ("train", "audit", "sweep"):
        code, printed = run(command, f"runs={tmp_path / 'runs'}", "name=name")
        assert (code, printed.count("\n")) == (2, 1), printed
        assert f"cannot be written: {file} is in the way" in printed


def test_a_full_disk_ends_a_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its other cells would fail in the same way, each after hours."""

    def fail(_: object) -> None:
        raise WriteError("full")

    monkeypatch.setattr(experiment, "carry_out", fail)
    with pytest.raises(WriteError):
        experiment.attempt(None)  # type: ignore[arg-type]


def test_a_disk_that_fills_up_is_one_line_and_says_what_is_kept(tmp_path: Path) -> None:
    def fill() -> None:
        with held(tmp_path / "grid"), held(tmp_path / "grid" / "cell"):
            (tmp_path / "grid" / "cell" / "table").touch()
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WriteError, match="cell cannot be written: No space left") as full:
        fill()
    assert str(full.value).count("kept in") == 1
    assert str(full.value).endswith(f"what was finished is kept in {tmp_path / 'grid' / 'cell'}")
    with pytest.raises(PermissionError), held(tmp_path):  # of something that was read
        raise PermissionError(errno.EACCES, "no")
    with pytest.raises(UserError), held(tmp_path):
        raise UserError("as it was")
