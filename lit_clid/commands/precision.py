"""`audit.precision=check`: some records asked in every precision, before one is chosen."""

import time
from dataclasses import replace
from pathlib import Path

from lit_clid import console
from lit_clid.auditing.lineage import Model
from lit_clid.auditing.quarantine import HopelessError
from lit_clid.auditing.sittings import Sitting, check_sittings, load, memory_of
from lit_clid.commands.apart import refuse_parts
from lit_clid.commands.checks import check_once
from lit_clid.commands.further import forget_others
from lit_clid.commands.reading import Settings
from lit_clid.commands.sitting import opened, table_of
from lit_clid.commands.splits import on_gpu
from lit_clid.commands.trying import refuse_dry
from lit_clid.config.options.target import PRECISIONS
from lit_clid.data.parts import first_of
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.judging.precision import kept, rows, sentence
from lit_clid.judging.quarantine import gaps, without
from lit_clid.models.denoiser import give_back
from lit_clid.scores import Scores

RECORDS = 64
"""Members, or suspects, and as many hold-outs that are asked."""
FOLDER = "precision"


def check_precision(config: Settings) -> None:
    """Ask the target about some records in every precision that its device has, and say what that
    does to each attack's ranks and AUROC, and to the time.

    Raises:
        UserError: as an audit.
    """
    refuse_dry(config, "a check of precisions")
    refuse_parts(config, "a check of precisions")
    check_once(config, "a check of precisions")
    models, split = opened(config)
    part, folder = first_of(split, RECORDS), config.folder / FOLDER
    whole: Scores | None = None
    usual = 0.0
    for precision in PRECISIONS if on_gpu(config) else PRECISIONS[:2]:
        forget_others(folder / f"{precision}.parquet", part)
        try:
            made, seconds = _asked(config, models["target"], part, folder, precision)
        except HopelessError as error:
            console.say(f"audit.precision={precision} does not serve: {error}")
            continue
        if made is None or not console.is_first_process():
            continue
        if whole is None:
            whole, usual = made, seconds
            continue
        lost = gaps(whole, made)
        if lost:
            console.say(f"note: no finite answer about {few(list(lost), 5)}, which are left out")
        found = kept(without(whole, lost), without(made, lost))
        lines = [("attack", "rank correlation", "AUROC, difference"), *rows(found)]
        console.say(f"\n{console.aligned(lines, ruled=True)}\n")
        console.say(sentence(precision, found, len(whole.ids)))
        if usual and seconds:
            console.say(f"time: {seconds:.1f} s, in float32 {usual:.1f} s")


def _asked(
    config: Settings, model: Model, part: Split, folder: Path, precision: str
) -> tuple[Scores | None, float]:
    """The target's answers in one precision, and the seconds they took; 0 if they were there."""
    own = replace(config, audit=replace(config.audit, precision=precision))
    sitting = Sitting(precision, "target", model, config.attacks)
    target = load(model, own.audit, memory_of(1, own.audit.latents))
    for line in check_sittings([sitting], {model: target}, part):
        console.say(f"note: {line}")
    if target.quantised:
        raise UserError(
            f"audit.precision: {model.source} is quantised and has no other precision to be "
            "compared with; name one, which is left as it is"
        )
    there = (folder / f"{precision}.parquet").is_file()
    start = time.perf_counter()
    table = table_of(sitting, target, own, part, folder=folder)
    seconds = 0.0 if there else time.perf_counter() - start
    del target
    give_back()  # the next one takes its place
    return table, seconds
