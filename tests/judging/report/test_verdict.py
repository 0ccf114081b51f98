"""The verdict in words."""

from tables import clid_columns

from lit_clid.judging.judge import judge
from lit_clid.judging.report.sections.verdict import verdict
from lit_clid.scores import Scores


def test_the_verdict_says_which_way_the_scores_point() -> None:
    columns, member = clid_columns(0, 2.0)
    ids = tuple(map(str, range(len(member))))
    for sign, gap, words in (
        (1, 2.0, "remembers"),
        (-1, 2.0, "point the wrong way"),
        (1, 0.0, "does not tell"),
    ):
        columns, member = clid_columns(0, gap)
        text = verdict(judge(Scores(ids, member, {"s": sign * columns[:, 0]}), None))
        assert words in text
        assert "There is no shadow" in text
