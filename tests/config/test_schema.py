"""The whole configuration as values."""

from pathlib import Path
from typing import Any

import pytest

from lit_clid.config.schema import KEYS, WRITTEN, Config
from lit_clid.errors import UserError


def config(**changes: Any) -> Config[Any, Any]:
    """A configuration of no attack and no defense."""
    return Config(attacks={}, defenses={}, written={"attacks": ["a"], "defenses": {}}, **changes)


def test_its_folder_is_the_run_s() -> None:
    assert config(runs="there", name="mine").folder == Path("there/mine")
    assert config(runs="~/there").folder == Path.home() / "there" / "demo"


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "..", "a/"])
def test_a_name_is_a_plain_folder_s(name: str) -> None:
    with pytest.raises(UserError, match="must be a plain folder name"):
        config(name=name)


def test_plain_values_have_every_key_as_it_was_written() -> None:
    plain = config(seed=3).plain
    assert plain["attacks"] == ["a"] and plain["seed"] == 3
    for section in ("data", "target", "finetune", "audit", "sweep", "grid", "utility"):
        assert {f"{section}.{key}" for key in plain[section]} < set(KEYS)


def test_a_section_comes_after_its_keys_and_none_twice() -> None:
    found = list(KEYS)
    assert len(found) == len(set(found))
    assert found.index("data.source") < found.index("data")
    assert "written" not in found
    assert {"name", "attacks", "trainer"} <= set(WRITTEN.__dataclass_fields__)
