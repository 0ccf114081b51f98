"""Every command of the README exists and every key in it is known."""

import re
from pathlib import Path

import pytest

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.config.schema import build_attacks, read_config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (python (?:train|audit)\.py .*?)(?:\s+#.*)?$", README, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    _, script, *arguments = command.split()
    assert (ROOT / script).is_file()
    build_attacks(read_config(arguments, ROOT / "configs" / "demo.yaml").attacks)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]\w*)", README)) <= targets
    assert len(COMMANDS) >= 6


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_attack_is_named() -> None:
    assert not [name for name in ATTACKS if f"`{name}`" not in README]


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
