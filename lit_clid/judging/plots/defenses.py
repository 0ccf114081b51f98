"""Figures of a comparison of defenses, as matplotlib figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_clid.judging.plots.style import INK, STYLE


@dataclass(frozen=True)
class Series:
    """Values with intervals along x; NaN where there is none."""

    x: Sequence[float]
    value: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Plane:
    """A defense on the privacy–utility plane: (value, low, high) of AUROC and of the held-out
    loss.
    """

    auroc: tuple[float, float, float]
    loss: tuple[float, float, float]
    best: bool


@dataclass(frozen=True)
class Square:
    """A square of the heat map: a change of AUROC with its interval; None for what is not
    compared.
    """

    value: float
    low: float
    high: float


def trajectory_figure(auroc: Mapping[str, Series], tpr: Mapping[str, Series], loss: Series) -> Any:
    """AUROC and TPR at 1 % FPR of each attack against steps per image, the held-out loss on a
    second axis (grey).
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        panels = [
            ("AUROC", auroc, 1.0, 0.5),
            *([("TPR at 1 % FPR, %", tpr, 100.0, 1.0)] if tpr else []),
        ]
        figure = Figure(figsize=(4.9 * len(panels) + 0.8, 3.9), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        colours = matplotlib.colormaps["tab10"]
        for axis, (label, curves, scale, chance) in zip(axes, panels, strict=True):
            for k, (name, series) in enumerate(curves.items()):
                low, high, value = (
                    scale * np.array(v) for v in (series.low, series.high, series.value)
                )
                axis.fill_between(series.x, low, high, color=colours(k % 10), alpha=0.1, lw=0)
                axis.plot(
                    series.x, value, color=colours(k % 10), lw=1.6, marker="o", ms=3, label=name
                )
            axis.axhline(chance, color="#9ca3af", lw=1, ls="--")
            axis.set(xlabel="optimiser steps per image", ylabel=f"{label} [95 % over records]")
            axis.grid(color="#e5e7eb", lw=0.6)
            second = axis.twinx()
            second.plot(
                loss.x,
                loss.value,
                color="#6b7280",
                lw=1.4,
                ls=":",
                marker="s",
                ms=2.5,
                label="held-out loss",
            )
            second.set_ylabel("held-out denoising loss", color="#6b7280")
            second.spines["right"].set_visible(True)
            second.tick_params(colors="#6b7280")
            if axis is axes[-1]:
                lines, names = axis.get_legend_handles_labels()
                more, others = second.get_legend_handles_labels()
                figure.legend(
                    [*lines, *more],
                    [*names, *others],
                    fontsize=7.5,
                    frameon=False,
                    loc="outside right center",
                )
        return figure


def plane_figure(defenses: Mapping[str, Plane], attack: str) -> Any:
    """Held-out loss against the AUROC of one attack: left and down is better; the Pareto front
    is drawn through.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.8), layout="constrained")
        axes = figure.add_subplot()
        front = sorted((d.auroc[0], d.loss[0]) for d in defenses.values() if d.best)
        axes.step(
            *zip(*front, strict=True),
            where="post",
            color="#c2410c",
            lw=1,
            ls="--",
            label="Pareto front",
        )
        colours = matplotlib.colormaps["tab20"]
        for k, (name, defense) in enumerate(defenses.items()):
            x, y = defense.auroc, defense.loss
            axes.errorbar(
                x[0], y[0], [[y[0] - y[1]], [y[2] - y[0]]], [[x[0] - x[1]], [x[2] - x[0]]],
                fmt="D" if defense.best else "o", ms=6, lw=0.9, color=colours(k % 20), label=name,
            )  # fmt: skip
        axes.axvline(0.5, color="#9ca3af", lw=1, ls="--")
        axes.set(
            xlabel=f"AUROC of {attack}: privacy lost →",
            ylabel="held-out denoising loss: utility lost →",
        )
        axes.grid(color="#e5e7eb", lw=0.6)
        figure.legend(fontsize=8, frameon=False, loc="outside right center")
        return figure


def heat_map(changes: Mapping[str, Mapping[str, Square | None]], baseline: str) -> Any:
    """Change of every attack's AUROC under every defense, paired; bold where the interval
    excludes 0.
    """
    import matplotlib
    from matplotlib.figure import Figure

    rows, columns = list(changes), list(next(iter(changes.values())))
    values = np.array(
        [[s.value if (s := changes[r][c]) else np.nan for c in columns] for r in rows]
    )
    most = max(0.05, float(np.nanmax(np.abs(values))))
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(2.2 + 1.15 * len(columns), 1.3 + 0.5 * len(rows)), layout="constrained"
        )
        axes = figure.add_subplot()
        image = axes.imshow(values, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto")
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                square = changes[row][column]
                if square is None:
                    continue
                sure = square.low > 0 or square.high < 0
                axes.text(
                    j, i, f"{square.value:+.2f}\n[{square.low:+.2f}, {square.high:+.2f}]", ha="center", va="center",
                    fontsize=7, weight="bold" if sure else "normal",
                    color="white" if abs(square.value) > 0.62 * most else INK,
                )  # fmt: skip
        axes.set_xticks(range(len(columns)), columns, rotation=20, ha="right")
        axes.set_yticks(range(len(rows)), rows)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        figure.colorbar(image, ax=axes, label=f"AUROC minus that of {baseline}", shrink=0.8)
        return figure
