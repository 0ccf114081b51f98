"""A judgement that shows itself: in a notebook, as tables, as a figure, in words, in a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from lit_clid.about import read_about
from lit_clid.errors import UserError, few
from lit_clid.judging import pages, plots
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.report.papers import grid_frame, records_frame, results_frame
from lit_clid.judging.report.pictures import PictureSource
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.attacks import AttackTable
from lit_clid.judging.report.sections.curves import Histograms, Roc, telling
from lit_clid.judging.report.sections.suspects import SuspectsInWords
from lit_clid.judging.report.sections.verdict import VerdictInWords
from lit_clid.judging.report.words import terminal
from lit_clid.judging.versus import versus

SHOWN: tuple[Section, ...] = (
    VerdictInWords(),
    SuspectsInWords(),
    AttackTable(),
    Roc(),
    Histograms(),
)
"""What a notebook shows of a report."""


TABLES = ("shadow", "reference", "reference_shadow", "swapped", "cascade", "blind")
"""Names of tables beside the target's."""


@dataclass(frozen=True, kw_only=True)
class Result(Judgement):
    """All attacks on one target, with their figures and intervals, ready to be shown.

    Args:
        title: the report's.
        pictures: finds a record to show; None shows none.
    """

    title: str
    pictures: PictureSource | None = None

    @classmethod
    def of(
        cls, judgement: Judgement, title: str, pictures: PictureSource | None = None
    ) -> "Result":
        """A judgement under a title; a table from elsewhere keeps its name."""
        found = {each.name: getattr(judgement, each.name) for each in fields(Judgement)}
        target = judgement.target
        if not target.about.config:
            named = target.about.table or Path(target.where).name
            found["target"] = replace(target, about=replace(target.about, table=named))
        return cls(**found, title=title, pictures=pictures)

    @property
    def _report(self) -> Report:
        return Report(self.title, self, self.pictures)

    def explain(self) -> str:
        """The answer in words, as the command prints it."""
        return terminal(self._report)

    def __str__(self) -> str:
        return self.explain()

    def to_pandas(self) -> Any:
        """A DataFrame of pandas with a row per attack, strongest first: every figure in [0, 1], its
        interval beside it; NaN where it is unresolved.
        """
        return results_frame(self)

    def records(self) -> Any:
        """A DataFrame of pandas with a row per record, the surest first by the attack that speaks:
        its `id`, whether it is a `member` (missing for a suspect), and every attack's score,
        larger = more member-like.

        Where there are suspects, `p` and `q` are their conformal p-value and the least
        false-discovery rate of a list that names them, and `named` says whether the list does.
        """
        return records_frame(self)

    def versus(self, baseline: str) -> Any:
        """A DataFrame of pandas with a row per other attack: its figures minus those of `baseline`,
        with intervals on the same resampled records.

        Raises:
            UserError: if `baseline` was not judged.
        """
        return grid_frame(versus(self, baseline))

    def figure(self, attacks: Sequence[str] = (), width: float = plots.WIDE) -> Any:
        """ROC curves on logarithmic axes, as a figure of matplotlib.

        Args:
            attacks: by name; none means the one that speaks and those that stand for other
                families, four in all.
            width: in inches, of a narrow figure (a column of a paper has about 3.3) or of the axes
                of a wide one.

        Raises:
            UserError: for an attack that was not judged.
        """
        names = list(attacks) or telling(self)
        unknown = [name for name in names if name not in self.grades]
        if unknown:
            raise UserError(
                f"figure: {few(unknown)} not judged; name some of {few(list(self.grades), 40)}"
            )
        scores = {name: self.grades[name].verdict.score for name in names}
        return plots.roc_canvas(scores, self.target.member, self.kind, width)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write the report (page, JSON, Markdown, tables, figures), and the tables of signals that
        `lit-clid verify` derives it from again.

        Args:
            folder: made if there is none; files of an earlier report are replaced.

        Returns:
            The page's path.

        Raises:
            UserError: if it is the folder of another run.
            WriteError: if it cannot be written.
        """
        place = Path(folder).expanduser()
        if (place / "split.csv").is_file():
            self._refuse_other(place)
        else:
            self._save_tables(place / "scores")
        return write_report(self._report, place)

    def _save_tables(self, place: Path) -> None:
        """Every table of the judgement, and none of another."""
        for name, table in {**dict.fromkeys(TABLES), **self.tables, "blind": self.blind}.items():
            file = place / f"{name}.parquet"
            if table is None:
                for old in (file, file.with_suffix(".json")):
                    old.unlink(missing_ok=True)
            else:
                table.save(file)

    def _refuse_other(self, place: Path) -> None:
        """A run's folder has its tables already, and takes the report of its own audit alone."""
        own = read_about(place / "scores" / "target.parquet").claims
        if own is None or own != self.target.about.claims:
            raise UserError(f"{place}: is the folder of another run; save to one of its own")

    def _repr_html_(self) -> str:
        """The answer, the table and the figure, for a notebook."""
        report, parts = self._report, list[str]()
        given: Mapping[str, Any] = {"title": self.title, "judgement": self, "figures": {}}
        for section in SHOWN:
            values = {**given, **section.values(report)}
            parts.append(pages.render(section.template, **values))
        return pages.fragment(parts)

    def __repr__(self) -> str:
        found = interval(self.grades[self.headline].auroc)
        return f"<{type(self).__name__} {self.title!r}: {self.headline}, AUROC {found}>"
