"""The documents: the example attack runs, every attack has its page, links lead somewhere,
commands parse.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toys import Toy, toy_records

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.queries import describe_attacks
from lit_clid.commands.reading import build_attacks, read
from lit_clid.judging.roc import auroc, curve

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
GUIDE = (ROOT / "docs" / "attacks" / "add-your-own.md").read_text(encoding="utf-8")


def test_the_example_attack_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's class, added by the page's line, finds the members of a toy."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "add-your-own.md", "exec"), names)
    (line,) = re.findall(r'^    ("word_order": .*),$', GUIDE, re.MULTILINE)
    for name, attack in eval(f"{{{line}}}", names).items():
        monkeypatch.setitem(ATTACKS, name, attack)
    built = build_attacks({"word_order": {"t": [200, 450]}, "loss": None})
    records = toy_records(40)
    memory = dict(zip(records.captions[:20], records.images[:20], strict=True))
    score = built["word_order"].signal(ModelOracle(Toy(memory), records))
    assert auroc(curve(score[:, 0].numpy(), np.arange(40) < 20)) > 0.95
    assert torch.equal(built["word_order"].signal(ModelOracle(Toy(), records)), torch.zeros(40, 1))
    counts = count_queries(built)
    assert (counts["word_order"].asked, counts["loss"].asked, counts["loss"].evaluated) == (4, 1, 0)
    described = describe_attacks(built, Toy())
    assert described["word_order"].columns == ("word_order",)


def test_every_attack_has_its_page() -> None:
    text = "".join(
        page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "attacks"
    )
    index = (ROOT / "docs" / "attacks" / "README.md").read_text(encoding="utf-8")
    missing = [
        name for name in ATTACKS if f"`{name}`" not in index and not name.startswith("clid_")
    ]
    assert not missing
    assert "\n    clir " in text or "CLiR" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_commands_of_the_documents(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert not [link for link in links if not (page.parent / link).exists()]
    monkeypatch.chdir(ROOT)
    for command in re.findall(r"^    (python (?:train|audit)\.py .*)$", text, re.MULTILINE):
        arguments = [a.strip('"') for a in re.findall(r'"[^"]*"|\S+', command)[2:]]
        known = [a for a in arguments if "=" in a or (ROOT / a).exists()]
        read(known)
