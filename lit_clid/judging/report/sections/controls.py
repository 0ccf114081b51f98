"""Controls: what else than training would explain what was found."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lit_clid.judging.controls.control import FIRES, Control
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report, Section

SIGNS = {"quiet": "●", "notice": "▲", "fires": "■"}
"""The shape of each light."""


class Controls(Section):
    """The controls, as traffic lights."""

    template: ClassVar[str] = '{% include "controls.html.j2" %}'

    def words(self, report: Report) -> str:
        said = [
            f"Control: {each.words}" for each in report.judgement.controls if each.state != FIRES
        ]
        return "\n".join(said)

    def markdown(self, report: Report) -> str:
        lines: list[str] = []
        for each in report.judgement.controls:
            lines.append(
                f"- Control, {literal(each.title)}: **{each.state}**. {literal(each.words)}"
            )
        return "\n".join(lines)

    def as_json(self, report: Report) -> dict[str, Any]:
        found = controls_json(report.judgement.controls)
        return {"controls": found} if found else {}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"lights": report.judgement.controls, "signs": SIGNS}


def controls_json(controls: Sequence[Control]) -> dict[str, list[dict[str, Any]]]:
    """The controls' plain values by their names."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in controls:
        found.setdefault(each.name, []).append(each.as_json())
    return found


def warning(judgement: Judgement, kind: str) -> str:
    """What stands before what is said of members or suspects where a control does not bear it out;
    empty if none fires.
    """
    return doubt([each for each in judgement.controls if each.kind == kind])


def doubt(controls: Sequence[Control]) -> str:
    """What the controls that fire say before a verdict; empty if none does."""
    fired = [each.words for each in controls if each.state == FIRES]
    return f"NOT CONCLUSIVE: {' '.join(fired)} Taken at face value:" if fired else ""
