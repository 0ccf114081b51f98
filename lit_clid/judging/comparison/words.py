"""The comparison in words: what was found, tables for the terminal and for a document."""

from collections.abc import Sequence

from lit_clid import console
from lit_clid.judging.comparison.compared import Comparison, Defended
from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.notation import bounds, interval
from lit_clid.judging.pooled import Pooled, over_records
from lit_clid.judging.trials import called_in_words

Table = tuple[list[str], list[list[str]]]
"""A heading, and lines of as many cells."""


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
        "front, %",
        f"change of {head}",
        f"{head} TPR@1%FPR, %",
        "held-out loss",
        "change, %",
        "caption gain",
        "Fréchet",
    ]
    defenses = comparison.defenses.items()
    order = sorted(defenses, key=lambda item: item[1].strongest.auroc.value)
    lines = [_row(name, defended, comparison) for name, defended in order]
    if any(defended.clip_score for _, defended in order):
        heading.append("CLIPScore")
        for line, (_, defended) in zip(lines, order, strict=True):
            line.append(spread(defended.clip_score))
    return heading, lines


def _row(name: str, defended: Defended, comparison: Comparison) -> list[str]:
    against = defended.attacks[comparison.headline]
    strongest = defended.strongest
    private = f" (ε = {defended.epsilon[0]:.2g})" if defended.epsilon else ""
    steps = sorted(set(defended.steps))
    return [
        f"{name}{private}{' *' if name in comparison.pareto else ''}",
        str(steps[0]) if len(steps) == 1 else f"{steps[0]}–{steps[-1]}",
        f"{strongest.name} {interval(strongest.auroc.over_records)}",
        f"{100 * comparison.pareto_share[name]:.0f}",
        interval(over_records(against.change), sign=True),
        interval(over_records(against.tpr_at_1), percent=True),
        interval(defended.loss.over_records, 4),
        interval(over_records(defended.loss_change), percent=True, sign=True),
        interval(defended.gain.over_records, 4),
        spread(defended.frechet),
    ]


def attack_rows(comparison: Comparison) -> Table:
    """AUROC of every attack against every defense."""
    lines: list[list[str]] = []
    for name, defended in comparison.defenses.items():
        found = [defended.attacks[attack].auroc.over_records for attack in comparison.titles]
        lines.append([name, *(interval(auroc, 2) for auroc in found)])
    return ["defense", *comparison.titles], lines


def change_rows(comparison: Comparison) -> Table:
    """Changes of AUROC against the baseline: over these records, and over runs like these."""
    lines: list[list[str]] = []
    for name, defended in comparison.defenses.items():
        if name != comparison.baseline:
            found = [defended.attacks[attack].change for attack in comparison.titles]
            lines.append([name, *(_both(change) for change in found)])
    return ["defense", *comparison.titles], lines


def _both(change: Pooled | Unresolved) -> str:
    own = interval(over_records(change), 2, sign=True)
    if isinstance(change, Unresolved) or isinstance(change.over_runs, Unresolved):
        return own
    return f"{own}; runs {bounds(change.over_runs, 2, sign=True)}"


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
        auroc = base.attacks[comparison.headline].auroc.over_records
        seeds = f"{len(base.seeds)} seed{'s' if len(base.seeds) > 1 else ''}"
        called = called_in_words(comparison.headline, comparison.titles[comparison.headline])
        said.append(
            f"Without a defense ({comparison.baseline}) {called}, {_chosen(comparison)}, has "
            f"AUROC {interval(auroc)} (mean of {seeds})."
        )
    for name, defended in comparison.defenses.items():
        change, loss = defended.attacks[comparison.headline].change, defended.loss_change
        if isinstance(change, Pooled) and isinstance(loss, Pooled):
            said.append(_finding(f"{name} {_helps(change)}", comparison.headline, change, loss))
    for cell, reason in comparison.unfinished.items():
        said.append(f"Not finished: {cell} ({reason}).")
    return said


def _chosen(comparison: Comparison) -> str:
    if comparison.chosen == "named":
        return "the attack named beforehand"
    return f"the strongest attack on it (chosen on {comparison.chosen})"


def _helps(change: Pooled) -> str:
    if not change.excludes(0.0):
        return "makes no difference that shows"
    return "helps" if change.value < 0 else "harms"


def _finding(begin: str, headline: str, change: Pooled, loss: Pooled) -> str:
    runs = ""
    if isinstance(change.over_runs, Estimate):
        runs = f", over runs like these {bounds(change.over_runs, sign=True)}"
    price = "not shown to be other"
    if loss.over_records.excludes(0.0):
        price = f"{abs(100 * loss.value):.1f} % {'worse' if loss.value > 0 else 'better'}"
    difference = interval(change.over_records, sign=True)
    percentage = interval(loss.over_records, percent=True, sign=True)
    return (
        f"{begin}: AUROC of {headline} {difference}{runs}; the held-out loss is "
        f"{price} ({percentage} %)."
    )
