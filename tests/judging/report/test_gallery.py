"""The gallery: every record's score as data, pictures of the surest and of the false alarms."""

import numpy as np
import pytest
from parsed import Page
from PIL import Image
from tables import normal_scores

from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report import page
from lit_clid.judging.report.pictures import Picture
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections import surest
from lit_clid.scores import Scores


def judged(claim: bool = False) -> Judgement:
    score, member = normal_scores(40, 30, 1.0, 0)
    return judge(Scores(tuple(f"r{k:02d}" for k in range(70)), member, {"s": score}, claim=claim))


def shown(judgement: Judgement) -> Page:
    def picture(name: str, score: float, member: bool) -> Picture:
        return Picture(name, f"of {name}", Image.new("RGB", (4, 4)), score, member)

    return Page(page.report_html(Report("r", judgement, picture), {"queries": ""}))


@pytest.mark.parametrize("claim", [False, True])
def test_the_data_are_every_record_s_score_and_kind(claim: bool) -> None:
    judgement = judged(claim)
    told = shown(judgement).data
    assert told["kinds"] == ["hold-out", "suspect" if claim else "member"]
    assert told["scores"] == sorted(told["scores"], reverse=True)
    score = dict(zip(judgement.target.ids, judgement.grades["s"].verdict.score, strict=True))
    member = dict(zip(judgement.target.ids, judgement.target.member, strict=True))
    assert {**dict(zip(told["ids"], told["scores"], strict=True))} == score
    assert [kind == "1" for kind in told["is"]] == [member[name] for name in told["ids"]]


def test_pictures_are_of_the_surest_and_of_the_false_alarms() -> None:
    judgement = judged()
    seen = shown(judgement)
    told = seen.data
    places = [int(k) for k in seen.attributes("data-k") if k is not None]
    kinds = np.array([kind == "1" for kind in told["is"]])
    inside, outside = np.flatnonzero(kinds), np.flatnonzero(~kinds)
    wanted = [*inside[: surest.RECOGNISED], *outside[: surest.ALARMS]]
    assert places == wanted


def test_of_very_many_records_the_page_holds_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surest, "MOST", 50)
    seen = shown(judged())
    assert len(seen.data["ids"]) == 50 and "The 50 largest of 70 records" in seen.shown


def test_a_caption_without_end_does_not_make_a_page_without_end() -> None:
    def picture(name: str, score: float, member: bool) -> Picture:
        return Picture(name, "<xss>" * 100_000, Image.new("RGB", (4, 4)), score, member)

    html = page.report_html(Report("r", judged(), picture), {"queries": ""})
    assert "&lt;xss&gt;" in html and "<xss>" not in html
    assert len(html) < 2_000_000  # under 24 pictures, each caption twice
