"""Configuration: defaults ← YAML files ← key=value, checked, as plain values and finished objects.

The only module that knows omegaconf. Unknown keys are refused with the nearest known name.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from lit_clid.auditing.attacks import ATTACKS, COSTLY, Attack
from lit_clid.config.options.audit import AuditOptions, SweepOptions
from lit_clid.config.options.data import ROLES, DataOptions
from lit_clid.config.options.experiment import GridOptions, UtilityOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.errors import UserError, few, first_line
from lit_clid.models.load import TargetOptions
from lit_clid.training.defenses import DEFENSES, Defense, Defenses

CONFIGS = Path(__file__).parent.parent / "configs"
"""The shipped configurations; in a checkout the folder is a link to the one at its top."""
DEMO = CONFIGS / "demo.yaml"


@dataclass
class Config:
    """The whole truth about an experiment, read by both scripts.

    Args:
        name: of the run; everything is written to `runs`/`name`.
        runs: folder of all runs.
        seed: of the split, of training and of the audit's noise.
        role: which model `train.py` trains, "target" or "shadow".
        data, target, finetune, audit, sweep, grid, utility: see the options' classes.
        attacks: list of names, or a mapping from name to changed parameters; a later one replaces
            an earlier one.
        defenses: the same, of what is done against memorisation while training; later ones add to
            earlier ones.
        trainer: arguments of Lightning's Trainer, verbatim.
        scores, shadow_scores: tables of signals to judge instead of asking a model.
    """

    name: str = "demo"
    runs: str = "runs"
    seed: int = 0
    role: str = "target"
    data: DataOptions = field(default_factory=DataOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    finetune: FineTuneOptions = field(default_factory=FineTuneOptions)
    audit: AuditOptions = field(default_factory=AuditOptions)
    sweep: SweepOptions = field(default_factory=SweepOptions)
    grid: GridOptions = field(default_factory=GridOptions)
    utility: UtilityOptions = field(default_factory=UtilityOptions)
    attacks: Any = field(default_factory=lambda: [name for name in ATTACKS if name not in COSTLY])
    defenses: Any = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    scores: str | None = None
    shadow_scores: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise UserError(f"role: {self.role!r} is not one of {', '.join(ROLES)}")
        if not self.name or Path(self.name).name != self.name or self.name.startswith("."):
            raise UserError(
                f"name: {self.name!r} must be a plain folder name; it becomes a folder in "
                f"'{self.runs}'"
            )

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return Path(self.runs).expanduser() / self.name

    @property
    def plain(self) -> dict[str, Any]:
        """The resolved configuration as plain values."""
        return asdict(self)


def read_config(arguments: Sequence[str], default: Path) -> Config:
    """Read `[config.yaml …] [key=value …]`; without a YAML, `default`.

    Raises:
        UserError: for a missing or broken file, an unknown key, a value of the wrong type or out of
            range.
    """
    from omegaconf import ListConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    files = [Path(a) for a in arguments if "=" not in a]
    changes = [a for a in arguments if "=" in a]
    schema = OmegaConf.structured(Config)
    try:
        layers = [_read_yaml(file) for file in files or [default]]
        layers += [_dotlist(change) for change in changes]
        for layer in layers:
            _refuse_unknown(OmegaConf.to_container(layer))
            if "attacks" in layer:
                OmegaConf.update(schema, "attacks", None)
            if isinstance(layer.get("defenses"), ListConfig):  # so that overlays add up
                layer.defenses = dict.fromkeys(layer.defenses)
            try:
                schema = OmegaConf.merge(schema, layer)
            except TypeError as error:
                raise UserError(
                    f"config: a list and a mapping cannot be merged ({first_line(error)})"
                ) from None
        config = OmegaConf.to_object(schema)
    except OmegaConfBaseException as error:
        raise UserError(
            f"{error.full_key or 'config'}: {str(error.msg or error).splitlines()[0]}"
        ) from None
    assert isinstance(config, Config)
    _check_trainer(config.trainer)
    return config


def config_text(content: Mapping[str, Any]) -> str:
    """Plain values as the YAML of an overlay."""
    import yaml

    return yaml.safe_dump(
        dict(content), sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )


def _read_yaml(file: Path) -> Any:
    import yaml
    from omegaconf import DictConfig, OmegaConf

    if not file.is_file():
        raise UserError(
            f"{file}: no such config file; give YAML files, then key=value (no spaces around '=')"
        )
    try:
        layer = OmegaConf.load(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not valid YAML ({' '.join(str(error).split())[:160]})") from None
    if not isinstance(layer, DictConfig):
        raise UserError(f"{file}: a config holds 'key: value' lines")
    return layer


def _dotlist(change: str) -> Any:
    import yaml
    from omegaconf import OmegaConf

    try:
        return OmegaConf.from_dotlist([change])
    except yaml.YAMLError as error:
        raise UserError(
            f"{change}: the value is not valid YAML ({' '.join(str(error).split())[:120]})"
        ) from None


def known_keys(cls: type = Config, prefix: str = "") -> Iterator[str]:
    """All dotted keys of the configuration."""
    for each in fields(cls):
        key = f"{prefix}{each.name}"
        if isinstance(each.type, type) and is_dataclass(each.type):
            yield from known_keys(each.type, f"{key}.")
        yield key


def _refuse_unknown(layer: Any, prefix: str = "") -> None:
    known = list(known_keys())
    for key, value in layer.items():
        dotted = f"{prefix}{key}"
        if dotted not in known:
            raise UserError(f"unknown key '{dotted}'{_nearest(dotted, known)}")
        inner = [k for k in known if k.startswith(f"{dotted}.")]
        if inner and not isinstance(value, dict):
            raise UserError(
                f"{dotted}: is a section, not a value ({value!r}); set one of {few(inner)}"
            )
        if inner:
            _refuse_unknown(value, f"{dotted}.")


def _nearest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, 1, 0.5)
    last = [key for key in known if key.rsplit(".", 1)[-1] == word.rsplit(".", 1)[-1]]
    best = [*last, *close]
    return f"; did you mean '{best[0]}'?" if best else f"; known keys: {few(list(known), 20)}"


def _check_trainer(options: Mapping[str, Any]) -> None:
    import lightning as L

    known = [
        key
        for key in inspect.signature(L.Trainer.__init__).parameters
        if key not in ("self", "callbacks", "logger")
    ]
    for key in options:
        if key not in known:
            nearest = _nearest(key, known).replace("did you mean '", "did you mean 'trainer.")
            raise UserError(f"unknown key 'trainer.{key}'{nearest}")


def build_attacks(wanted: Any) -> dict[str, Attack]:
    """Build the attacks of `attacks:`, a list of names or a mapping from name to changed
    parameters.

    `loss_empty: {attack: loss, condition: empty}` asks an attack a second time under a name of its
    own.

    Raises:
        UserError: for an unknown attack or parameter, or a value the attack refuses.
    """
    changes = _changes("attack", wanted, ATTACKS)
    if not changes:
        raise UserError(
            f"attacks: {wanted!r} is neither a list nor a mapping that names one; known: "
            f"{few(list(ATTACKS), 22)}"
        )
    return {name: _build_attack(name, changed) for name, changed in changes.items()}


def build_defenses(wanted: Any) -> Defenses:
    """Build the defenses of `defenses:`, a list of names or a mapping from name to changed
    parameters.

    A defense that is set to false is left out, so that an overlay can take one away.

    Raises:
        UserError: for an unknown defense or parameter, a value the defense refuses, or two that
            contradict each other.
    """
    chosen: dict[str, Defense] = {}
    for name, changed in _changes("defense", wanted, DEFENSES).items():
        if changed is False:
            continue
        original, values = _values("defense", name, changed, DEFENSES)
        chosen[name] = _replaced("defense", name, DEFENSES[original], values)
    return Defenses(chosen)


def _changes(kind: str, wanted: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted` as a mapping from name to changed parameters."""
    named = isinstance(wanted, (list, tuple)) and all(isinstance(name, str) for name in wanted)
    changes = dict.fromkeys(wanted) if named else wanted
    if not isinstance(changes, dict):
        raise UserError(
            f"{kind}s: {wanted!r} is neither a list of names nor a mapping; known: "
            f"{few(list(known), 22)}"
        )
    return {str(name): changed for name, changed in changes.items()}


def _build_attack(name: str, changed: Any) -> Attack:
    """One attack with changed parameters; `attack: loss` among them makes `name` a second Loss."""
    original, values = _values("attack", name, changed, ATTACKS)
    if original != name:
        values.setdefault("title", f"{ATTACKS[original].title} ({name})")
    return _replaced("attack", name, ATTACKS[original], values)


def _values(
    kind: str, name: str, changed: Any, known: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """What `name` is a variant of, and its changed parameters."""
    if not isinstance(changed, (dict, type(None))):
        example = "{t: 450}" if kind == "attack" else "{share: 0.1}"
        raise UserError(
            f"{kind}s.{name}: {changed!r} is not a mapping of parameters, such as {example}"
        )
    changed = dict(changed or {})
    original = str(changed.pop(kind, name))
    if original not in known:
        raise UserError(f"{kind}s: unknown {kind} '{original}'{_nearest(original, list(known))}")
    kinds = {f.name: f.type for f in fields(known[original])}
    for key in changed:
        if key not in kinds:
            raise UserError(
                f"{kind}s.{name}: unknown parameter '{key}'{_nearest(str(key), list(kinds))}"
            )
    return original, {
        key: _like(kinds[key], value, f"{kind}s.{name}.{key}") for key, value in changed.items()
    }


def _replaced(kind: str, name: str, original: Any, values: dict[str, Any]) -> Any:
    try:
        return replace(original, **values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{kind}s.{name}: {error}") from None


def _like(kind: Any, value: Any, key: str) -> Any:
    """`value` if it is of the field's type: a word, a number, true or false, or a list, for
    which one will do.
    """
    listed = get_origin(kind) is tuple
    optional = type(None) in get_args(kind)
    each = get_args(kind)[0] if listed or optional else kind
    if optional and value is None:
        return None
    values = list(value) if listed and isinstance(value, (list, tuple)) else [value]
    allowed = (int, float) if each is float else (each,)
    if not all(isinstance(v, allowed) and isinstance(v, bool) == (each is bool) for v in values):
        word = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}[
            each
        ]
        raise UserError(f"{key}: {value!r} is not {word}{', or a list of such' if listed else ''}")
    return tuple(values) if listed else value
