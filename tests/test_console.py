"""How commands end and who speaks."""

import os
import signal

import pytest

from lit_clid import console
from lit_clid.errors import UserError


def ended(main: object, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """(exit code, what was said on stderr) of a command whose `main` this is."""
    with pytest.raises(SystemExit) as end:
        console.run(main, [], str)  # type: ignore[arg-type]
    return end.value.code, capsys.readouterr().err


def stopped(_: object) -> None:
    raise KeyboardInterrupt


def terminated(_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def turned_into_an_exit(_: object) -> None:
    """What Lightning makes of Ctrl-C."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise SystemExit(1)  # noqa: B904


def mistaken(_: object) -> None:
    raise UserError("a:\n  b")


@pytest.mark.parametrize(
    ("main", "code"), [(stopped, 130), (terminated, 143), (turned_into_an_exit, 130)]
)
def test_who_stops_it_is_told_that_it_goes_on(
    main: object, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert ended(main, capsys) == (code, f"\n{console.INTERRUPTED}\n")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_mistake_is_one_line_and_a_bug_is_not_caught(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(mistaken, capsys) == (2, "error: a: b\n")
    with pytest.raises(ZeroDivisionError):
        console.run(lambda _: print(1 // 0), [], str)


@pytest.mark.parametrize("rank", ["RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK"])
def test_the_first_process_speaks(
    rank: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, said in (("0", "hello\n"), ("1", "")):
        monkeypatch.setenv(rank, number)
        console.say("hello")
        assert capsys.readouterr().out == said
    assert ended(mistaken, capsys) == (2, "")


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert console.aligned([("a", "b"), ("long", "")], ruled=True) == "a     b\n────  ─\nlong"
