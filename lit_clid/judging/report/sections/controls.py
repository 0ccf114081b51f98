"""Controls: what was found without the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lit_clid.judging.controls import Blind
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report, Section

SIGNS = {"quiet": "●", "notice": "▲", "fires": "■"}
"""The shape of each light."""


@dataclass(frozen=True)
class Light:
    """One control as a traffic light.

    Args:
        state: "quiet", "notice" (worth knowing) or "fires" (the verdict is not conclusive).
        title: what the control is called.
        words: what it found.
    """

    state: str
    title: str
    words: str


class Controls(Section):
    """The controls, as traffic lights."""

    template: ClassVar[str] = '{% include "controls.html.j2" %}'

    def words(self, report: Report) -> str:
        quiet = [each for each in report.judgement.blind if not each.fires]
        said = [
            f"Control: without the model, captions and small copies of the images do not show a "
            f"difference between {each.kind} and hold-outs (AUROC {each.auroc:.2f}, p = "
            f"{each.p:.2f})."
            for each in quiet
        ]
        return " ".join(said)

    def markdown(self, report: Report) -> str:
        lines: list[str] = []
        for light in lights(report.judgement):
            lines.append(
                f"- Control, {literal(light.title)}: **{light.state}**. {literal(light.words)}"
            )
        return "\n".join(lines)

    def as_json(self, report: Report) -> dict[str, Any]:
        found = report.judgement.blind
        return {"controls": {"blind": [each.as_json() for each in found]}} if found else {}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"lights": lights(report.judgement), "signs": SIGNS}


def lights(judgement: Judgement) -> list[Light]:
    """Every control that was asked."""
    return [_of_blind(each) for each in judgement.blind]


def _of_blind(blind: Blind) -> Light:
    name, value = blind.strongest
    words = "tell" if blind.fires else "do not tell"
    return Light(
        "fires" if blind.fires else "quiet",
        f"Blind baseline of {blind.kind}",
        f"Captions and images alone {words} {blind.kind} from hold-outs: AUROC "
        f"{blind.auroc:.3f}, p = {blind.p:.3f}; most of all {name} ({value:.3f}).",
    )


def warning(judgement: Judgement, kind: str) -> str:
    """What stands before what is said of members or suspects where a control does not bear it out;
    empty if none fires.
    """
    return " ".join(_warned(each) for each in judgement.fired if each.kind == kind)


def _warned(blind: Blind) -> str:
    name, value = blind.strongest
    return (
        f"NOT CONCLUSIVE: without the model, captions and images alone tell {blind.kind} from "
        f"hold-outs (AUROC {blind.auroc:.2f}, p = {blind.p:.2g}; {name} alone {value:.2f}). They "
        "come from different sources, and the attacks may have found that instead of training. "
        "Taken at face value:"
    )
