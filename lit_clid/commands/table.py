"""Judge a table of signals without any model; loads no more than judging needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from lit_clid import console
from lit_clid.commands.holding import held
from lit_clid.commands.trying import refuse_dry
from lit_clid.config.named import NOTHING
from lit_clid.config.options.report import PLAIN
from lit_clid.config.reading import DEMO, read_config
from lit_clid.config.schema import Config
from lit_clid.errors import UserError, few
from lit_clid.judging.controls.all import controls_of_blind
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.pseudonyms import about_renamed, named, pseudonymous
from lit_clid.judging.report.publish import publish, refuse_foreign
from lit_clid.judging.report.stopped import StoppedReport, publish_stopped
from lit_clid.judging.suspects.stopped import look_again
from lit_clid.judging.tables import load_tables, read_signals
from lit_clid.scores import ALONE, Scores


def judge_table(arguments: Sequence[str]) -> bool:
    """Judge the table that `scores` names and write the report; False if it names none."""
    config = read_config(arguments, DEMO, NOTHING, NOTHING)
    signals = read_signals(config.signals)
    if config.scores is None and signals is not None:
        raise UserError("signals: names columns of a table; say which with scores=FILE")
    if config.scores is None:
        return False
    refuse_dry(config, "a table")
    refuse_foreign(config.folder, config.scores)
    scores, others = load_tables(config.scores, config.shadow_scores, signals)
    if scores.aside:
        console.say(
            f"note: {scores.where}: not taken for signals: {few(list(scores.aside))}; "
            "signals=[NAME, …] names those that are"
        )
    if any(each.endswith(ALONE) for each in scores.about.skipped):
        console.say(f"note: {scores.where}: a record is left out: {ALONE}")
    if scores.about.until is not None:
        stopped = look_again(scores, others["shadow"])
        controls = controls_of_blind(others.get("blind"))
        with held(config.folder):
            about = scores.about
            if config.report.ids != PLAIN:
                about = about_renamed(about, named({"stopped": scores}, config.folder))
            report = StoppedReport(config.name, stopped, about, controls)
            publish_stopped(report, config.folder)
        return True
    judgement = judged(config, scores, others)
    with held(config.folder):
        publish(judgement, config.folder, config.name)
    return True


def judged(
    config: Config[Any, Any], scores: Scores, others: Mapping[str, Scores | None]
) -> Judgement:
    """The judgement of a table, as a configuration wants it and calls its records."""
    if config.report.ids != PLAIN:
        scores, others = pseudonymous(scores, others, config.folder)
    return judge(
        scores,
        **others,
        headline=config.headline,
        fdr=config.evidence.fdr,
        level=config.evidence.level,
    )
