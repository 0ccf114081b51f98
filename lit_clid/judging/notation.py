"""How a figure is written: "0.712 [0.665, 0.756]", or what stands in its place."""

from lit_clid.judging.evidence import Estimate, Evidence, Unresolved


def interval(
    figure: Evidence, digits: int = 3, *, percent: bool = False, sign: bool = False
) -> str:
    """Value and interval, "0.712 [0.665, 0.756]"; "unresolved" or "–" where there is no number.

    Args:
        figure: in its own unit.
        digits: after the point; one in percent.
        percent: write the hundredfold.
        sign: write "+" too, and the sign of what rounds to zero.
    """
    if isinstance(figure, Unresolved):
        return figure.shown
    value = _number(figure.value, digits, percent, sign)
    return f"{value} {bounds(figure, digits, percent=percent, sign=sign)}"


def bounds(figure: Estimate, digits: int = 3, *, percent: bool = False, sign: bool = False) -> str:
    """The interval alone, "[0.665, 0.756]"; arguments as in `interval`."""
    low, high = (_number(end, digits, percent, sign) for end in (figure.low, figure.high))
    return f"[{low}, {high}]"


def _number(value: float, digits: int, percent: bool, sign: bool) -> str:
    scale, places = (100, 1) if percent else (1, digits)
    if sign:
        return f"{scale * value:+.{places}f}"
    return f"{round(scale * value, places) + 0.0:.{places}f}"  # no "-0.000"


def inline(name: str, most: int = 60) -> str:
    """A name from data as a sentence can hold it: one line, clipped, its direction its own."""
    plain = "".join(sign if sign.isprintable() else " " for sign in name)
    short = plain if len(plain) <= most else f"{plain[: most - 1]}…"
    return short if short.isascii() else f"\u2068{short}\u2069"
