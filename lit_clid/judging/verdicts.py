"""Every attack's verdict on the target's records, without any figure."""

from collections.abc import Mapping

from lit_clid.judging.calibration import Verdict, calibrate
from lit_clid.judging.rules import RULES
from lit_clid.judging.trials import Trial, trials
from lit_clid.scores import Scores


def verdicts(
    target: Scores,
    shadow: Scores | None = None,
    reference: Scores | None = None,
    reference_shadow: Scores | None = None,
) -> dict[str, tuple[str, Verdict]]:
    """(title, verdict) of every attack that can be judged, without any figure; the tables must be
    aligned.
    """
    tried = trials(target, shadow, reference, reference_shadow)
    return {name: (tried[name].title, verdict) for name, verdict in calibrated(tried).items()}


def calibrated(tried: Mapping[str, Trial]) -> dict[str, Verdict]:
    """The verdict of every trial that can be judged."""
    found: dict[str, Verdict] = {}
    for name, trial in tried.items():
        rule, image = RULES[trial.rule], trial.shadow_image
        verdict = calibrate(rule, trial.columns, trial.fit_on, image)
        if verdict is not None:
            found[name] = verdict
    return found
