"""The report of an audit of suspects that stopped asking: its verdict, and the evidence as it grew.

Nothing is said of the share and of single records: their errors are those of audits whose number of
records was fixed beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.about import About
from lit_clid.files import write_json, write_text
from lit_clid.judging import pages, plots
from lit_clid.judging.controls.control import Control
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.papers import PDFS
from lit_clid.judging.report.section import VERSION
from lit_clid.judging.report.sections.captions import captions_json, captions_words
from lit_clid.judging.report.sections.controls import SIGNS, controls_json, doubt
from lit_clid.judging.report.sections.limits import sample_words
from lit_clid.judging.report.sections.opening import HASH
from lit_clid.judging.report.sections.provenance import flat
from lit_clid.judging.suspects.stopped import Stopped

OTHERS = (
    *("roc.svg", "histograms.svg", "queries.svg"),
    *(
        "suspects.csv",
        "groups.csv",
        "results.csv",
        "results.md",
        "results.tex",
        "card.md",
    ),
    *PDFS,
)
"""Files of a whole report, which an audit that stopped does not make."""


@dataclass(frozen=True)
class StoppedReport:
    """What is published of an audit that stopped.

    Args:
        name: the report's title.
        stopped: its evidence.
        about: of its table.
        controls: that need no judgement.
    """

    name: str
    stopped: Stopped
    about: About
    controls: Sequence[Control]

    @property
    def fires(self) -> bool:
        """Whether a control does."""
        return bool(doubt(self.controls))

    @property
    def word(self) -> str:
        """The outcome."""
        if self.fires:
            return "NOT CONCLUSIVE"
        return "SHOWN" if self.stopped.stops else "NOT SHOWN"

    @property
    def verdict(self) -> str:
        """What was found, first of all whether a control fired."""
        return f"{doubt(self.controls)} {found_in_words(self.stopped, self.about)}".strip()

    @property
    def captions(self) -> str:
        """What is to be said of captions that a model wrote."""
        return captions_words(self.about)

    @property
    def sampled(self) -> str:
        """What is to be said of a sample."""
        return sample_words(self.about, suspects=True, claim=True)

    @property
    def question(self) -> str:
        """What was asked."""
        model = self.about.model or "the model"
        return f"Was {model} trained on {self.stopped.until.suspects} suspects?"

    @property
    def known(self) -> dict[str, str]:
        """Model, records and date by name, as far as the table tells."""
        about, stopped = self.about, self.stopped
        found = {"asked": f"{stopped.asked} of {stopped.asked + stopped.saved} records"}
        if about.claims is not None and about.claims.model:
            found["fingerprint"] = about.claims.model[:HASH]
        if about.made is not None and about.made.created:
            found["audited"] = about.made.created[:10]
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "name": self.name,
            "verdict": self.verdict,
            "stopped": self.stopped.as_json(),
            "controls": controls_json(self.controls),
            **captions_json(self.about),
            "provenance": {"target": self.about.as_json()},
        }

    def markdown(self) -> str:
        """The report for a model's card."""
        facts = " · ".join(f"{name}: {literal(words)}" for name, words in self.known.items())
        lines = [f"# Membership audit: {literal(self.name)}", f"*{literal(self.question)}*", facts]
        lines.append(f"**{self.word}.** {literal(self.verdict)}")
        for each in self.controls:
            words = literal(each.words)
            lines.append(f"- Control, {literal(each.title)}: **{each.state}**. {words}")
        lines += [f"- {literal(words)}" for words in (self.captions, self.sampled) if words]
        return "\n\n".join(lines) + "\n"

    def html(self) -> str:
        from markupsafe import Markup

        until = self.stopped.until
        figure = plots.evidence_figure(self.stopped.evidence, until.level, until.by)
        tone = "found" if self.stopped.stops else "open"
        template = '{% include "stopped.html.j2" %}'
        values: Mapping[str, Any] = {
            "title": self.name,
            "report": self,
            "question": self.question,
            "known": self.known,
            "tone": "unsure" if self.fires else tone,
            "lights": self.controls,
            "signs": SIGNS,
            "figure": Markup(plots.themed(figure)),
            "facts": flat(self.about.as_json()),
        }
        return pages.render(template, **values)


def publish_stopped(report: StoppedReport, folder: Path) -> None:
    """Write report.json, report.md and report.html to `folder`, and print the words and the page's
    path; files of a whole report are deleted.
    """
    write_json(folder / "report.json", report.as_json())
    write_text(folder / "report.md", report.markdown())
    write_text(folder / "report.html", report.html())
    for name in OTHERS:
        (folder / name).unlink(missing_ok=True)
    said = "\n\n".join(part for part in (report.verdict, report.captions) if part)
    console.say(f"\n{said}\n\nreport: {folder / 'report.html'}")


def found_in_words(stopped: Stopped, about: About) -> str:
    """What the evidence shows, and what was not asked."""
    until = stopped.until
    asked = f"{stopped.suspects} suspects and {stopped.holdouts} hold-outs"
    if not stopped.stops:
        every = f"{until.suspects} suspects and {until.holdouts} hold-outs"
        return f"The evidence did not suffice: {asked} of {every} were asked, p = {stopped.p:.2g}."
    queries = ""
    if about.queries is not None:
        queries = f", {stopped.saved * about.queries.per_record:,} queries,"
    return (
        f"The audit shows that the model was trained on some of the {until.suspects} suspects, "
        f"with an error of at most {until.level:g} (p = {stopped.p:.1g}, {stopped.title}), and "
        f"stopped after {asked}: {stopped.saved} of {stopped.asked + stopped.saved} records"
        f"{queries} were not asked. It says nothing of the share and of single records; ask the "
        "rest with evidence.stop_at=null. All of it holds if suspects and hold-outs differ in "
        "nothing but training."
    )
