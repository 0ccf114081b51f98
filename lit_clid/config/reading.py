"""Reading a configuration: usual values ← YAML files ← key=value, checked, then built.

Unknown keys are refused with the nearest known name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lit_clid.config.named import Section
from lit_clid.config.options.trainer import TRAINER_KEYS
from lit_clid.config.schema import KEYS, WRITTEN, A, Config, D
from lit_clid.config.texts import TEXTS, as_written, text_layer
from lit_clid.errors import UserError, few, first_line, suggestion

CONFIGS = Path(__file__).parent.parent / "configs"
"""The shipped configurations; in a checkout the folder is a link to the one at its top."""
DEMO = CONFIGS / "demo.yaml"


def read_config(
    arguments: Sequence[str], default: Path, attacks: Section[A], defenses: Section[D]
) -> Config[A, D]:
    """Read `[config.yaml …] [key=value …]`; without a YAML, `default`.

    Args:
        attacks, defenses: how these two sections are built.

    Raises:
        UserError: for a missing or broken file, an unknown key or name, a value of the wrong type
            or out of range.
    """
    sections: dict[str, Section[Any]] = {"attacks": attacks, "defenses": defenses}
    usual = {key: section.usual for key, section in sections.items()}
    values = _merged(arguments, default, usual)
    _check_trainer(values["trainer"])
    written = {key: section.spelled(values.pop(key)) for key, section in sections.items()}
    return Config(
        **values,
        attacks=attacks.build(written["attacks"]),
        defenses=defenses.build(written["defenses"]),
        written=written,
    )


@dataclass(frozen=True)
class Layer:
    """What one file, or one key=value word, sets.

    Args:
        name: of the file, or the word.
        content: as OmegaConf has it.
    """

    name: str
    content: Any

    def sets(self, key: str) -> bool:
        """Whether it says what a dotted key is."""
        inside: Any = self.content
        for part in key.split("."):
            if not isinstance(inside, Mapping) or part not in inside:
                return False
            inside = inside[part]
        return True

    def value(self, key: str) -> Any:
        """The plain value that it sets."""
        from omegaconf import OmegaConf

        inside: Any = OmegaConf.to_container(self.content)
        for part in key.split("."):
            inside = inside[part]
        return inside


def layers(arguments: Sequence[str], default: Path) -> list[Layer]:
    """`[config.yaml …] [key=value …]`, each on its own; later ones win.

    Raises:
        UserError: for a missing or broken file, or a value that is no YAML.
    """
    files = [Path(word) for word in arguments if "=" not in word] or [default]
    read = [Layer(_called(file), _read_yaml(file)) for file in files]
    return read + [Layer(word, _changed(word)) for word in arguments if "=" in word]


def _called(file: Path) -> str:
    """A shipped file by its short name."""
    inside = file.is_absolute() and file.is_relative_to(CONFIGS)
    return str(Path(CONFIGS.name) / file.relative_to(CONFIGS)) if inside else str(file)


def plain_config(file: Path) -> dict[str, Any]:
    """What a file sets, as plain values."""
    from omegaconf import OmegaConf

    content: Any = OmegaConf.to_container(_read_yaml(file))
    return dict(content)


def config_text(content: Mapping[str, Any]) -> str:
    """Plain values as the YAML of an overlay."""
    import yaml

    return yaml.safe_dump(
        dict(content), sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )


def _merged(arguments: Sequence[str], default: Path, usual: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a configuration as it is written, sections as their options.

    Args:
        usual: what the sections of names hold unless a file or word says otherwise.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = OmegaConf.merge(OmegaConf.structured(WRITTEN), usual)
        for layer in layers(arguments, default):
            config = _with_layer(config, layer.content)
        written = OmegaConf.to_object(config)
    except OmegaConfBaseException as error:
        key, said = error.full_key or "config", str(error.msg or error).splitlines()[0]
        if "not a ListConfig" in said:
            said = f"is a list, also of one; write {key}=[…]"
        raise UserError(f"{key}: {said}") from None
    return {each.name: getattr(written, each.name) for each in fields(WRITTEN)}


def _with_layer(config: Any, layer: Any) -> Any:
    """`config` with what a file or a word changes."""
    from omegaconf import ListConfig, OmegaConf

    _refuse_unknown(OmegaConf.to_container(layer))
    if "attacks" in layer:  # they replace each other
        OmegaConf.update(config, "attacks", None)
    if isinstance(layer.get("defenses"), ListConfig):  # so that overlays add up
        layer.defenses = dict.fromkeys(layer.defenses)
    try:
        return OmegaConf.merge(config, layer)
    except TypeError as error:
        raise UserError(
            f"config: a list and a mapping cannot be merged ({first_line(error)})"
        ) from None


def shipped(file: Path) -> Path:
    """`file`, or where it does not exist the shipped configuration that `configs/…` names."""
    inside = file.parts[:1] == (CONFIGS.name,) and CONFIGS.joinpath(*file.parts[1:])
    return inside if inside and not file.exists() and inside.is_file() else file


def _read_yaml(file: Path) -> Any:
    import yaml
    from omegaconf import DictConfig

    file = shipped(file)
    if not file.is_file():
        raise UserError(
            f"{file}: no such config file; give YAML files, then key=value (no spaces around '=')"
        )
    try:
        layer = as_written(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{file}: not valid YAML ({' '.join(str(error).split())[:160]})") from None
    if not isinstance(layer, DictConfig):
        raise UserError(f"{file}: a config holds 'key: value' lines")
    return layer


def _changed(change: str) -> Any:
    """The layer of one key=value word."""
    import yaml

    key, _, typed = change.partition("=")
    try:
        return text_layer(key, typed) if key in TEXTS else as_written(typed, key)
    except (yaml.YAMLError, RecursionError):
        raise UserError(
            f"{change[:100]}: the value is not valid YAML; write a number, true, false, null, [a, "
            "list] or {a: mapping}"
        ) from None


def _refuse_unknown(layer: Any, prefix: str = "") -> None:
    known = list(KEYS)
    for key, value in layer.items():
        dotted = f"{prefix}{key}"
        if dotted not in known:
            raise UserError(f"unknown key '{dotted}'{suggestion(dotted, known)}")
        inner = [k for k in known if k.startswith(f"{dotted}.")]
        if inner and not isinstance(value, dict):
            raise UserError(
                f"{dotted}: is a section, not a value ({value!r}); set one of {few(inner)}"
            )
        if inner:
            _refuse_unknown(value, f"{dotted}.")


def _check_trainer(options: Mapping[str, Any]) -> None:
    for key in options:
        if key not in TRAINER_KEYS:
            near = suggestion(key, TRAINER_KEYS, within="trainer.")
            raise UserError(f"unknown key 'trainer.{key}'{near}")
