"""From a table of signals to a judgement: figures with intervals, `report.json`, the terminal table, the HTML page."""

from lit_clid.report.judge import Judgement, judge, verdicts
from lit_clid.report.page import Picture, PictureSource
from lit_clid.report.publish import load_tables, publish, refuse_foreign

__all__ = ["Judgement", "Picture", "PictureSource", "judge", "load_tables", "publish", "refuse_foreign", "verdicts"]
