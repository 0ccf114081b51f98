"""SVG elements as escaped text, and axes: from a figure's own unit to pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


def element(name: str, *content: str, **attributes: str | float) -> "Markup":
    """One element; "_" in an attribute's name stands for "-", and one at its end for nothing.

    Args:
        content: other elements, or text, which is escaped.
        attributes: numbers are rounded to hundredths.
    """
    from markupsafe import Markup

    made = Markup("")
    for key, value in attributes.items():
        shown = value if isinstance(value, str) else f"{round(value, 2) + 0.0:g}"
        made += Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), shown)
    return Markup("<{0}{1}>{2}</{0}>").format(name, made, Markup("").join(content))


def drawing(label: str, width: float, height: float, *content: str, class_: str = "") -> "Markup":
    """A drawing of its own, which scales; `label` says what it shows."""
    size = f"0 0 {width:g} {height:g}"
    return element(
        "svg", *content, viewBox=size, role="img", aria_label=label, class_=f"drawing {class_}"
    )


def path(x: Sequence[float], y: Sequence[float]) -> str:
    """The data of a path through these points, to tenths of a pixel."""
    points = [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]
    return f"M{'L'.join(points)}"


@dataclass(frozen=True)
class Axis:
    """From values to pixels, linear or by the logarithm.

    Args:
        low, high: values at the ends.
        start, end: pixels there.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def round_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values between two, at most so many, a step of 1, 2 or 5 times a power of ten apart."""
    wide = (high - low) / most
    power = 10.0 ** math.floor(math.log10(wide))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wide)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
