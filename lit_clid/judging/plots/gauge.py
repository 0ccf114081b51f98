"""The figure of a gauge: AUROC above, losses below, against the steps of a training."""

from collections.abc import Mapping, Sequence
from typing import Any

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.plots.style import AXIS, GRID, HOLDOUT, INK, MEMBER, STYLE, band, svg


def gauge_figure(
    steps: Sequence[int],
    auroc: Sequence[Estimate],
    bars: Sequence[float],
    losses: Mapping[str, Sequence[Estimate]],
    first: int | None,
    attack: str,
) -> str:
    """Both curves with 95 % intervals as bands.

    Args:
        steps: of the T looks, rising.
        auroc: T of them.
        bars: AUROC above which each look speaks.
        losses: T mean losses of "members" and of "hold-outs".
        first: the step from which on it memorises; None draws no line.
        attack: whose AUROC it is.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 5.2), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _curve(above, steps, auroc, INK, f"AUROC of {attack}")
        above.plot(steps, bars, color=AXIS, lw=1, ls=":", marker="_", label="speaks above")
        above.axhline(0.5, color=AXIS, lw=1, ls="--")
        above.set_ylabel("AUROC [95 % interval]")
        for (kind, found), colour in zip(losses.items(), (MEMBER, HOLDOUT), strict=False):
            _curve(below, steps, found, colour, kind)
        below.set(xlabel="optimiser step", ylabel="loss")
        for axes in (above, below):
            if first is not None:
                axes.axvline(first, color=MEMBER, lw=1, label=f"memorises from step {first} on")
            axes.grid(color=GRID, lw=0.6)
        above.legend(fontsize=8, frameon=False)
        handles, labels = below.get_legend_handles_labels()
        below.legend(handles[: len(losses)], labels[: len(losses)], fontsize=8, frameon=False)
        return svg(figure)


def _curve(
    axes: Any, steps: Sequence[int], found: Sequence[Estimate], colour: str, label: str
) -> None:
    value, low, high = band(found)
    axes.fill_between(steps, low, high, color=colour, alpha=0.12, lw=0)
    axes.plot(steps, value, color=colour, lw=1.8, marker="o", ms=3, label=label)
