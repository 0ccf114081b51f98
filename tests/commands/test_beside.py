"""Who may work in a run folder at once: parts of the records, or the training of each role."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from holders import another
from runs import Run

from lit_clid.commands.apart import asked_apart
from lit_clid.commands.holding import APART, LOCK, PARTS, TRAININGS, held, refuse_beside
from lit_clid.commands.reading import read
from lit_clid.errors import UserError

REFUSED = r"in use by .*process \d+, since .*; wait until"


@contextmanager
def refused(beside: bool) -> Iterator[None]:
    with pytest.raises(UserError, match=REFUSED) if beside else nullcontext():
        yield


@pytest.mark.parametrize(
    ("part", "met"),
    [("", {LOCK}), ("2/3", {PARTS, APART}), ("train-shadow", {PARTS, TRAININGS})],
)
def test_a_lock_is_met_by_those_it_disturbs(tmp_path: Path, part: str, met: set[str]) -> None:
    folder = tmp_path / "run"
    with another(folder, part):
        for locks in (LOCK, PARTS, APART, TRAININGS):
            with refused(locks in met):
                refuse_beside(folder, locks)
    for locks in (LOCK, PARTS, APART, TRAININGS):
        refuse_beside(folder, locks)


def test_what_is_held_here_disturbs_nobody_here(tmp_path: Path) -> None:
    with held(tmp_path), held(tmp_path, "train-target"):
        refuse_beside(tmp_path, LOCK)
        refuse_beside(tmp_path, PARTS)


@pytest.mark.parametrize(
    ("part", "beside"),
    [("", True), ("1/2", True), ("train-target", True), ("train-shadow", False)],
)
def test_roles_are_trained_side_by_side_and_nothing_else(
    tmp_path: Path, run: Run, part: str, beside: bool
) -> None:
    with another(tmp_path / "run", part):
        words = [f"runs={tmp_path}", "name=run", "target.path=nowhere/at/all"]
        code, printed = run("train", *words)
    assert code == 2
    assert ("in use by" in printed) is beside, printed
    assert ("nowhere" in printed) is not beside, printed


@pytest.mark.parametrize("part", ["", "train-shadow"])
def test_a_part_of_an_audit_is_refused_beside_the_whole_and_a_training(
    tmp_path: Path, part: str
) -> None:
    with another(tmp_path / "run", part), refused(True):
        asked_apart(read([f"runs={tmp_path}", "name=run", "audit.part=1/2"]))
