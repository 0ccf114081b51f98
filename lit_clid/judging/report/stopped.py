"""The report of an audit of suspects that stopped asking: its verdict, and the evidence as it grew.

Nothing is said of the share and of single records: their errors are those of audits whose number of
records was fixed beforehand.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.about import About
from lit_clid.files import write_json, write_text
from lit_clid.judging import pages, plots
from lit_clid.judging.controls.control import FIRES, Control
from lit_clid.judging.report.section import VERSION
from lit_clid.judging.report.sections.controls import SIGNS, controls_json
from lit_clid.judging.suspects.stopped import Stopped

PAGE = """
{% extends "base.html.j2" %}
{% block title %}{{ title }} – membership audit{% endblock %}
{% block main %}
{{ opening }}
<section class="verdict {{ tone }}">
<p class="kicker">Verdict</p>
<h2><span class="word">{{ word }}</span></h2>
<p class="said">{{ verdict }}</p>
</section>
{{ lights }}
<section>
<h2>Evidence</h2>
<div class="card">{{ figure }}</div>
<p class="soft">log₁₀ of an e-process: if suspects and hold-outs differ in nothing but training, and
the model was trained on none of them, it ever reaches 1/α in at most a share α of audits, however
often one looks (Ville). Ask the rest with evidence.stop_at=null, for the share and the records.</p>
</section>
{% endblock %}
"""


def publish_stopped(
    stopped: Stopped,
    about: About,
    controls: Sequence[Control],
    folder: Path,
    name: str,
) -> None:
    """Write report.json and report.html to `folder`, and print the words and the page's path."""
    said = stopped_in_words(stopped, controls)
    content: dict[str, Any] = {
        "version": VERSION,
        "name": name,
        "verdict": said,
        "stopped": stopped.as_json(),
        "controls": controls_json(controls),
        "provenance": {"target": about.as_json()},
    }
    from markupsafe import Markup

    figure = plots.evidence_figure(stopped.evidence, stopped.until.level, stopped.until.by)
    fires = any(each.state == FIRES for each in controls)
    word, tone = ("SHOWN", "found") if stopped.stops else ("NOT SHOWN", "open")
    question = f"Was {about.model or 'the model'} trained on {stopped.until.suspects} suspects?"
    known = {"asked": f"{stopped.asked} of {stopped.asked + stopped.saved} records"}
    opening = '{% include "opening.html.j2" %}'
    page = pages.render(
        PAGE,
        title=name,
        opening=pages.render(opening, title=name, question=question, known=known),
        word="NOT CONCLUSIVE" if fires else word,
        tone="unsure" if fires else tone,
        verdict=said,
        lights=pages.render('{% include "controls.html.j2" %}', lights=controls, signs=SIGNS),
        figure=Markup(plots.themed(figure)),
    )
    write_json(folder / "report.json", content)
    write_text(folder / "report.html", page)
    console.say(f"\n{said}\n\nreport: {folder / 'report.html'}")


def stopped_in_words(stopped: Stopped, controls: Sequence[Control]) -> str:
    """What was found, first of all whether a control fired."""
    fired = [each.words for each in controls if each.state == FIRES]
    before = f"NOT CONCLUSIVE: {' '.join(fired)} Taken at face value: " if fired else ""
    until = stopped.until
    every = f"{until.suspects} suspects and {until.holdouts} comparable records"
    asked = f"{stopped.suspects} suspects and {stopped.holdouts} hold-outs"
    if not stopped.stops:
        return (
            f"{before}The evidence did not suffice: {asked} of {every} were asked, p = "
            f"{stopped.p:.2g}."
        )
    return (
        f"{before}The audit shows that the model was trained on some of the {until.suspects} "
        f"suspects, with an error of at most {until.level:g} (p = {stopped.p:.1g}, {stopped.title})"
        f", and stopped after {asked}: {stopped.saved} of {stopped.asked + stopped.saved} records "
        "were not asked. It says nothing of the share and of single records; ask the rest with "
        "evidence.stop_at=null. All of it holds if suspects and hold-outs differ in nothing but "
        "training."
    )
