"""The attacks' figures for those who go on with them: results.csv, .md and .tex, and the
figures as PDF.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lit_clid.judging import plots
from lit_clid.judging.evidence import Evidence, Unresolved
from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.report.markdown import literal, table
from lit_clid.judging.report.sections.attacks import queries_words
from lit_clid.judging.report.sections.curves import histograms, telling
from lit_clid.judging.report.sections.queries import differing

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")
HEADS = {
    "0.1": r"TPR@10\,\%FPR",
    "0.01": r"TPR@1\,\%FPR",
    "0.001": r"TPR@0.1\,\%FPR",
}
"""What a capped rate is called in a table of LaTeX."""
COLUMN, PAGE = 3.3, 6.9
"""Inches of a column of a paper, and of two with what parts them."""
PDFS = ("roc.pdf", "histograms.pdf", "queries.pdf")
SAID = ("p", "q", "named")
"""Columns of what is said of suspects."""


def results_frame(judgement: Judgement) -> "DataFrame":
    """A row per attack, strongest first: every figure, its interval beside it, in [0, 1]; missing
    where it is unresolved.
    """
    import pandas

    return pandas.DataFrame([_row(name, grade) for name, grade in judgement.ranked])


def records_frame(judgement: Judgement) -> "DataFrame":
    """A row per record, the surest first by the attack that speaks; see `Result.records`."""
    import pandas

    target, answer = judgement.target, judgement.answer
    known = [None if judgement.claim and each else bool(each) for each in target.member]
    scores = {name: grade.verdict.score for name, grade in judgement.ranked}
    frame = pandas.DataFrame({"id": list(target.ids), "member": known, **_apart(scores)})
    if answer is not None:
        ids, _, *said = zip(*answer.rows, strict=True)
        told = pandas.DataFrame(dict(zip(SAID, said, strict=True)), index=ids)
        if judgement.claim:
            frame = frame.join(told, on="id")
        else:
            every = pandas.DataFrame({"id": list(answer.ids), **_apart(answer.every)})
            frame = pandas.concat([frame, every.join(told, on="id")], ignore_index=True)
        frame["named"] = frame["named"].astype("boolean")
    frame["member"] = frame["member"].astype("boolean")
    (headline,) = _apart({judgement.headline: None})
    return frame.sort_values(headline, ascending=False, ignore_index=True)


def _apart(scores: Mapping[str, T]) -> dict[str, T]:
    """Scores by attack, those called like another column by "signal NAME"."""
    taken = ("id", "member", *SAID)
    return {f"signal {name}" if name in taken else name: each for name, each in scores.items()}


def results_texts(judgement: Judgement) -> dict[str, str]:
    """The figures of all attacks by file."""
    made = {"csv": results_csv, "md": results_md, "tex": results_tex}
    return {f"results.{kind}": write(judgement) for kind, write in made.items()}


def results_csv(judgement: Judgement) -> str:
    """`results_frame` as CSV."""
    return str(results_frame(judgement).to_csv(index=False, lineterminator="\n"))


def results_md(judgement: Judgement) -> str:
    """The same figures as a table of Markdown, each with its interval; rates in percent. What no
    attack has is left out.
    """
    frame = _written(judgement).rename(columns=lambda head: head.replace("\\,\\%", " %"))
    lines = [list(map(literal, line)) for line in frame.to_numpy().tolist()]
    return f"{table(list(map(literal, frame.columns)), lines)}\n"


def results_tex(judgement: Judgement) -> str:
    r"""The same as a table of LaTeX with booktabs. Needs `\usepackage{booktabs}`."""
    return _latex(_written(judgement).style.format(escape="latex")).replace("∇", r"$\nabla$")


def _written(judgement: Judgement) -> "DataFrame":
    """Figures as they are written, those aside that no attack has."""
    import pandas

    lines: list[dict[str, str]] = []
    for name, grade in judgement.ranked:
        told = {"attack": name, "queries": queries_words(grade) if grade.queries else ""}
        told["AUROC"] = interval(grade.auroc)
        rates: dict[str, Evidence] = {"ASR": grade.asr}
        rates |= {head: grade.tpr_at_fpr[cap] for cap, head in HEADS.items()}
        for head, found in rates.items():
            told[head] = "" if isinstance(found, Unresolved) else interval(found, percent=True)
        lines.append(told)
    frame = pandas.DataFrame(lines)
    return frame.loc[:, (frame != "").any()]


def grid_frame(found: Mapping[str, Mapping[str, Evidence]]) -> "DataFrame":
    """A row per attack, each figure with its interval beside it; missing where unresolved."""
    import pandas

    return pandas.DataFrame([{"attack": name, **_figures(each)} for name, each in found.items()])


def grid_csv(found: Mapping[str, Mapping[str, Evidence]]) -> str:
    """The same as CSV."""
    return str(grid_frame(found).to_csv(index=False, lineterminator="\n"))


def grid_tex(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text, the first of them headings, as a table of LaTeX with booktabs."""
    import pandas

    frame = pandas.DataFrame(list(rows[1:]), columns=list(rows[0]))
    return _latex(frame.style.format(escape="latex").format_index(escape="latex", axis="columns"))


def _latex(style: Any) -> str:
    """A table with booktabs, its first column of words, the others of figures."""
    form = "l" + "r" * (len(style.columns) - 1)
    return str(style.hide(axis="index").to_latex(hrules=True, column_format=form))


def runs_csv(runs: Mapping[str, Judgement], attacks: Sequence[str]) -> str:
    """A row per run and attack: every figure with its interval, as in `results_frame`."""
    import pandas

    rows: list[dict[str, Any]] = []
    for name, judgement in runs.items():
        rows += [{"run": name, **_row(each, judgement.grades[each])} for each in attacks]
    return str(pandas.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def write_pdfs(judgement: Judgement, folder: Path) -> None:
    """The page's ROC curves as wide as a column of a paper, the others as wide as two at most."""
    scores = {name: judgement.grades[name].verdict.score for name in telling(judgement)}
    costs = differing(judgement)
    drawn = (
        plots.roc_canvas(scores, judgement.target.member, judgement.kind, COLUMN),
        histograms(judgement, PAGE),
        plots.queries_canvas(costs, PAGE) if costs else None,
    )
    for name, figure in zip(PDFS, drawn, strict=True):
        if figure is None:
            (folder / name).unlink(missing_ok=True)
        else:
            plots.pdf(figure, folder / name)


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
    return row | _figures(figures)


def _figures(figures: Mapping[str, Evidence]) -> dict[str, Any]:
    """Each figure's value and the ends of its interval."""
    row: dict[str, Any] = {}
    for head, found in figures.items():
        told = found.as_json()
        row |= {head: told["value"], f"{head}_low": told["low"], f"{head}_high": told["high"]}
    return row
