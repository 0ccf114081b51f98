"""What browsers' tests share: words that must do the page no harm, and how well text is read."""

NASTY = (
    "<img src=x onerror=alert(1)><b>bold</b></script><script>alert(2)</script>",
    "🦊🏳️‍🌈 emoji 👩‍👩‍👧‍👦",
    "שלום עולם, קטוע באמצע",
    "long " * 2000,
    "= ' \" & \u2028 ‮ {{ 7 * 7 }}",
)
"""Captions and ids."""
READABLE = 4.5
"""Least contrast of text (WCAG 2.2, success criterion 1.4.3)."""
COLOURS = """([selector]) => {
  const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const found = [];
  for (const each of document.querySelectorAll(selector)) {
    let behind = each;
    const ground = () => getComputedStyle(behind).backgroundColor;
    while (ground() === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const { fill, color } = getComputedStyle(each);
    const drawn = each instanceof SVGElement ? fill : color;
    found.push([rgb(drawn), rgb(ground()), each.outerHTML.slice(0, 80)]);
  }
  return found;
}"""
"""[text's colour, its ground's, the element] of every element that a selector finds."""


def luminance(rgb: list[int]) -> float:
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: list[int], other: list[int]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
