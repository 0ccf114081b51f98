"""The report: `report.json`, the terminal's table, the HTML page and its figures."""
