"""Figures of a judgement and of a sweep. Rates and AUROCs lie in [0, 1]."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.plots.style import (
    AXIS,
    GRID,
    HOLDOUT,
    INK,
    MEMBER,
    STYLE,
    band,
    shown,
    svg,
    whisker,
)
from lit_clid.judging.roc import curve, drawable

WIDE = 6.4
"""Inches from which on a legend stands beside a figure."""
APART = 1.17
"""The ratio of two numbers of queries that are both written below a figure."""
LETTERS = 22
"""Of a name of which two stand side by side below a narrow figure."""


def shown_name(name: str) -> str:
    """An attack's name as a legend shows it, which leaves out what begins with an underscore."""
    return f" {name}" if name.startswith("_") else name


def roc_canvas(
    scores: Mapping[str, np.ndarray],
    member: np.ndarray,
    kind: str = "members",
    width: float = WIDE,
) -> Any:
    """Log-log ROC; the axes start where one false positive of the hold-outs lies.

    Args:
        scores: (N,) by attack.
        member: (N,) bool.
        kind: what they are called; of a claim they are suspects.
        width: in inches, of the axes or, of a narrow figure, whose legend stands below, of it all.
    """
    import matplotlib

    narrow = width < WIDE
    with matplotlib.rc_context(STYLE | ({"font.size": 7.5} if narrow else {})):
        columns = 2 if max(map(len, scores), default=0) <= LETTERS else 1
        below = 0.17 * -(-(len(scores) + 1) // columns) if narrow else 0.0
        layout: Any = "constrained" if narrow else None
        figure = shown()(figsize=(width, 0.72 * width + below), layout=layout)
        axes = figure.add_subplot()
        floor = 1 / max(2, int((~member).sum()))
        colours = matplotlib.colormaps["tab10" if len(scores) <= 10 else "tab20"]
        for k, (name, score) in enumerate(scores.items()):
            roc = drawable(curve(score, member))
            fpr = np.maximum(roc.fpr, floor / 2)
            tpr = np.maximum(roc.tpr, floor / 2)
            axes.step(
                fpr, tpr, where="post", label=shown_name(name), color=colours(k % colours.N), lw=1.5
            )
        line = np.geomspace(floor / 2, 1, 50)
        axes.plot(line, line, color=AXIS, lw=1, ls="--", label="guessing")
        axes.set(xscale="log", yscale="log", xlim=(floor, 1), ylim=(floor, 1.05))
        axes.set(
            xlabel=f"{'FPR' if narrow else 'false positive rate'} (hold-outs accused)",
            ylabel=f"{'TPR' if narrow else 'true positive rate'} ({kind} recognised)",
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda rate, _: f"{100 * rate:g} %")
        axes.grid(color=GRID, lw=0.6)
        if narrow:
            figure.legend(loc="outside lower center", ncols=columns, fontsize=7, frameon=False)
        else:
            place: dict[str, Any] = dict(loc="center left", bbox_to_anchor=(1.0, 0.5))
            axes.legend(fontsize=7.5, frameon=False, **place)
        return figure


def queries_canvas(costs: Mapping[str, tuple[int, Estimate]], width: float = 10.4) -> Any:
    """AUROC with its interval against queries per record (log scale); `…_ref` is drawn hollow."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 4.6), layout="constrained")
        queries_axes(figure.add_subplot(), costs)
        return figure


def queries_axes(
    axes: Any, costs: Mapping[str, tuple[int, Estimate]], what: str = "AUROC", chance: float = 0.5
) -> None:
    """Draw a figure against queries on given axes; attacks of one cost are fanned out.

    Args:
        costs: queries per record and the figure, by attack.
        what: the figure's name.
        chance: what guessing gives, in the figure's unit.
    """
    import matplotlib
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    colours = matplotlib.colormaps["tab20"]
    beside: dict[int, int] = {}
    for k, (name, (queries, found)) in enumerate(costs.items()):
        x = queries * 1.035 ** beside.setdefault(queries, 0)
        beside[queries] += 1
        colour = colours(k % 20)
        axes.errorbar(
            x,
            found.value,
            whisker(found),
            fmt="s" if k >= 20 else "o",
            ms=5,
            lw=1,
            color=colour,
            mfc="white" if name.endswith("_ref") else colour,
            label=shown_name(name),
        )
    axes.axhline(chance, color=AXIS, lw=1, ls="--")
    axes.set(xscale="log", xlabel="queries per record", ylabel=f"{what} [95 % interval]")
    ticks: list[int] = []
    for queries in sorted(beside):  # those that would stand in each other's way aside
        ticks += [queries] if not ticks or queries >= APART * ticks[-1] else []
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=GRID, lw=0.6)
    columns = 2 if len(costs) > 26 else 1
    place = dict(loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.legend(fontsize=6.5, frameon=False, ncols=columns, **place)


def evidence_figure(evidence: np.ndarray, level: float, by: str) -> str:
    """Evidence as it grew, log₁₀ E after every suspect or pair, and the line at which it suffices.

    Args:
        evidence: log E (K,).
        level: α.
        by: "pairs" or "ranks".
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.2))
        axes = figure.add_subplot()
        steps = np.arange(len(evidence) + 1)
        axes.step(steps, np.append(0, evidence) / np.log(10), where="post", color=MEMBER, lw=1.8)
        axes.axhline(-np.log10(level), color=AXIS, lw=1, ls="--", label=f"1/α, α = {level:g}")
        what = "pairs of a suspect and a hold-out" if by == "pairs" else "suspects"
        axes.set(xlabel=f"{what} asked", ylabel="evidence, log₁₀ E")
        axes.grid(color=GRID, lw=0.6)
        axes.legend(fontsize=8, frameon=False)
        return svg(figure)


def sweep_figure(t: Sequence[int], found: Mapping[str, Sequence[Estimate]]) -> str:
    """AUROC of single draws against their timestep, with 95 % intervals as bands.

    Args:
        t: timesteps, T of them.
        found: T AUROCs by score.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 4.2))
        axes = figure.add_subplot()
        colours = matplotlib.colormaps["tab10"]
        for k, (name, estimates) in enumerate(found.items()):
            value, low, high = band(estimates)
            axes.fill_between(t, low, high, color=colours(k), alpha=0.12, lw=0)
            axes.plot(t, value, color=colours(k), lw=1.8, marker="o", ms=3, label=name)
        axes.axhline(0.5, color=AXIS, lw=1, ls="--")
        axes.set(xlabel="timestep t", ylabel="AUROC of one draw on the shadow [95 % interval]")
        axes.grid(color=GRID, lw=0.6)
        axes.legend(fontsize=8, frameon=False)
        return svg(figure)


def histogram_canvas(
    scores: Mapping[str, np.ndarray],
    thresholds: Mapping[str, float | None],
    member: np.ndarray,
    kind: str = "members",
    width: float = 9.6,
) -> Any:
    """Histograms of the scores of members and hold-outs, one panel per attack.

    Args:
        scores: (N,) by attack.
        thresholds: by attack, in the score's own unit; None draws none.
        member: (N,) bool.
        kind: what they are called; of a claim they are suspects.
        width: of four panels, in inches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    columns = min(4, len(scores))
    lines = -(-len(scores) // columns)
    with matplotlib.rc_context(STYLE | {"font.size": 7.5}):
        size = width / 4 * columns, 0.73 * width / 4 * lines
        figure = Figure(figsize=size, layout="constrained")
        panels = np.atleast_1d(figure.subplots(lines, columns, squeeze=False)).ravel()
        for axes in panels[len(scores) :]:
            axes.set_visible(False)
        for axes, (name, score) in zip(panels, scores.items(), strict=False):
            _histogram(axes, score, thresholds.get(name), member, kind)
            axes.set_title(name, fontsize=8)
        panels[0].legend(fontsize=6.5, frameon=False)
        return figure


def _histogram(
    axes: Any, score: np.ndarray, threshold: float | None, member: np.ndarray, kind: str
) -> None:
    """Scores between their 0.5 % and 99.5 % quantiles; those beyond stand in the outermost bars."""
    low, high = np.quantile(score, (0.005, 0.995))
    bins = np.linspace(low, high, 31) if high > low else 10
    shown = np.clip(score, low, high)
    axes.hist(shown[~member], bins, color=HOLDOUT, alpha=0.55, label="hold-outs")
    axes.hist(shown[member], bins, color=MEMBER, alpha=0.55, label=kind)
    if threshold is not None and low <= threshold <= high:
        axes.axvline(threshold, color=INK, lw=1, ls="--")
    axes.set_yticks([])
