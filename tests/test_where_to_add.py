"""docs/architecture.md, "Where do I add …": a class in a new file, a line in a dict or tuple.

The new file stands here; the line is set into the literal, wherever that is walked.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from documents import example_attack
from tables import normal_scores
from toys import Toy, picture_records, toy_records

from lit_clid.about import About
from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.queries import check_attacks, describe_attacks
from lit_clid.commands.listing import listing
from lit_clid.commands.reading import build_attacks, build_defenses
from lit_clid.errors import UserError
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report import page, words
from lit_clid.judging.report.publish import publish
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections import SECTIONS
from lit_clid.models.families import FAMILIES, Family
from lit_clid.models.families.stable_diffusion import STABLE_DIFFUSION
from lit_clid.models.load import load_target
from lit_clid.scores import Scores
from lit_clid.training.defenses import DEFENSES
from lit_clid.training.defenses.defense import CaptionDefense, Dice, Texts

ARCHITECTURE = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text("utf-8")

# ----------------------------------------------------------------------------------- an attack


def table_of(attacks: Any, first: int, seed: int) -> Scores:
    """Signals of 40 records of which a toy remembers those from `first` on, 20 of them."""
    records = toy_records(40, seed)
    known = slice(first, first + 20)
    toy = Toy(dict(zip(records.captions[known], records.images[known], strict=True)))
    signals: dict[str, np.ndarray] = {}
    for name, attack in attacks.items():
        signals[name] = attack.signal(ModelOracle(toy, records))[:, 0].double().numpy()
    member = np.isin(np.arange(40), np.arange(40)[known])
    return Scores(records.ids, member, signals, About(attacks=describe_attacks(attacks, toy)))


def test_an_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's: configured, named, refused where it cannot be asked, asked, judged, reported."""
    monkeypatch.setitem(ATTACKS, "word_order", example_attack()["word_order"])
    attacks = build_attacks({"word_order": {"t": [200, 450]}, "loss": None})
    assert "word order: Mean over t of" in listing("attacks")
    late = build_attacks({"word_order": {"t": 1000}})
    with pytest.raises(UserError, match=r"attacks\.word_order: t = \[1000\] lies outside"):
        check_attacks(late, Toy(), ["a b"])
    found = judge(table_of(attacks, 0, 0), table_of(attacks, 20, 1))
    grade = found.grades["word_order"]
    assert grade.auroc.value > 0.95 and grade.queries == 4
    assert re.search(r"^word_order +4 +\d\.\d", words.terminal(Report("toy", found)), re.MULTILINE)


def test_the_attack_under_a_text_of_the_auditors(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reverses the text it was given: what every record would get were that its caption."""
    monkeypatch.setitem(ATTACKS, "word_order", example_attack()["word_order"])
    records = toy_records(40)
    words = records.captions[3]
    spoken = replace(records, captions=(words,) * 40)
    toy = Toy({words: records.images[3]})
    built = build_attacks({"word_order": None, "given": {"attack": "word_order"}})
    given = replace(built["given"], condition=f"text:{words}").signal(ModelOracle(toy, records))
    assert bool(given.any())
    torch.testing.assert_close(given, built["word_order"].signal(ModelOracle(toy, spoken)))
    with pytest.raises(UserError, match="has no words to read backwards"):
        build_attacks({"word_order": {"condition": "empty"}})


# ------------------------------------------------------------------------------------ a family


def test_a_family(pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Perturbed-attention guidance: another pipeline of diffusers around SD's own networks."""
    name = "StableDiffusionPAGPipeline"
    folder = tmp_path / "tiny"
    shutil.copytree(pipeline_folder, folder)
    index = folder / "model_index.json"
    content = json.loads(index.read_text())
    index.write_text(json.dumps({**content, "_class_name": name}))
    with pytest.raises(UserError, match=f"class {name} are not supported"):
        load_target(str(folder))

    # the new file
    PAG: Family = replace(
        STABLE_DIFFUSION,
        title="SD with perturbed attention",
        pipeline=name,
        groups={"text_to_image": (".attn2.",)},
    )
    monkeypatch.setitem(FAMILIES, name, PAG)  # the line
    target, plain = load_target(str(folder)), load_target(str(pipeline_folder))
    assert type(target.pipeline).__name__ == name and target.fingerprint == plain.fingerprint
    assert "SD with perturbed attention; finetune.train: text_to_image, lora" in listing("families")
    records = picture_records(2)
    for attack in build_attacks(["loss", "pia", "clid_th_noise", "gsa1"]).values():
        asked = [attack.signal(ModelOracle(each, records)) for each in (target, plain)]
        torch.testing.assert_close(*asked)
    target.family.check_group("text_to_image")
    with pytest.raises(UserError, match="'unet' is no part of SD with perturbed attention"):
        target.family.check_group("unet")
    level = target.denoiser.draw_levels(2, torch.Generator().manual_seed(0))
    z_0 = target.encode(records.images)
    eps = torch.randn(z_0.shape)
    residual = target.denoiser.residual(z_0, eps, level, target.embed(records.captions))
    assert residual.shape == z_0.shape and bool(residual.isfinite().all())


# ----------------------------------------------------------------------------------- a defense


@dataclass(frozen=True)
class Whisper(CaptionDefense):
    """Trains on captions in small letters."""

    def describe(self) -> str:
        return "captions in small letters"

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        return [caption.lower() for caption in captions]


def test_a_defense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFENSES, "whisper", Whisper())
    built = build_defenses({"whisper": {"redraw": False}, "caption_dropout": None})
    texts = Texts(("a", "b"), ("A Dog", "CATS"), ((), ()))
    assert {*built.captions(texts, 0, 1)} <= {"a dog", "cats", ""}
    assert built.facts["defenses.whisper"] == "Whisper"
    assert "captions in small letters" in listing("defenses")


# ---------------------------------------------------- a test on the whole collection, a section


def permutation_p(score: np.ndarray, member: np.ndarray, shuffles: int = 999) -> float:
    """How often shuffled labels part the mean scores as far as the labels do, in (0, 1]."""
    rng = np.random.default_rng(0)
    labels = np.stack([member, *(rng.permutation(member) for _ in range(shuffles))])
    gaps = labels @ score / member.sum() - ~labels @ score / (~member).sum()
    return float((gaps >= gaps[0]).mean())


class Collection(Section):
    """Were any of the members used at all? One-sided, on the headline attack's scores."""

    template: ClassVar[str] = "<h2>The collection</h2><p>p = {{ '%.3f' | format(p) }}</p>"

    def p(self, judgement: Judgement) -> float:
        score = judgement.grades[judgement.headline].verdict.score
        return permutation_p(score, judgement.target.member)

    def words(self, report: Report) -> str:
        return f"The collection: p = {self.p(report.judgement):.3f} by 999 permutations."

    def as_json(self, report: Report) -> dict[str, Any]:
        return {"collection": {"p": self.p(report.judgement)}}

    def values(self, report: Report) -> dict[str, Any]:
        return {"p": self.p(report.judgement)}


class Motto(Section):
    """The smallest section."""

    template: ClassVar[str] = "<p>{{ title }} was audited.</p>"

    def words(self, report: Report) -> str:
        return f"{report.title} was audited."

    def as_json(self, report: Report) -> dict[str, Any]:
        return {"motto": self.words(report)}


def judged(shift: float, seed: int) -> Judgement:
    score, member = normal_scores(60, 60, shift, seed)
    ids = tuple(f"r{k:03d}" for k in range(len(member)))
    return judge(Scores(ids, member, {"mine": score}))


def test_a_test_on_the_whole_collection_and_a_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for walker in (page, words):
        monkeypatch.setattr(walker, "SECTIONS", (*SECTIONS, Collection(), Motto()))  # the line
    publish(judged(1.5, 0), tmp_path, "toy")
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["collection"] == {"p": 0.001} and told["motto"] == "toy was audited."
    html = (tmp_path / "report.html").read_text()
    assert "<h2>The collection</h2><p>p = 0.001</p>" in html and "<p>toy was audited.</p>" in html
    printed = capsys.readouterr().out
    assert "\n\nThe collection: p = 0.001 by 999 permutations.\n\ntoy was audited.\n\n" in printed


def test_the_toy_test_keeps_its_level() -> None:
    """Of 200 collections that nothing was trained on, p ≤ 0.05 for 10 ± 3·√(200·0.05·0.95)."""
    found = [permutation_p(*normal_scores(60, 60, 0.0, seed), 199) for seed in range(200)]
    assert abs(sum(p <= 0.05 for p in found) - 10) <= 9


def test_the_page_names_files_that_exist() -> None:
    table = ARCHITECTURE.partition("## Where do I add")[2]
    paths = re.findall(r"`(lit_clid/[\w/.]+|(?:configs|docs|tests)/[\w/.]+)`", table)
    assert len(paths) > 10
    assert not [path for path in paths if not (Path(__file__).parent.parent / path).exists()]
    literals = {"ATTACKS", "FAMILIES", "DEFENSES", "RULES", "SECTIONS", "HOMES"}
    assert {*re.findall(r"`([A-Z]+)`", table)} == literals
