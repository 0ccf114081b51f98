"""How commands end and who speaks."""

import os
import signal
import sys
from collections.abc import Callable

import pytest
import torch

from lit_clid import console
from lit_clid.errors import UserError

Main = Callable[[object], None]
Printed = pytest.CaptureFixture[str]


def ended(main: Main, capsys: Printed) -> tuple[object, str]:
    """(exit code, what was said on stderr) of a command whose `main` this is."""
    with pytest.raises(SystemExit) as end:
        console.run(main, [], str)
    return end.value.code, capsys.readouterr().err


def sent(number: int) -> Main:
    return lambda _: os.kill(os.getpid(), number)


def turned_into_an_exit(_: object) -> None:
    """What Lightning makes of Ctrl-C."""
    try:
        raise KeyboardInterrupt
    finally:
        sys.exit(1)


@pytest.mark.parametrize(
    ("main", "code"),
    [(sent(signal.SIGINT), 130), (sent(signal.SIGTERM), 143), (turned_into_an_exit, 130)],
)
def test_who_stops_it_is_told_that_it_goes_on(main: Main, code: int, capsys: Printed) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert ended(main, capsys) == (code, f"\n{console.INTERRUPTED}\n")
    assert signal.getsignal(signal.SIGTERM) is before


def mistaken(_: object) -> None:
    raise UserError("a:\n  b")


def test_a_mistake_is_one_line_and_a_bug_is_not_caught(capsys: Printed) -> None:
    assert ended(mistaken, capsys) == (2, "error: a: b\n")
    with pytest.raises(ZeroDivisionError):
        console.run(lambda _: print(1 // 0), [], str)


def too_large(_: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_a_device_without_memory_is_a_line_that_says_what_takes_less(capsys: Printed) -> None:
    code, said = ended(too_large, capsys)
    assert code == 2 and said == f"error: {console.OUT_OF_MEMORY}\n"


def test_who_met_something_alone_says_so_whichever_it_is(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert ended(mistaken, capsys) == (2, "")  # the first process says it too
    assert ended(too_large, capsys) == (2, f"error: {console.OUT_OF_MEMORY}\n")


def test_names_of_others_command_no_terminal(capsys: Printed) -> None:
    def hostile(_: object) -> None:
        console.say("two\n\tlines, \x1b]0;owned\x07 and \u202egnp.exe")
        raise UserError("cannot read \x1b[2Jx.png")

    code, said = ended(hostile, capsys)
    assert code == 2 and "\x1b" not in said and "\u202e" not in said
    assert "error: cannot read \N{REPLACEMENT CHARACTER}[2Jx.png\n" in said


def left_alone(_: object) -> None:
    raise RuntimeError("[gloo/pair.cc:547] Connection closed by peer [127.0.0.1]:4711")


def test_who_lost_its_peers_says_so(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "GRACE", 0.0)
    code, said = ended(left_alone, capsys)
    assert code == 1 and said.count("\n") == 1
    assert said.startswith(
        "error: another process of this run ended ([gloo/pair.cc:547] Connection"
    )
    assert said.endswith(f"). {console.INTERRUPTED}\n")


def test_another_fault_of_a_collective_is_no_lost_process(capsys: Printed) -> None:
    def misused(_: object) -> None:
        raise RuntimeError("NCCL error in: x.cpp, invalid usage, ncclInvalidUsage: duplicate GPU")

    with pytest.raises(RuntimeError, match="invalid usage"):
        console.run(misused, [], str)


@pytest.mark.parametrize("rank", ["RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK"])
def test_the_first_process_speaks(
    rank: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    for number, said in (("0", "hello\n"), ("1", "")):
        monkeypatch.setenv(rank, number)
        console.say("hello")
        assert capsys.readouterr().out == said
    assert ended(mistaken, capsys) == (2, "")
