"""Threads wait less eagerly beside others, and as the user says where the user says it."""

from pathlib import Path

import pytest

from lit_clid.commands import threads


@pytest.mark.parametrize("given", [{"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_what_the_user_says_is_left(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "environ", environment := dict(given))
    threads.wait_less_eagerly()
    assert environment == given


@pytest.mark.parametrize("busy", [False, True])
def test_threads_sleep_at_once_beside_a_busy_process(
    busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads.os, "environ", environment := {})
    monkeypatch.setattr(threads, "is_busy", lambda: busy)
    threads.wait_less_eagerly()
    assert environment == {"GOMP_SPINCOUNT": threads.SPINS["busy" if busy else "quiet"]}


@pytest.mark.parametrize(
    ("text", "cores", "busy"),
    [
        ("cpu 1 2\nprocs_running 1\nprocs_blocked 0\n", 2, False),
        ("cpu 1 2\nprocs_running 2\n", 2, True),
        ("procs_running 4\n", 16, False),
        ("procs_running 5\n", 16, True),
        ("nothing of it\n", 2, False),
    ],
)
def test_a_quarter_of_the_cores_is_busy(
    text: str, cores: int, busy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads.os, "cpu_count", lambda: cores)
    (tmp_path / "stat").write_text(text)
    assert threads.is_busy(tmp_path / "stat") is busy


class Library:
    """Of C, that keeps what it is told."""

    def __init__(self, _: object) -> None:
        self.told: dict[int, int] = {}

    def mallopt(self, option: int, value: int) -> None:
        self.told[option] = value


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, threads.KEPT),
        ({"MALLOC_TRIM_THRESHOLD_": "1"}, {}),
        ({"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1"}, {}),
    ],
)
def test_freed_memory_is_kept_unless_the_user_says_otherwise(
    given: dict[str, str], kept: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(None)
    monkeypatch.setattr(threads.os, "environ", given)
    monkeypatch.setattr(threads.ctypes, "CDLL", lambda _: library)
    threads.keep_freed_memory()
    assert library.told == kept


def test_a_library_without_the_switch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "environ", {})
    monkeypatch.setattr(threads.ctypes, "CDLL", lambda _: object())
    threads.keep_freed_memory()


def test_a_system_that_does_not_tell_is_taken_for_quiet(tmp_path: Path) -> None:
    assert not threads.is_busy(tmp_path / "none")
