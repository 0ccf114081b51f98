"""Gauge checkpoints that exist: one attack and the loss asked of each, then the curve."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.lineage import Model, check_split
from lit_clid.auditing.losses import GAUGED, CaptionLoss
from lit_clid.auditing.signals import Signals
from lit_clid.auditing.sittings import Sitting, check_sittings, load, memory_of
from lit_clid.commands.apart import refuse_parts
from lit_clid.commands.checks import check_members, check_once
from lit_clid.commands.gauge.checkpoints import Checkpoint, find_checkpoints, is_pattern
from lit_clid.commands.gauge.measure import judged
from lit_clid.commands.gauge.written import write_answer, write_curve
from lit_clid.commands.holding import held
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.sitting import table_of
from lit_clid.commands.splits import split_of
from lit_clid.commands.trying import refuse_dry
from lit_clid.data.deal import Alone
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.files import read_json
from lit_clid.judging.gauge import Reading, sentence, table
from lit_clid.judging.headline import BEFOREHAND
from lit_clid.judging.quarantine import gaps, without
from lit_clid.judging.rules import RULES
from lit_clid.models.denoiser import give_back
from lit_clid.models.load import check_target
from lit_clid.models.weights import INDEX, locate
from lit_clid.scores import Scores

FOLDER = "gauge"
"""Of the tables, one for each step, and name of what is made of them."""


def main(arguments: Sequence[str]) -> bool:
    """Gauge the models that `audit.target` matches; False if it is no pattern."""
    config = read(arguments)
    if not is_pattern(config.audit.target):
        return False
    refuse_dry(config, "a gauge of several models")
    refuse_parts(config, "a gauge of several models")
    with held(config.folder):
        gauge(config)
    return True


def gauge(config: Settings) -> tuple[Reading, ...]:
    """Ask every matched model what is missing, write gauge.csv, .json and .svg, and say the answer.

    Returns:
        The looks, steps rising; none on processes other than the first.

    Raises:
        UserError: for what cannot be compared, before anything is asked.
    """
    pattern = config.audit.target
    assert pattern is not None
    name, attack = speaker(config)
    found = find_checkpoints(pattern, config.target, config.audit.variant)
    _check_alike(found)
    split = _split(config, found)
    asked: dict[str, Signals] = {name: attack, GAUGED: CaptionLoss()}
    tables = _tables(config, split, found, asked)
    if not console.is_first_process():
        return ()
    lost = gaps(*(made for _, made in tables))
    looks = tuple(_reading(each, without(made, lost), name, attack) for each, made in tables)
    stem, title = config.folder / FOLDER, attack.title or name
    write_curve(looks, stem, title)
    write_answer(looks, [each.path for each in found], stem, title)
    console.say(
        f"\n{title}\n\n{table(looks)}\n\n{sentence(looks)}\n\ncurve: {stem}.svg, .csv, .json"
    )
    return looks


def speaker(config: Settings) -> tuple[str, Attack]:
    """The attack that is asked: the headline, or the first that speaks beforehand.

    Raises:
        UserError: if the headline cannot be asked of a model alone.
    """
    alone = [name for name, each in config.attacks.items() if not RULES[each.rule].needs_shadow]
    if not alone:
        raise UserError(
            f"attacks: {few(list(config.attacks))} cannot be gauged, for they need a shadow; add "
            "clid_th_null"
        )
    if config.headline is None:
        name = next(each for each in (*BEFOREHAND, *alone) if each in alone)
        return name, config.attacks[name]
    if config.headline not in alone:
        raise UserError(
            f"headline: {config.headline!r} cannot be gauged, for it must be asked of a model "
            f"without shadow or reference; name one of the attacks: {few(alone, 30)}"
        )
    return config.headline, config.attacks[config.headline]


def _split(config: Settings, found: Sequence[Checkpoint]) -> Split:
    """The run's split, which the models must be of as far as they tell."""
    if config.data.suspects_from is not None:
        raise UserError(
            "audit.target: a pattern gauges models by known members, and suspects have none; name "
            "one model, or leave out data.suspects"
        )
    check_once(config, "a gauge")
    shadow = config.audit.shadow or (config.folder / "shadow" / INDEX).is_file()
    split = split_of(config, found[0].source, alone=Alone.NO if shadow else Alone.CLAIM)
    split.require("target")
    check_members(config, split, Model(found[0].source))
    for each in found:
        check_split({"target": Model(each.source)}, split)
    return split


def _check_alike(found: Sequence[Checkpoint]) -> None:
    """Refuse networks that are made otherwise than the first, as far as their folders tell."""
    first: dict[str, Any] | None = None
    for each in found:
        if each.base is not None:
            continue
        family = check_target(each.path)
        facts = read_json(Path(locate(each.path)) / family.network / "config.json")
        facts = {key: value for key, value in facts.items() if not key.startswith("_")}
        first = first or facts
        strange = [key for key in facts if key in first and facts[key] != first[key]]
        if strange or family is not check_target(found[0].source):
            what = f" ({few(strange, 3)})" if strange else f": {family.title}"
            raise UserError(
                f"audit.target: {each.path} has another architecture than {found[0].path}{what}; "
                "match the models of one training"
            )


def _tables(
    config: Settings,
    split: Split,
    found: Sequence[Checkpoint],
    asked: Mapping[str, Signals],
) -> list[tuple[Checkpoint, Scores | None]]:
    """Ask one model after the other; one of them is in memory at a time."""
    tables: list[tuple[Checkpoint, Scores | None]] = []
    kin: dict[str, str] | None = None
    memory = memory_of(len(found), config.audit.latents)
    for each in found:
        sitting = Sitting("target", "target", Model(each.source), asked)
        target = load(sitting.model, config.audit, memory)
        kin = kin or target.kin
        strange = [name for name in kin if target.kin[name] != kin[name]]
        if strange:
            raise UserError(
                f"audit.target: {each.path} has another {few(strange)} than {found[0].path}; match "
                "the models of one training"
            )
        for remark in check_sittings([sitting], {sitting.model: target}, split):
            if not tables:
                console.say(f"note: {remark}")
        folder = config.folder / FOLDER / f"step-{each.step:07d}"
        tables.append((each, table_of(sitting, target, config, split, None, folder)))
        del target
        give_back()  # the next one takes its place
    return tables


def _reading(each: Checkpoint, made: Scores | None, name: str, attack: Attack) -> Reading:
    """What a table says of its step."""
    assert made is not None
    columns = [*made.about.attacks[name].columns, GAUGED]
    found = judged(attack, made.columns(columns), made.member, each.step)
    assert found is not None
    return replace(found, weights="exported")
