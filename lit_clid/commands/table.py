"""Judge a table of signals without any model; loads no more than judging needs."""

from collections.abc import Sequence

from lit_clid.commands.holding import held
from lit_clid.config.named import NOTHING
from lit_clid.config.reading import DEMO, read_config
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import publish, refuse_foreign
from lit_clid.judging.tables import load_tables


def judge_table(arguments: Sequence[str]) -> bool:
    """Judge the table that `scores` names and write the report; False if it names none."""
    config = read_config(arguments, DEMO, NOTHING, NOTHING)
    if config.scores is None:
        return False
    refuse_foreign(config.folder, config.scores)
    scores, others = load_tables(config.scores, config.shadow_scores)
    with held(config.folder):
        publish(judge(scores, **others), config.folder, config.name)
    return True
