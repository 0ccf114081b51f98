"""Which models are asked about which records.

Models must belong to this run's split and to each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lit_clid.about import Facts
from lit_clid.auditing.signals import Signals
from lit_clid.config.options.audit import AuditOptions
from lit_clid.config.options.data import ROLES
from lit_clid.config.options.target import TargetOptions
from lit_clid.data.parts import plays_the_same
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.models.load import check_target
from lit_clid.models.note import read_note
from lit_clid.models.target import Target
from lit_clid.models.weights import INDEX
from lit_clid.provenance import refuse_changes
from lit_clid.source import DEMO, Source, as_source

BASE = "base"
"""`audit.reference` for the model that the target was tuned from."""


@dataclass(frozen=True)
class Model:
    """A model to be asked.

    Args:
        source: what it is made of.
        fingerprint: that it must have; None if any will do.
    """

    source: Source
    fingerprint: str | None = None

    def verify(self, loaded: Target) -> None:
        """Raise UserError if the loaded model is not the one meant."""
        if self.fingerprint not in (None, loaded.fingerprint):
            raise UserError(
                f"audit.reference: {self.source} is not the base that the target was tuned from "
                "(its fingerprint differs); put the old one there, name another model, or set it "
                "to null"
            )


def find_models(
    folder: Path, options: AuditOptions, base: TargetOptions, wanted: str = "target"
) -> dict[str, Model]:
    """The models to audit by role: those named in `options`, else the run's own, else, as target,
    what `base` puts on a pipeline.

    Raises:
        UserError: if the role `wanted` has none, a model lacks a part, target and shadow were made
            by different recipes, or the run's own target was tuned from something else than `base`
            puts together.
    """
    models = {}
    for role, named in (("target", options.target), ("shadow", options.shadow)):
        if named is not None:
            models[role] = Model(Source(named, options.variant, config=base.config))
        elif (folder / role / INDEX).is_file():
            models[role] = Model(Source(str(folder / role)))
    begun = (folder / "logs" / "target").exists() or "shadow" in models
    if "target" not in models and base.source.parts and (options.shadow is not None or not begun):
        models["target"] = Model(base.source)
    elif options.target is None and "target" in models:
        _check_parts(folder / "target", base.source)
    if wanted not in models:
        raise UserError(
            f"{folder / wanted}: no trained {wanted}; run lit-clid train role={wanted} with the "
            f"same config first, or name a model with audit.{wanted}=FOLDER or a hub id"
        )
    for model in models.values():
        check_target(model.source)
    notes = {role: read_note(model.source) for role, model in models.items()}
    target, shadow = (notes.get(role) for role in ROLES)
    if target is not None and shadow is not None:
        recipes = [replace(note.facts, role=None).as_json() for note in (target, shadow)]
        what = f"shadow {models['shadow'].source}, compared with target {models['target'].source}"
        refuse_changes(recipes[1], recipes[0], what)
    return models


def _check_parts(model: Path, wanted: Source) -> None:
    """Refuse the run's own model where another one is meant: one with other adapters."""
    note = read_note(str(model))
    tuned_from = None if note is None else note.tuned_from
    if wanted.parts and (tuned_from is None or _put_on(tuned_from) != _put_on(wanted)):
        raise UserError(
            f"{model}: was not tuned from {wanted}; give the audit of that another name=…, or "
            "leave out what target puts on its path"
        )


def _put_on(source: Source) -> tuple[object, ...]:
    return source.network, source.lora, source.textual_inversion


def find_reference(
    target: str | Source,
    named: str | None,
    variant: str | None = None,
    config: str | None = None,
) -> tuple[Model | None, str]:
    """The reference, and a remark if there is none although one was wanted.

    Args:
        target: the model whose base is meant by "base"; of a pipeline that something was put on,
            the pipeline without.
        named: what `audit.reference` says.
        variant, config: of a model that is named, see `Source`.

    Raises:
        UserError: if a model was named that cannot be used.
    """
    if named is None:
        return None, ""
    if named != BASE:
        try:
            check_target(Source(named, variant, config=config))
        except UserError as error:
            raise UserError(f"audit.reference: {error}") from None
        return Model(Source(named, variant, config=config)), ""
    source = as_source(target)
    if source.parts:
        return Model(source.base), ""
    note = read_note(source)
    if note is None or note.tuned_from is None:
        way = "audit.reference=FOLDER names a reference"
        return None, f"{source} does not say what it was tuned from; {way}"
    found, path = note.tuned_from, note.tuned_from.path
    named_here = path == DEMO or Path(path).is_absolute() or Path(path).exists()
    if not named_here and note.base is not None and Path(note.base).exists():
        # where the base lay, seen from another working directory
        found = replace(found, path=note.base)
    elif found.named in (note.commits or {}):  # what its main branch was
        found = replace(found, revision=(note.commits or {})[found.named])
    base = Model(found, note.facts.base)
    try:
        check_target(base.source)
    except UserError as error:
        return None, f"the base is out of reach ({error})"
    return base, ""


@dataclass(frozen=True)
class Known:
    """What is left of a model that was looked at.

    Args:
        source: what it is called.
        fingerprint, kin: see `Target`.
        columns: of every attack by name.
    """

    source: str
    fingerprint: str
    kin: Mapping[str, str]
    columns: Mapping[str, tuple[str, ...]]


def known(target: Target, attacks: Mapping[str, Signals]) -> Known:
    """What other models are compared with."""
    columns = {name: tuple(attack.columns(target)) for name, attack in attacks.items()}
    return Known(target.source, target.fingerprint, target.kin, columns)


def check_reference(target: Known, reference: Known) -> None:
    """Refuse a reference whose answers about a record cannot be subtracted from the target's."""
    if target.fingerprint == reference.fingerprint:
        raise UserError(
            f"audit.reference: {reference.source} is {target.source} itself; name its base, or set "
            "it to null"
        )
    _check_kin(target, reference, "reference", list(target.kin))


def check_shadow(target: Known, shadow: Known) -> None:
    """Refuse a shadow whose signals cannot calibrate the target's.

    Another architecture will do but for gradients.
    """
    by_tensor = target.columns != shadow.columns
    names = [name for name in target.kin if by_tensor or name != "architecture"]
    _check_kin(target, shadow, "shadow", names)


def _check_kin(target: Known, other: Known, role: str, names: Sequence[str]) -> None:
    strange = [name for name in names if other.kin[name] != target.kin[name]]
    if strange:
        raise UserError(
            f"audit.{role}: {other.source} has another {few(strange)} than the target "
            f"{target.source}, so that their answers cannot be compared; name a model made from "
            "the target's base, or set it to null"
        )


def check_split(models: Mapping[str, Model], split: Split) -> None:
    """Refuse models trained on another split, or for another role, than they are audited on."""
    for role, model in models.items():
        if role == "target" and split.suspects and not split.of(role, True):
            continue  # nobody says what it was trained on
        split.require(role)
        note = read_note(model.source)
        if note is not None and note.facts != Facts():
            if _but_for_captions(model, note.facts, split, role):
                continue
            made = {"split": note.facts.split, "role": note.facts.role}
            refuse_changes(made, {"split": split.fingerprint, "role": role}, str(model.source))


def _but_for_captions(model: Model, facts: Facts, split: Split, role: str) -> bool:
    """Whether a model was trained on this very split, but under other captions than those that
    another model wrote; as its run folder tells.
    """
    if split.captions_by is None or facts.role != role or facts.split is None:
        return False
    runs = Path(model.source.path).resolve().parents[:3]  # a checkpoint lies deeper
    own = facts.split
    return any(plays_the_same(split, role, run / "split.csv", own) for run in runs)
