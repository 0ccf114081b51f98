"""The negative control: a model that never saw the records must not tell them apart.

The reference was asked the same questions about the same records. If its own answers tell members
(or suspects) from hold-outs, whichever score higher, these differ in something else than the
target's training. The largest AUROC among its attacks and their negatives is tested by permutation,
so that the number of attacks is counted in.
"""

import numpy as np

from lit_clid.ids import Ids
from lit_clid.judging.controls.control import FIRES, QUIET, Control
from lit_clid.judging.maximum import maximum
from lit_clid.judging.rules import RULES
from lit_clid.judging.trials import trials
from lit_clid.scores import Scores

LEVEL = 0.01
"""p at which the reference is taken to tell the kinds apart."""


def negative_controls(reference: Scores | None) -> list[Control]:
    """The reference's own attacks on members and on suspects, as far as there are any.

    Args:
        reference: its signals of the target's records; None where it was not asked.
    """
    if reference is None:
        return []
    found = [_negative("suspects" if reference.claim else "members", reference)]
    if reference.suspects is not None:
        found.append(_negative("suspects", beside_suspects(reference)))
    return [each for each in found if each is not None]


def beside_suspects(table: Scores) -> Scores:
    """The suspects of a table beside its hold-outs."""
    assert table.suspects is not None
    outside = np.flatnonzero(~table.member)
    ids = Ids(table.suspects.ids) + Ids(table.ids).take(outside)
    signals: dict[str, np.ndarray] = {}
    for name, values in table.signals.items():
        signals[name] = np.concatenate([table.suspects.signals[name], values[outside]])
    member = np.arange(len(ids)) < len(table.suspects.ids)
    return Scores(ids, member, signals, table.about, table.where, claim=True)


def _negative(kind: str, table: Scores) -> Control | None:
    scores: dict[str, np.ndarray] = {}
    for name, trial in trials(table, None, None, None).items():
        rule = RULES[trial.rule].prior(trial.columns)
        if rule is not None:
            scores[name] = rule.score(trial.columns)
    if not scores:
        return None
    both = [sign * score for score in scores.values() for sign in (1.0, -1.0)]
    test = maximum(both, table.member, image=table.cluster)
    fires = test.p <= LEVEL
    model = table.about.model
    called = "The reference" + (f" ({model})" if model else "")
    figures = (
        f"largest AUROC of {len(scores)} attacks, either way, {test.value:.2f}, p = {test.p:.2g}"
    )
    if fires:
        said = (
            f"{called}, which should never have seen the {kind}, tells them from hold-outs too "
            f"({figures}); the kinds differ in something else than this training, or it saw them."
        )
    else:
        said = f"{called} does not tell {kind} from hold-outs ({figures})."
    return Control(
        name="reference",
        title="A model that never saw them",
        state=FIRES if fires else QUIET,
        words=said,
        kind=kind,
        figures={"model": model, "auroc": test.value, "p": test.p, "attacks": len(scores)},
    )
