"""The documents: the example attack runs, every attack has its page, links lead somewhere,
commands parse.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from documents import check_command, commands, example_attack
from runs import ROOT
from toys import Toy, toy_records

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.queries import describe_attacks
from lit_clid.commands.reading import build_attacks
from lit_clid.errors import UserError
from lit_clid.judging.roc import auroc, curve
from lit_clid.models.families import FAMILIES

PAGES = sorted((ROOT / "docs").rglob("*.md"))
PIPELINE = ROOT / "lit_clid" / "models" / "demo" / "pipeline" / "README.md"


def test_the_example_attack_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's class, added by the page's line, finds the members of a toy."""
    for name, attack in example_attack().items():
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
    """The index's rows name a page and, with or without a suffix, the attacks; none else."""
    folder, named = ROOT / "docs" / "attacks", set()
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page, cell in re.findall(r"^\| \[[^\]]+\]\((\S+)\)[^|]*\|([^|]+)\|", index, re.MULTILINE):
        assert (folder / page).is_file()
        words = re.findall(r"`(\w+)`", cell)
        suffixes = [word for word in words if word.startswith("_")]
        own = [word for word in words if not word.startswith("_")]
        named |= {name + suffix for name in own for suffix in ("", *suffixes)}
    assert named == set(ATTACKS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_of_the_documents(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize(
    "command", sorted({command for page in (*PAGES, PIPELINE) for command in commands(page)})
)
def test_commands_of_the_documents(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_command(command, monkeypatch)


@pytest.mark.parametrize(
    "command",
    [
        "lit-clid list atacks",
        "lit-clid train --help now",
        "python train.py data.membrs=3",
        "make tests",
        "torchrun --nproc-pernode 4 -m lit_clid.experiment CONFIGS",
        "sbatch --aray 1-8 --wrap 'srun python -m lit_clid.experiment CONFIGS'",
        "srun --quick python -m lit_clid.experiment CONFIGS",
    ],
)
def test_mistyped_commands_are_noticed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((AssertionError, KeyError, UserError, SystemExit)):
        check_command(command, monkeypatch)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_that_the_documents_name_exist(page: Path) -> None:
    named = set(re.findall(r"`((?:lit_clid|tests|docs)/[\w/.]+)`", page.read_text("utf-8")))
    new = {"lit_clid/auditing/attacks/word_order.py"}
    assert not [path for path in named - new if not (ROOT / path).exists()]


def test_every_family_and_what_it_lets_be_tuned_has_its_row() -> None:
    page = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
    for name, family in FAMILIES.items():
        words = (
            name,
            *family.groups,
            *(
                module.split(".", 1)[-1] if module.startswith("att") else module
                for module in family.lora
            ),
        )
        assert not [word for word in words if f"`{word}`" not in page]
