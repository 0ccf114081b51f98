"""Every command of the README exists and every key in it is known."""

import re
from pathlib import Path

import pytest
from documents import check_command, commands
from runs import ROOT

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.judging.trials import REF, STACKED

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = commands(ROOT / "README.md")


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_command(command, monkeypatch)


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    rows = "".join(f"r{k},{k % 2},{k % 2 + k % 7 / 9}\n" for k in range(20))
    (tmp_path / "signals.csv").write_text(f"id,member,theirs\n{rows}")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "theirs: AUROC 1.00 on 20 records\n"


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]\w*)", README)) <= targets
    assert len(COMMANDS) >= 8


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_attacks_in_its_table_are_there() -> None:
    """The index of docs/attacks names every one."""
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    table = page.partition("| attack (`attacks:`)")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    named = [word for cell in cells for word in re.findall(r"`(\w+)`", cell)]
    assert len(named) > 20
    assert not [name for name in named if name not in {*ATTACKS, STACKED, REF}]


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
