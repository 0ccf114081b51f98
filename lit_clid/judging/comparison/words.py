"""The comparison in words: what was found, tables for the terminal and for a document."""

from collections.abc import Sequence

from lit_clid import console
from lit_clid.judging.comparison.compared import Comparison, Defended
from lit_clid.judging.evidence import Estimate
from lit_clid.judging.pooled import Pooled

Table = tuple[list[str], list[list[str]]]
"""A heading, and lines of as many cells."""


def interval(figure: Pooled | None, scale: float = 1.0, digits: int = 3, sign: bool = False) -> str:
    """value [low, high] over records, times `scale`."""
    if figure is None:
        return "–"

    def number(value: float) -> str:
        return f"{scale * value:{'+' if sign else ''}.{digits}f}"

    own = figure.over_records
    return f"{number(own.value)} [{number(own.low)}, {number(own.high)}]"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """mean (least–most) over seeds."""
    if not values:
        return "–"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def rows(comparison: Comparison) -> Table:
    """The summary: one line per defense, the most private first."""
    head = comparison.headline
    heading = [
        "defense",
        "steps",
        "strongest attack, AUROC",
        f"change of {head}",
        f"{head} TPR@1%FPR, %",
        "held-out loss",
        "change, %",
        "caption gain",
        "Fréchet",
    ]
    defenses = comparison.defenses.items()
    order = sorted(defenses, key=lambda item: item[1].attacks[item[1].strongest].auroc.value)
    lines = [_row(name, defended, comparison) for name, defended in order]
    if any(defended.clip_score for _, defended in order):
        heading.append("CLIPScore")
        for line, (_, defended) in zip(lines, order, strict=True):
            line.append(spread(defended.clip_score))
    return heading, lines


def _row(name: str, defended: Defended, comparison: Comparison) -> list[str]:
    against = defended.attacks[comparison.headline]
    private = f" (ε = {defended.epsilon[0]:.2g})" if defended.epsilon else ""
    steps = sorted(set(defended.steps))
    return [
        f"{name}{private}{' *' if name in comparison.pareto else ''}",
        str(steps[0]) if len(steps) == 1 else f"{steps[0]}–{steps[-1]}",
        f"{defended.strongest} {interval(defended.attacks[defended.strongest].auroc)}",
        interval(against.change, sign=True),
        interval(against.tpr_at_1, 100, 1),
        interval(defended.loss, digits=4),
        interval(defended.loss_change, 100, 1, sign=True),
        interval(defended.gain, digits=4),
        spread(defended.frechet),
    ]


def attack_rows(comparison: Comparison) -> Table:
    """AUROC of every attack against every defense."""
    lines: list[list[str]] = []
    for name, defended in comparison.defenses.items():
        found = [defended.attacks[attack].auroc for attack in comparison.titles]
        lines.append([name, *(interval(auroc, digits=2) for auroc in found)])
    return ["defense", *comparison.titles], lines


def change_rows(comparison: Comparison) -> Table:
    """Changes of AUROC against the baseline: over these records, and over runs like these."""
    lines: list[list[str]] = []
    for name, defended in comparison.defenses.items():
        if name != comparison.baseline:
            found = [defended.attacks[attack].change for attack in comparison.titles]
            lines.append([name, *(_both(change) for change in found)])
    return ["defense", *comparison.titles], lines


def _both(change: Pooled | None) -> str:
    own = interval(change, digits=2, sign=True)
    if change is None or not isinstance(change.over_runs, Estimate):
        return own
    return f"{own}; runs [{change.over_runs.low:+.2f}, {change.over_runs.high:+.2f}]"


def markdown(heading: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of a document."""
    written: list[str] = []
    for line in [heading, ["---"] * len(heading), *lines]:
        cells = [cell.replace("|", "\\|") for cell in line]
        written.append(f"| {' | '.join(cells)} |")
    return "\n".join(written)


def terminal(comparison: Comparison) -> str:
    """The summary as aligned columns."""
    heading, lines = rows(comparison)
    return console.aligned([heading, *lines], ruled=True)


def findings(comparison: Comparison) -> list[str]:
    """One sentence per defense: does it help against the headline attack, and at what price?"""
    said: list[str] = []
    base = comparison.defenses.get(comparison.baseline)
    if base is not None:
        auroc = base.attacks[comparison.headline].auroc
        seeds = f"{len(base.seeds)} seed{'s' if len(base.seeds) > 1 else ''}"
        said.append(
            f"Without a defense ({comparison.baseline}) {comparison.titles[comparison.headline]}, "
            f"the strongest attack, has AUROC {interval(auroc)} (mean of {seeds})."
        )
    for name, defended in comparison.defenses.items():
        change, loss = defended.attacks[comparison.headline].change, defended.loss_change
        if change is not None and loss is not None:
            said.append(_finding(f"{name} {_helps(change)}", comparison.headline, change, loss))
    for cell, reason in comparison.unfinished.items():
        said.append(f"Not finished: {cell} ({reason}).")
    return said


def _helps(change: Pooled) -> str:
    if not change.excludes(0.0):
        return "makes no difference that shows"
    return "helps" if change.value < 0 else "harms"


def _finding(begin: str, headline: str, change: Pooled, loss: Pooled) -> str:
    runs = ""
    if isinstance(change.over_runs, Estimate):
        low, high = change.over_runs.low, change.over_runs.high
        runs = f", over runs like these [{low:+.3f}, {high:+.3f}]"
    price = "not shown to be other"
    if loss.over_records.excludes(0.0):
        price = f"{abs(100 * loss.value):.1f} % {'worse' if loss.value > 0 else 'better'}"
    return (
        f"{begin}: AUROC of {headline} {interval(change, sign=True)}{runs}; the held-out loss is "
        f"{price} ({interval(loss, 100, 1, sign=True)} %)."
    )
