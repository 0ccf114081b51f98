"""What a fresh process loads with the judging wing."""

import subprocess
import sys

HEAVY = ("torch", "lightning", "diffusers", "transformers", "torchmetrics", "matplotlib", "sklearn")
LIST = """
import lit_clid.judging.comparison, lit_clid.judging.judge, lit_clid.judging.plots
import lit_clid.judging.report.publish, lit_clid.judging.tables, sys
print(*{name.split(".")[0] for name in sys.modules})
"""


def test_judging_loads_nothing_heavy() -> None:
    """`audit.py scores=…` judges a table in the time that numpy and pyarrow take to load."""
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True)
    assert not {*HEAVY, "xgboost", "scipy", "jinja2"} & set(done.stdout.split())
