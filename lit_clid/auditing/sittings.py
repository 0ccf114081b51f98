"""Sittings: which model is asked which attacks about which role's records, for which table."""

from collections.abc import Mapping
from dataclasses import dataclass

from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.lineage import Model, check_reference, check_shadow
from lit_clid.auditing.queries import check_attacks
from lit_clid.auditing.signals import Signals
from lit_clid.config.options.audit import AuditOptions
from lit_clid.config.options.data import ROLES
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.models.load import load_target
from lit_clid.models.target import Target

REFERENCE = {"target": "reference", "shadow": "reference_shadow"}
"""Table of the reference's answers about a role's records."""


@dataclass(frozen=True)
class Sitting:
    """One model asked about one role's records.

    Args:
        table: name of the table of signals.
        role: whose records.
        model: who is asked.
        attacks: by name.
    """

    table: str
    role: str
    model: Model
    attacks: Mapping[str, Signals]


def plan(
    models: Mapping[str, Model],
    reference: Model | None,
    attacks: Mapping[str, Attack],
    options: AuditOptions,
) -> list[Sitting]:
    """All sittings of an audit, the reference's last.

    Args:
        models: target and perhaps shadow, by role.
        reference: None without one.
        attacks: by name.
        options: of the audit; they say which attacks the reference is asked.

    Raises:
        UserError: if the reference is to be asked an attack that is not there.
    """
    roles = [role for role in ROLES if role in models]
    sittings = [Sitting(role, role, models[role], attacks) for role in roles]
    names = list(attacks) if options.reference_attacks is None else options.reference_attacks
    unknown = [name for name in names if name not in attacks]
    if unknown:
        raise UserError(
            f"audit.reference_attacks: {few(unknown)} not among the attacks: "
            f"{few(list(attacks), 20)}"
        )
    if reference is None:
        return sittings
    asked = {name: attacks[name] for name in names}
    return sittings + [Sitting(REFERENCE[role], role, reference, asked) for role in roles if asked]


def load_models(sittings: list[Sitting], options: AuditOptions) -> dict[Model, Target]:
    """Every model, loaded and verified before any of them is asked."""
    loaded: dict[Model, Target] = {}
    for sitting in sittings:
        model = sitting.model
        if model not in loaded:
            loaded[model] = load_target(
                model.source,
                precision=options.precision,
                channels_last=options.channels_last,
                compile=options.compile,
                rows=options.rows,
                offload=options.offload,
            )
        model.verify(loaded[model])
        if sitting.table in REFERENCE.values():
            asked = next(other.model for other in sittings if other.table == sitting.role)
            check_reference(loaded[asked], loaded[model])
        if sitting.table == "shadow":
            check_shadow(loaded[sittings[0].model], loaded[model], sitting.attacks)
    return loaded


def check_sittings(
    sittings: list[Sitting], models: Mapping[Model, Target], split: Split
) -> list[str]:
    """Refuse what cannot be asked, before anything is; returns the attacks' remarks, each once."""
    captions = split.captions()
    remarks: list[str] = []
    for sitting in sittings:
        own = [captions[entry.id] for entry in split.of(sitting.role)]
        remarks += check_attacks(sitting.attacks, models[sitting.model], own)
        remarks += _weak(sitting, split)
    return list(dict.fromkeys(remarks))


def _weak(sitting: Sitting, split: Split) -> list[str]:
    """A remark on attacks that live on captions which this role's records share, if any do."""
    names = [name for name, attack in sitting.attacks.items() if attack.by_caption]
    if sitting.role not in split.shared or not names:
        return []
    counts = split.shared[sitting.role]
    return [
        f"{', '.join(names)}: weak here, for they live on the caption, and members and hold-outs "
        f"share theirs ({counts['captions']} for the {sitting.role}'s {counts['records']} records)"
    ]


def shared_records(sitting: Sitting, split: Split) -> set[str]:
    """Records of both roles, of which the reference need not be asked twice."""
    if sitting.table != REFERENCE["shadow"]:
        return set()
    target = {entry.id for entry in split.of("target")}
    return {entry.id for entry in split.of("shadow") if entry.id in target}
