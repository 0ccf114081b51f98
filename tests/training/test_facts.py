"""What a trained model depends on: some keys always, some never, some under a defense."""

from pathlib import Path

import pytest

from lit_clid.about import Facts
from lit_clid.commands.reading import read
from lit_clid.training.facts import TRAINED, UNTRAINED, training_facts


def facts(*words: str) -> Facts:
    config = read(list(words))
    return training_facts(config, "split", "base", 1)


def test_they_are_named_by_configuration_key() -> None:
    plain = facts("seed=3", "role=shadow").as_json()
    assert list(plain)[:5] == ["seed", "role", "split", "base", "processes"]
    assert (plain["seed"], plain["role"], plain["finetune.batch_size"]) == (3, "shadow", 16)
    assert {key for key in plain if key.startswith("trainer.")} <= {f"trainer.{k}" for k in TRAINED}
    assert not any(f"finetune.{key}" in plain for key in UNTRAINED)


@pytest.mark.parametrize(
    "word", ["finetune.samples=1", "audit.batch_size=3", "trainer.enable_progress_bar=false"]
)
def test_what_changes_no_weight_changes_no_fact(word: str) -> None:
    assert facts(word) == facts()


@pytest.mark.parametrize("word", ["trainer.max_steps=3", "data.resolution=32", "defenses=[flip]"])
def test_what_changes_the_weights_changes_a_fact(word: str) -> None:
    assert facts(word) != facts()


def test_validations_count_where_a_defense_looks_at_them() -> None:
    often, seldom = "finetune.validate_every=10", "finetune.validate_every=20"
    assert facts(often) == facts(seldom)
    stopping = "defenses=[early_stopping]"
    assert facts(stopping, often) != facts(stopping, seldom)


def test_a_defense_that_is_taken_away_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("defenses: [flip]\n")
    assert "defenses.flip" not in facts(str(tmp_path / "a.yaml"), "defenses.flip=false").rest


def test_images_per_step() -> None:
    told = Facts(processes=2, rest={"finetune.batch_size": 8, "trainer.accumulate_grad_batches": 3})
    assert told.images_per_step == 48
    assert Facts(rest={"finetune.batch_size": 8}).images_per_step == 8
