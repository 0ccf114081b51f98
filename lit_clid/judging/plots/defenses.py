"""Figures of a comparison of defenses, as matplotlib figures."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from lit_clid.judging.evidence import Estimate, Evidence
from lit_clid.judging.notation import interval
from lit_clid.judging.plots.style import AXIS, GRID, INK, SECOND, STYLE, band, whisker

Trace = Sequence[Evidence]
"""A figure at each of P places; an unresolved one is a gap."""


def trajectory_figure(
    x: Sequence[float],
    auroc: Mapping[str, Trace],
    tpr: Mapping[str, Trace],
    loss: Sequence[Estimate],
) -> Any:
    """AUROC and TPR at 1 % FPR of each attack against steps per image.

    The held-out loss is drawn on a second axis, in grey.

    Args:
        x: optimiser steps per image of the P places.
        auroc, tpr: in [0, 1], by attack; without any TPR there is one panel.
        loss: held-out denoising loss.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        panels = [("AUROC", auroc, 1.0, 0.5)]
        if tpr:
            panels.append(("TPR at 1 % FPR, %", tpr, 100.0, 1.0))
        figure = Figure(figsize=(4.9 * len(panels) + 0.8, 3.9), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (label, traces, scale, chance) in zip(axes, panels, strict=True):
            _traces(axis, x, traces, scale)
            axis.axhline(chance, color=AXIS, lw=1, ls="--")
            axis.set(xlabel="optimiser steps per image", ylabel=f"{label} [95 % over records]")
            axis.grid(color=GRID, lw=0.6)
            second = _loss(axis, x, loss)
        lines, names = axes[-1].get_legend_handles_labels()
        more, others = second.get_legend_handles_labels()
        place: Any = dict(fontsize=7.5, frameon=False, loc="outside right center")
        figure.legend([*lines, *more], [*names, *others], **place)
        return figure


def _traces(axis: Any, x: Sequence[float], traces: Mapping[str, Trace], scale: float) -> None:
    import matplotlib

    colours = matplotlib.colormaps["tab10"]
    for k, (name, trace) in enumerate(traces.items()):
        value, low, high = band(trace)
        colour = colours(k % 10)
        axis.fill_between(x, scale * low, scale * high, color=colour, alpha=0.1, lw=0)
        axis.plot(x, scale * value, color=colour, lw=1.6, marker="o", ms=3, label=name)


def _loss(axis: Any, x: Sequence[float], loss: Sequence[Estimate]) -> Any:
    """Draw the loss on a second axis at the right; returns that axis."""
    second = axis.twinx()
    value, _, _ = band(loss)
    look = dict(color=SECOND, lw=1.4, ls=":", marker="s", ms=2.5)
    second.plot(x, value, label="held-out loss", **look)
    second.set_ylabel("held-out denoising loss", color=SECOND)
    second.spines["right"].set_visible(True)
    second.tick_params(colors=SECOND)
    return second


def plane_figure(
    defenses: Mapping[str, tuple[Estimate, Estimate]],
    front: Collection[str],
    shares: Mapping[str, float],
    attack: str,
) -> Any:
    """Held-out loss against the AUROC of one attack: left and down is better.

    The Pareto front is drawn through.

    Args:
        defenses: AUROC in [0, 1] and held-out denoising loss, by name.
        front: the defenses on the Pareto front.
        shares: in which share of replicates each is on it, in [0, 1].
        attack: whose AUROC it is.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.8), layout="constrained")
        axes = figure.add_subplot()
        places = sorted((defenses[name][0].value, defenses[name][1].value) for name in front)
        look: Any = dict(where="post", color="#c2410c", lw=1, ls="--")
        axes.step(*zip(*places, strict=True), label="Pareto front", **look)
        colours = matplotlib.colormaps["tab20"]
        for k, (name, (auroc, loss)) in enumerate(defenses.items()):
            axes.errorbar(
                auroc.value,
                loss.value,
                whisker(loss),
                whisker(auroc),
                fmt="D" if name in front else "o",
                ms=6,
                lw=0.9,
                color=colours(k % 20),
                label=f"{name} ({100 * shares[name]:.0f} %)",
            )
        axes.axvline(0.5, color=AXIS, lw=1, ls="--")
        axes.set(
            xlabel=f"AUROC of {attack}: privacy lost →",
            ylabel="held-out denoising loss: utility lost →",
        )
        axes.grid(color=GRID, lw=0.6)
        place: Any = dict(loc="outside right center", title="(on the front in % of replicates)")
        figure.legend(fontsize=8, title_fontsize=7.5, frameon=False, **place)
        return figure


def heat_map(changes: Mapping[str, Mapping[str, Evidence]], baseline: str) -> Any:
    """Change of every attack's AUROC under every defense; bold where its interval excludes 0.

    Args:
        changes: in [−1, 1], by defense and attack; a square without words is unresolved.
        baseline: the defense they are changes to.
    """
    import matplotlib
    from matplotlib.figure import Figure

    rows, columns = list(changes), list(next(iter(changes.values())))
    values = np.stack([band(list(changes[row].values()))[0] for row in rows])
    most = max(0.05, float(np.nanmax(np.abs(values))))
    size = (2.2 + 1.15 * len(columns), 1.3 + 0.5 * len(rows))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(values, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto")
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                change = changes[row][column]
                if isinstance(change, Estimate):
                    _square(axes, i, j, change, dark=abs(change.value) > 0.62 * most)
        axes.set_xticks(range(len(columns)), columns, rotation=20, ha="right")
        axes.set_yticks(range(len(rows)), rows)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        figure.colorbar(image, ax=axes, label=f"AUROC minus that of {baseline}", shrink=0.8)
        return figure


def _square(axes: Any, row: int, column: int, change: Estimate, *, dark: bool) -> None:
    """Write a change and its interval into their square of the heat map."""
    axes.text(
        column,
        row,
        interval(change, 2, sign=True).replace(" [", "\n["),
        ha="center",
        va="center",
        fontsize=7,
        weight="bold" if change.excludes(0.0) else "normal",
        color="white" if dark else INK,
    )
