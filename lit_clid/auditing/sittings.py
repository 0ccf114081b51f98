"""Sittings: which model is asked which attacks about which role's records, for which table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.lineage import Known, Model, check_reference, check_shadow, known
from lit_clid.auditing.queries import check_attacks
from lit_clid.auditing.signals import Signals
from lit_clid.config.options.audit import CHECK, AuditOptions
from lit_clid.config.options.data import ROLES
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.models.denoiser import give_back
from lit_clid.models.lasting import LastingLatents
from lit_clid.models.load import load_target
from lit_clid.models.memory import Memory
from lit_clid.models.target import Target

REFERENCE = {"target": "reference", "shadow": "reference_shadow"}
"""Table of the reference's answers about a role's records."""
HELD = 4 * 2**30
"""Bytes of weights beside which another model is loaded; larger ones make room first."""


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
    names = options.of_reference(attacks)
    if reference is None:
        return sittings
    asked = {name: attacks[name] for name in names}
    return sittings + [Sitting(REFERENCE[role], role, reference, asked) for role in roles if asked]


class Shelf(Mapping[Model, Target]):
    """The models of an audit, loaded when they are asked for.

    Small ones stay, of large ones the last; all share what was encoded, which is not kept where
    there is but one sitting.

    Args:
        models: by which they are asked for, one for each sitting.
        options: of the audit.
    """

    def __init__(self, models: Iterable[Model], options: AuditOptions) -> None:
        asked = tuple(models)
        self._models, self._options = tuple(dict.fromkeys(asked)), options
        self._memory = memory_of(len(asked), options.latents)
        self._held: dict[Model, Target] = {}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __getitem__(self, model: Model) -> Target:
        if model not in self._held:
            if sum(held.size for held in self._held.values()) > HELD:
                self._held.clear()
                give_back()
            self._held[model] = load(model, self._options, self._memory)
        return self._held[model]


def memory_of(sittings: int, kept: str | None) -> Memory | None:
    """Of what was encoded, for other sittings or other audits; None if nobody would ask it.

    Args:
        sittings: that share it.
        kept: folder of encoded images that outlive the audit.
    """
    if kept is not None:
        return Memory(lasting=LastingLatents(Path(kept).expanduser()))
    return Memory() if sittings > 1 else None


def load(model: Model, options: AuditOptions, memory: Memory | None = None) -> Target:
    """A model as an audit asks it.

    Raises:
        UserError: if it does not load, or is not the one that was meant.
    """
    if options.precision == CHECK:
        raise UserError(
            "audit.precision: check is of lit-clid audit with one target; name a precision"
        )
    found = load_target(
        model.source,
        precision=options.precision,
        channels_last=options.channels_last,
        compile=options.compile,
        rows=options.rows,
        offload=options.offload,
        memory=memory,
    )
    model.verify(found)
    return found


def check_sittings(
    sittings: Sequence[Sitting], models: Mapping[Model, Target], split: Split
) -> list[str]:
    """Refuse what cannot be asked or compared, before anything is asked, one model at a time.

    The first sitting's model is looked at last, so that it is at hand when it is asked.

    Returns:
        The attacks' remarks, each once.
    """
    found: dict[str, Known] = {}
    remarks: dict[str, list[str]] = {}
    for model in reversed(list(dict.fromkeys(sitting.model for sitting in sittings))):
        for sitting in [each for each in sittings if each.model == model]:
            own = split.captions(split.of(sitting.role))
            remarks[sitting.table] = check_attacks(sitting.attacks, models[model], own)
            found[sitting.table] = known(models[model], sitting.attacks)
    for sitting in sittings:
        if sitting.table in REFERENCE.values():
            check_reference(found[sitting.role], found[sitting.table])
        elif sitting.table == "shadow" and "target" in found:
            check_shadow(found["target"], found["shadow"])
    told = [line for each in sittings for line in [*remarks[each.table], *_weak(each, split)]]
    return list(dict.fromkeys(told))


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
    return set(split.of("target").ids) & set(split.of("shadow").ids)
