"""What a table of signals was made with: results of different making are never mixed."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lit_clid.about import Claims, read_about
from lit_clid.auditing.quarantine import put_aside
from lit_clid.auditing.shards import shard_folder, write_shard
from lit_clid.auditing.signals import Signals
from lit_clid.config.options.audit import AuditOptions
from lit_clid.data.entries import Members
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import read_json, write_json
from lit_clid.models.target import Target
from lit_clid.provenance import refuse_changes
from lit_clid.scores import Scores

CLAIMS = "claims.json"


def claim(
    target: Target,
    split: Split,
    attacks: Mapping[str, Signals],
    options: AuditOptions,
    seed: int,
    side: int,
) -> Claims:
    """State what the signals will be made with.

    Args:
        target: who is asked.
        split: whose records.
        attacks: by name.
        options: of the audit.
        seed: of all noise.
        side: of the images, in pixels.
    """
    return Claims(
        resolution=side,
        model=target.fingerprint,
        asked_by=target.asked_by,
        **_of_any_model(attacks, split, options, seed),
    )


def _of_any_model(
    attacks: Mapping[str, Signals], split: Split, options: AuditOptions, seed: int
) -> dict[str, Any]:
    """What is claimed of whatever model is asked."""
    return {
        "seed": seed,
        "split": split.asked,
        "importance": split.importance,
        "precision": options.precision,
        "posterior": options.posterior,
        "attacks": _specs(attacks),
    }


def _plain(attack: Signals) -> dict[str, Any]:
    """The attack's fields as JSON would give them back."""
    fields = asdict(attack)
    for key in ("title", "rule"):  # they change the judgement, not the signals
        del fields[key]
    for key, value in fields.items():
        fields[key] = list(value) if isinstance(value, tuple) else value
    return fields


def finished_scores(path: Path, claims: Claims) -> Scores | None:
    """The table at `path` if it is complete, else None.

    Raises:
        UserError: if it, or the shards beside it, were made otherwise.
    """
    shards = shard_folder(path)
    if list(shards.glob("*.parquet")) and not (shards / CLAIMS).is_file():
        raise UserError(
            f"{shards}: shards of unknown making ({CLAIMS} is missing); delete the folder"
        )
    if path.is_file() and not path.with_suffix(".json").is_file():
        raise UserError(
            f"{path}: a table of unknown making ({path.stem}.json is missing); delete it as well"
        )
    if (shards / CLAIMS).is_file():
        found = Claims.from_json(read_json(shards / CLAIMS), str(shards / CLAIMS))
        refuse_changes(found.flat, claims.flat, str(shards / CLAIMS))
    note = path.with_suffix(".json")
    if note.is_file():
        told = read_about(path).claims
        refuse_changes({} if told is None else told.flat, claims.flat, str(note))
    return Scores.load(path) if path.is_file() else None


def answered(
    path: Path, attacks: Mapping[str, Signals], split: Split, options: AuditOptions, seed: int
) -> bool:
    """True if the table `path` answers these attacks about this split, of whatever model."""
    found = read_about(path).claims if path.is_file() else None
    if found is None:
        return False
    return found == replace(found, **_of_any_model(attacks, split, options, seed))


def _specs(attacks: Mapping[str, Signals]) -> dict[str, Any]:
    """What each attack asks, as JSON would give it back."""
    specs: dict[str, Any] = {}
    for name, attack in attacks.items():
        specs[name] = {"kind": type(attack).__name__, **_plain(attack)}
    return specs


def carry_over(
    table: Scores, ids: Collection[str], claims: Claims, split: Split, role: str, shards: Path
) -> None:
    """Leave rows of a table as a shard for another role's table by the same model.

    Args:
        table: of one role.
        ids: of the records that both roles hold.
        claims: of the other role's table.
        split: says who is a member.
        role: the other.
        shards: its folder of shards.
    """
    write_json(shards / CLAIMS, claims.as_json())
    rows = [k for k, name in enumerate(table.ids) if name in ids]
    names = [table.ids[k] for k in rows]
    member = dict(Members(split.of(role)).items())
    put = {name: each for name, each in (table.about.quarantined or {}).items() if name in ids}
    if put:
        told = {name: replace(each, member=member[name]) for name, each in put.items()}
        put_aside(shards, told)
    own = [member[name] for name in names]
    signals = {column: values[rows] for column, values in table.signals.items()}
    write_shard(shards, names, own, signals)
