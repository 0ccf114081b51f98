"""The presets: one for each family, each a config that can be read."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from lit_clid.commands.reading import read
from lit_clid.models import families
from lit_clid.models.families import FAMILIES, Family

CONFIGS = Path(__file__).parent.parent.parent / "configs"
PRESETS = sorted(CONFIGS.glob("models/*.yaml"))


def of_module(name: str) -> list[Family]:
    module = importlib.import_module(f"lit_clid.models.families.{name}")
    return [found for found in vars(module).values() if isinstance(found, Family)]


def test_every_family_has_a_preset() -> None:
    names = {module.name for module in pkgutil.iter_modules(families.__path__)} - {"family"}
    assert {preset.stem for preset in PRESETS} == names
    known = [family.pipeline for name in names for family in of_module(name)]
    assert sorted(known) == sorted(FAMILIES)
    told = {name: {family.preset for family in of_module(name)} for name in names}
    assert told == {name: {name} for name in names}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.stem)
def test_a_preset_is_read_above_a_folder_of_images(preset: Path, tmp_path: Path) -> None:
    words = [str(CONFIGS / "folder.yaml"), str(preset), f"data.path={tmp_path}"]
    config = read(words)
    assert "/" in config.target.path
    for family in of_module(preset.stem):
        family.check_group(config.finetune.train)
    assert (config.data.resolution or 0) % 8 == 0
    assert config.finetune.lora_alpha == config.finetune.lora_rank
    assert config.audit.batch_size >= config.audit.rows
    assert config.audit.offload == config.target.offload
