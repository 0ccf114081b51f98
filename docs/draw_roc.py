"""Draw the ROC of a finished audit as its page has it: `python docs/draw_roc.py runs/demo`.

Writes docs/demo-roc.svg, which follows light and dark.
"""

import sys
from pathlib import Path

from lit_clid.judging import pages
from lit_clid.judging.judge import judge
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.curves import Roc
from lit_clid.judging.tables import load_tables


def main() -> None:
    table, others = load_tables(str(Path(sys.argv[1]) / "scores"), None)
    drawing = Roc().values(Report("demo", judge(table, **others)))["drawing"]
    file = Path(__file__).with_name("demo-roc.svg")
    file.write_text(pages.standalone(str(drawing)), encoding="utf-8")
    print(f"written: {file}")


if __name__ == "__main__":
    main()
