"""The comparison in words: what was found, tables for the terminal and for a document."""

from collections.abc import Sequence

from lit_clid import console
from lit_clid.judging.comparison.compare import Comparison, Defended
from lit_clid.judging.evidence import Pooled


def interval(figure: Pooled | None, scale: float = 1.0, digits: int = 3, sign: bool = False) -> str:
    """value [low, high] over records."""
    if figure is None:
        return "–"
    plus = "+" if sign else ""
    value, low, high = (scale * v for v in (figure.value, figure.low, figure.high))
    return f"{value:{plus}.{digits}f} [{low:{plus}.{digits}f}, {high:{plus}.{digits}f}]"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """mean (least–most) over seeds."""
    if not values:
        return "–"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """The summary: one line per defense, the most private first."""
    head = comparison.headline
    order = sorted(
        comparison.defenses.items(), key=lambda item: item[1].attacks[item[1].strongest].auroc.value
    )
    heading = [
        "defense", "steps", "strongest attack, AUROC", f"change of {head}", f"{head} TPR@1%FPR, "
        "%", "held-out loss",
        "change, %", "caption gain", "Fréchet",
    ]  # fmt: skip
    clip = any(defended.clip_score for _, defended in order)
    lines = [
        [*_row(name, d, comparison), *([spread(d.clip_score)] if clip else [])] for name, d in order
    ]
    return [*heading, *(["CLIPScore"] if clip else [])], lines


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


def attack_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """AUROC of every attack against every defense."""
    lines = [
        [
            name,
            *(interval(defended.attacks[attack].auroc, digits=2) for attack in comparison.titles),
        ]
        for name, defended in comparison.defenses.items()
    ]
    return ["defense", *comparison.titles], lines


def change_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Changes of AUROC against the baseline: over these records, and over runs like these."""

    def both(figure: Pooled | None) -> str:
        if figure is None:
            return "–"
        own = interval(figure, digits=2, sign=True)
        if figure.run_low is None or figure.run_high is None:
            return own
        return f"{own}; runs [{figure.run_low:+.2f}, {figure.run_high:+.2f}]"

    lines = [
        [name, *(both(defended.attacks[attack].change) for attack in comparison.titles)]
        for name, defended in comparison.defenses.items()
        if name != comparison.baseline
    ]
    return ["defense", *comparison.titles], lines


def markdown(heading: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of a document."""
    marked = [heading, ["---"] * len(heading), *lines]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in marked
    )


def terminal(comparison: Comparison) -> str:
    """The summary as aligned columns."""
    heading, lines = rows(comparison)
    return console.aligned([heading, *lines], ruled=True)


def findings(comparison: Comparison) -> list[str]:
    """One sentence per defense: does it help against the headline attack, and at what price?"""
    title = comparison.titles[comparison.headline]
    base = comparison.defenses.get(comparison.baseline)
    said = []
    if base is not None:
        auroc = base.attacks[comparison.headline].auroc
        said.append(
            f"Without a defense ({comparison.baseline}) {title}, the strongest attack, has AUROC "
            f"{interval(auroc)} "
            f"(mean of {len(base.seeds)} seed{'s' if len(base.seeds) > 1 else ''})."
        )
    for name, defended in comparison.defenses.items():
        change, loss = defended.attacks[comparison.headline].change, defended.loss_change
        if change is None or loss is None:
            continue
        shows = change.high < 0 or change.low > 0
        if change.run_low is not None and change.run_high is not None:
            shows = shows and (change.run_high < 0 or change.run_low > 0)
        help_ = (
            "makes no difference that shows"
            if not shows
            else "helps"
            if change.value < 0
            else "harms"
        )
        worse = f"{abs(100 * loss.value):.1f} % {'worse' if loss.value > 0 else 'better'}"
        price = "not shown to be other" if loss.low <= 0 <= loss.high else worse
        runs = ""
        if change.run_low is not None and change.run_high is not None:
            runs = f", over runs like these [{change.run_low:+.3f}, {change.run_high:+.3f}]"
        said.append(
            f"{name} {help_}: AUROC of {comparison.headline} {interval(change, sign=True)}{runs}; "
            f"the held-out loss is "
            f"{price} ({interval(loss, 100, 1, sign=True)} %)."
        )
    for cell, reason in comparison.unfinished.items():
        said.append(f"Not finished: {cell} ({reason}).")
    return said
