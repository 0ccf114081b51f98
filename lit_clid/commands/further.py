"""What an audit asks beside its tables: captions swapped, and the records in question once more."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from lit_clid import console
from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.claims import CLAIMS
from lit_clid.auditing.lineage import Model
from lit_clid.auditing.shards import shard_folder
from lit_clid.auditing.sittings import Sitting
from lit_clid.commands.known import KNOWN_ATTACKS
from lit_clid.commands.processes import shared
from lit_clid.commands.reading import Settings
from lit_clid.commands.sitting import table_of
from lit_clid.data.parts import only, swapped
from lit_clid.data.split import Split
from lit_clid.files import read_json
from lit_clid.judging.headline import BEFOREHAND
from lit_clid.judging.judge import Judgement
from lit_clid.judging.suspects.cascade import in_question
from lit_clid.models.target import Target
from lit_clid.scores import Scores


def swapped_table(
    config: Settings, split: Split, model: Model, targets: Mapping[Model, Target], folder: Path
) -> Scores | None:
    """Answers with captions swapped between records; None where there is nothing to ask."""
    name = _by_caption(config.attacks)
    most = config.audit.swapped
    part = swapped(split, most, config.seed) if name and most else None
    forget_others(folder / "swapped.parquet", part)
    if name is None or part is None:
        return None
    sitting = Sitting("swapped", "target", model, {name: config.attacks[name]})
    return table_of(sitting, targets[model], config, part, folder=folder)


def _by_caption(attacks: Mapping[str, Attack]) -> str | None:
    """The first attack that lives on captions, of those that speak beforehand if there is one."""
    first = [name for name in BEFOREHAND if name in attacks]
    return next((name for name in [*first, *attacks] if attacks[name].by_caption), None)


def cascade_table(
    config: Settings,
    split: Split,
    model: Model,
    targets: Mapping[Model, Target],
    folder: Path,
    first: Judgement | None,
) -> Scores | None:
    """An expensive attack's answers about the records in question; None where none is asked.

    Args:
        first: the judgement of the first stage; None on processes other than the first.
    """
    name = config.evidence.cascade
    if name is None:
        forget_others(folder / "cascade.parquet", None)
        return None
    chosen: list[str] = []
    if first is not None and first.answer is not None:
        chosen = in_question(first.answer.ranked, config.evidence.keep)
    part = only(split, set(shared(chosen)))
    kinds = {entry.member is None for entry in part.entries}
    if len(kinds) < 2:
        console.say("note: all records in question are of one kind; evidence.cascade asks nothing")
        return None
    forget_others(folder / "cascade.parquet", part)
    sitting = Sitting("cascade", "target", model, {name: second_attack(config)})
    return table_of(sitting, targets[model], config, part, folder=folder)


def second_attack(config: Settings) -> Attack:
    """The attack of the second stage, with the configuration's own settings if it has any."""
    name = config.evidence.cascade
    assert name is not None
    return config.attacks[name] if name in config.attacks else KNOWN_ATTACKS[name]


def forget_others(path: Path, part: Split | None) -> None:
    """Delete a table, and its shards, that is of other records than the part, or not asked for; the
    first process does, and others that it can talk to wait for it.
    """
    if console.is_first_process():
        _forget(path, part)
    shared(None)


def _forget(path: Path, part: Split | None) -> None:
    shards = shard_folder(path)
    notes = [path.with_suffix(".json"), shards / CLAIMS]
    told = [read_json(note).get("claims", read_json(note)) for note in notes if note.is_file()]
    if part is not None and all(claims.get("split") == part.asked for claims in told):
        return
    for file in [path, path.with_suffix(".json")]:
        file.unlink(missing_ok=True)
    shutil.rmtree(shards, ignore_errors=True)
