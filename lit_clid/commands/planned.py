"""What an audit will ask, everything refused that can be before anything is asked."""

from collections.abc import Mapping
from dataclasses import replace

from lit_clid import console
from lit_clid.auditing.claims import CLAIMS
from lit_clid.auditing.lineage import Model, find_reference
from lit_clid.auditing.queries import check_attacks
from lit_clid.auditing.shards import shard_folder
from lit_clid.auditing.signals import Signals
from lit_clid.auditing.sittings import REFERENCE, Shelf, Sitting, check_sittings, plan
from lit_clid.commands.further import second_attack
from lit_clid.commands.reading import Settings
from lit_clid.config.options.audit import AUTO, AuditOptions
from lit_clid.data.split import Split
from lit_clid.files import read_json


def planned(
    config: Settings,
    split: Split,
    models: Mapping[str, Model],
    more: Mapping[str, Signals] | None = None,
) -> tuple[list[Sitting], Shelf]:
    """All sittings of an audit, and the models that they ask.

    Args:
        models: to be asked, by role.
        more: tables of one further set of signals each that the target is asked for, by the table's
            name.

    Raises:
        UserError: if anything cannot be asked.
    """
    named = (config.audit.reference, config.audit.variant, config.target.config)
    reference, remark = find_reference(models["target"].source, *named)
    sittings = plan(models, reference, config.attacks, _as_begun(config))
    for name, signals in (more or {}).items():
        sittings.append(Sitting(name, "target", models["target"], {name: signals}))
    targets = Shelf((sitting.model for sitting in sittings), config.audit)
    remarks = [f"no reference: {remark}"] if remark else []
    told = check_sittings(sittings, targets, split)
    if config.evidence.cascade is not None:
        second = {config.evidence.cascade: second_attack(config)}
        remarks += check_attacks(second, targets[models["target"]], split.captions(split.entries))
    for line in remarks + told:
        console.say(f"note: {line}")
    return sittings, targets


def _as_begun(config: Settings) -> AuditOptions:
    """The options, but that a reference that was asked everything before is so again."""
    options, path = config.audit, config.folder / "scores" / f"{REFERENCE['target']}.parquet"
    if options.reference_attacks != AUTO:
        return options
    for note in (path.with_suffix(".json"), shard_folder(path) / CLAIMS):
        told = read_json(note) if note.is_file() else {}
        asked = told.get("claims", told).get("attacks", {}) if isinstance(told, dict) else {}
        if set(config.attacks) <= set(asked):
            return replace(options, reference_attacks=None)
    return options
