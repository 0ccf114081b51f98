"""Documents of which a part is written by a benchmark; the prose around it stays."""


def insert(page: str, name: str, tables: str) -> str:
    """`page` with `tables` between the markers called `name`."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, rest = page.split(start)
    return f"{head}{start}\n\n{tables.strip()}\n\n{end}{rest.split(end)[1]}"
