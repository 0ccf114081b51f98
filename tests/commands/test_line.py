"""The command `lit-clid` and the scripts that lead to it."""

import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.commands import line
from lit_clid.commands.line import COMMANDS
from lit_clid.commands.listing import LISTS
from lit_clid.config.schema import KEYS
from lit_clid.judging.rules import RULES
from lit_clid.training.defenses import DEFENSES


def call(
    *words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[object, str]:
    """(exit code, what was printed) of `lit-clid` with these words."""
    monkeypatch.setattr(sys, "argv", ["lit-clid", *words])
    code: object = 0
    try:
        line.main()
    except SystemExit as exit:
        code = exit.code
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.mark.parametrize("name", [name for name in COMMANDS if COMMANDS[name].configured])
def test_help_explains_every_key(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call(name, "--help", monkeypatch=monkeypatch, capsys=capsys)
    assert (code, printed.startswith(f"usage: lit-clid {name} ")) == (0, True)
    words = set(printed.split())
    assert not [key for key in KEYS if key not in words]


def test_the_commands_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([], ["--help"]):
        code, printed = call(*words, monkeypatch=monkeypatch, capsys=capsys)
        assert (code, [name for name in COMMANDS if f"  {name} " not in printed]) == (0, [])
    code, printed = call("trian", monkeypatch=monkeypatch, capsys=capsys)
    assert (code, printed) == (2, "error: unknown command 'trian'; did you mean 'train'?\n")


def test_list_names_everything_on_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call("list", monkeypatch=monkeypatch, capsys=capsys)
    named = [line.split()[0] for line in printed.splitlines() if line.startswith("  ")]
    assert code == 0
    assert set(named) >= {*ATTACKS, *DEFENSES, *RULES}
    _, printed = call("list", "rules", monkeypatch=monkeypatch, capsys=capsys)
    assert [line.split()[0] for line in printed.splitlines()] == ["rules", *RULES]
    code, printed = call("list", "pictures", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2 and "lists: attacks, defenses, families, rules" in printed
    code, printed = call("list", "atacks", monkeypatch=monkeypatch, capsys=capsys)
    assert (code, "did you mean 'attacks'?" in printed) == (2, True)


@pytest.mark.parametrize("kind", ["attacks", "rules"])
def test_no_two_names_are_told_alike(kind: str) -> None:
    """Whatever their titles: each says what tells it from the others of its class."""
    told: list[str] = []
    for name, text in LISTS[kind]().items():
        told.append(text.removeprefix(f"{ATTACKS[name].title}: ") if name in ATTACKS else text)
    assert len(set(told)) == len(told)


@pytest.mark.slow
@pytest.mark.parametrize(
    "door", [["train.py"], ["audit.py"], ["-m", "lit_clid.sweep"], ["-m", "lit_clid.experiment"]]
)
def test_help_loads_nothing_heavy(door: list[str]) -> None:
    watch = [sys.executable, "-X", "importtime", *door, "--help"]
    done = subprocess.run(watch, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"usage: python {' '.join(door)} " in done.stdout
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "lit_clid.config.explained" in loaded
    assert not loaded & {"torch", "lightning", "numpy", "omegaconf"}


@pytest.mark.slow
def test_a_table_is_judged_without_what_models_need(tmp_path: Path) -> None:
    rows = "".join(f"r{k},{k % 2},{k % 2 + k / 9}\n" for k in range(40))
    (tmp_path / "t.csv").write_text(f"id,member,s\n{rows}")
    words = ["audit", f"scores={tmp_path / 't.csv'}", f"runs={tmp_path}", "name=table"]
    watch = [sys.executable, "-X", "importtime", "-m", "lit_clid", *words]
    done = subprocess.run(watch, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (tmp_path / "table" / "report.json").is_file()
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"lightning", "diffusers", "lit_clid.auditing", "lit_clid.training"}
