"""Where members and hold-outs share captions, the report says which attacks that weakens."""

from dataclasses import replace

from tables import tables

from lit_clid.about import Facts, ModelNote
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report import page, words
from lit_clid.judging.report.card import card_markdown
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.opening import known
from lit_clid.scores import Scores


def sharing(by_caption: bool, captions: int | None) -> Judgement:
    found: list[Scores] = []
    for table in (*tables(0, 1.5), *tables(1, 1.5)):
        spec = replace(table.about.attacks["loss"], by_caption=by_caption)
        shared = None if captions is None else {"records": 400, "captions": captions}
        about = replace(table.about, attacks={"loss": spec}, shared_captions=shared)
        found.append(replace(table, about=about))
    target, reference, shadow, beside = found
    return judge(target, shadow, reference, beside)


def said(judgement: Judgement) -> tuple[str, str]:
    report = Report("r", judgement)
    return words.terminal(report), page.report_html(report, page.report_figures(report))


def test_the_rows_are_marked_and_the_limits_say_why() -> None:
    judgement = sharing(True, 1)
    assert judgement.weakened == ("loss", "loss_ref")
    told, html = said(judgement)
    for name in judgement.weakened:
        assert f"{name} *" in told and f"{name} *" in html
    for shown in (told, html):
        assert "400 records share one caption" in shown and "are weak here" in shown
    report = page.report_json(Report("r", judgement))
    assert report["shared_captions"] == {
        "records": 400, "captions": 1, "weakened": ["loss", "loss_ref"]
    }  # fmt: skip
    assert set(report["attacks"]) == {"loss", "loss_ref"}


def test_other_attacks_are_not_marked() -> None:
    told, html = said(sharing(False, 20))
    assert "400 records share 20 captions" in told and "20 captions" in html
    assert "loss *" not in told and "weak here" not in told + html


def test_a_sample_is_told_wherever_limits_are() -> None:
    judgement, counts = sharing(True, None), {"source": {"drawn": 20_000, "of": 9_812_344}}
    ours = ModelNote(facts=Facts(split="a"), base="demo", val_loss=None)
    for sampled, note in ((counts, None), (counts, ours), (None, None)):
        config = {"data": {"source": "a.tar", "sample": 20_000}}
        about = replace(judgement.target.about, config=config, sampled=sampled, training=note)
        found = replace(judgement, target=replace(judgement.target, about=about))
        report = Report("r", found)
        for shown in (*said(found), card_markdown(report)):
            assert ("20,000 of 9,812,344 in data.source" in shown) is (sampled is not None)
            assert ("may be too low" in shown) is (sampled is not None and note is None)
            assert "Records that were not drawn" not in shown
        assert page.report_json(report).get("sampled") == sampled
        assert ("a.tar (20,000 of 9,812,344 records)" in known(found)["data"]) is bool(sampled)


def test_nothing_is_said_where_nothing_is_shared() -> None:
    told, html = said(sharing(True, None))
    assert "loss *" not in told and "share" not in told
    assert "lives on the caption" not in html
