"""The report of a judgement: report.json, report.html, figures and the terminal's words."""
