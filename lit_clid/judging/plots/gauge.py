"""The figure of a gauge: AUROC above, losses below, against the steps of a training."""

from collections.abc import Sequence
from typing import Any

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.gauge import Reading, bars, first_step
from lit_clid.judging.plots.style import AXIS, GRID, HOLDOUT, INK, MEMBER, STYLE, band, svg


def gauge_figure(readings: Sequence[Reading], attack: str) -> str:
    """Both curves with 95 % intervals as bands, and the step from which on it memorises.

    Args:
        readings: steps rising.
        attack: whose AUROC it is.
    """
    import matplotlib
    from matplotlib.figure import Figure

    steps, first = [each.step for each in readings], first_step(readings)
    members = [each.member_loss for each in readings]
    holdouts = [each.heldout_loss for each in readings]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 5.2), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _curve(above, steps, [each.auroc for each in readings], INK, f"AUROC of {attack}")
        above.plot(
            steps, bars(readings), color=AXIS, lw=1, ls=":", marker="_", label="speaks above"
        )
        above.axhline(0.5, color=AXIS, lw=1, ls="--")
        above.set_ylabel("AUROC [95 % interval]")
        _curve(below, steps, members, MEMBER, "members")
        _curve(below, steps, holdouts, HOLDOUT, "hold-outs")
        below.set(xlabel="optimiser step", ylabel="loss")
        if first is not None:
            above.axvline(first, color=MEMBER, lw=1, label=f"memorises from step {first} on")
            below.axvline(first, color=MEMBER, lw=1)
        for axes in (above, below):
            axes.grid(color=GRID, lw=0.6)
            axes.legend(fontsize=8, frameon=False)
        return svg(figure)


def _curve(
    axes: Any, steps: Sequence[int], found: Sequence[Estimate], colour: str, label: str
) -> None:
    value, low, high = band(found)
    axes.fill_between(steps, low, high, color=colour, alpha=0.12, lw=0)
    axes.plot(steps, value, color=colour, lw=1.8, marker="o", ms=3, label=label)
