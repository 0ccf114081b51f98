"""The attacks' figures for those who go on with them: results.csv, and results.tex for a paper."""

from typing import Any

from lit_clid.judging.evidence import Evidence, Unresolved
from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval

HEADS = {
    "0.1": r"TPR@10\,\%FPR",
    "0.01": r"TPR@1\,\%FPR",
    "0.001": r"TPR@0.1\,\%FPR",
}
"""What a capped rate is called in a table of LaTeX."""


def results_csv(judgement: Judgement) -> str:
    """A row per attack, strongest first: every figure, its interval beside it, in [0, 1]; empty
    where it is unresolved.
    """
    import pandas

    rows = [_row(name, grade) for name, grade in judgement.ranked]
    return str(pandas.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def results_tex(judgement: Judgement) -> str:
    r"""The same as a table of LaTeX with booktabs, each figure with its interval; rates in percent.
    What no attack has is left out. Needs `\usepackage{booktabs}`.
    """
    import pandas

    lines: list[dict[str, str]] = []
    for name, grade in judgement.ranked:
        told = {"attack": name, "queries": "" if grade.queries is None else str(grade.queries)}
        told["AUROC"] = interval(grade.auroc)
        rates: dict[str, Evidence] = {"ASR": grade.asr}
        rates |= {head: grade.tpr_at_fpr[cap] for cap, head in HEADS.items()}
        for head, found in rates.items():
            told[head] = "" if isinstance(found, Unresolved) else interval(found, percent=True)
        lines.append(told)
    frame = pandas.DataFrame(lines)
    frame = frame.loc[:, (frame != "").any()]
    style = frame.style.hide(axis="index").format(escape="latex")
    form = "l" + "r" * (len(frame.columns) - 1)
    return str(style.to_latex(hrules=True, column_format=form))


def _row(name: str, grade: Grade) -> dict[str, Any]:
    row: dict[str, Any] = {
        "attack": name,
        "title": grade.title,
        "queries": grade.queries,
        "backward": grade.backward,
        "shadow_auroc": grade.shadow_auroc,
    }
    figures: dict[str, Evidence] = {"auroc": grade.auroc, "asr": grade.asr}
    figures |= {f"tpr_at_fpr_{cap}": grade.tpr_at_fpr[cap] for cap in CAPS}
    for head, found in figures.items():
        told = found.as_json()
        row |= {head: told["value"], f"{head}_low": told["low"], f"{head}_high": told["high"]}
    return row
