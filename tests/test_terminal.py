"""Every terminal is told what it can print, and none ends the work."""

import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_clid import console, terminal

SAID = "─── ∇ σ ε … – × α₀² → ≤ é"


def printed(text: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        console.run(lambda _: console.say(text), [], str)
    stdout.seek(0)
    return stdout.read()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "--- nabla sigma epsilon ... - x alpha02 -> <= \\xe9\n"),
        ("cp1252", "--- nabla sigma epsilon … – × alpha0² -> <= é\n"),
        ("utf-8", f"{SAID}\n"),
    ],
)
def test_signs_that_a_terminal_lacks_are_written_in_others(
    encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed(SAID, encoding, monkeypatch) == expected


@given(st.text(st.characters()), st.sampled_from(["ascii", "cp1252", "cp437", "koi8-r", "utf-8"]))
def test_no_text_is_beyond_any_terminal(text: str, encoding: str) -> None:
    """Lone surrogates, of file names that are no UTF-8, among them; what fits is left alone."""
    terminal.codecs.register_error(terminal.ERRORS, terminal.legible)
    shown = text.encode(encoding, terminal.ERRORS).decode(encoding)
    for sign in set(text):
        try:
            sign.encode(encoding)
        except UnicodeEncodeError:
            continue
        assert shown.count(sign) >= text.count(sign)


def test_the_streams_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError):
        console.run(lambda _: print(1 // 0), [], str)
    assert (sys.stdout, sys.stderr) == before
    monkeypatch.setattr(sys, "stdout", None)  # pythonw, `>&-`
    console.run(lambda _: console.say("hello"), [], str)


WORK = """
import sys
from lit_clid import console
def main(_):
    for k in range(20000):
        console.say(f"line {k}")
        print("bar", file=sys.stdout)
    print("done", file=sys.stderr)
console.run(main, [], str)
"""


@pytest.mark.parametrize("shell", ["{} | head -1", "{} >&-", "{} > /dev/full"])
def test_work_goes_on_when_nobody_takes_what_is_said(shell: str) -> None:
    command = shell.format('"$0" -c "$1"')
    words = ["bash", "-o", "pipefail", "-c", command, sys.executable, WORK]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "done\n")
