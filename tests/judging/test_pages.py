"""Pages: everything from data is escaped, intervals stand on lines of their own."""

import pytest

from lit_clid.judging.pages import render, stacked


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("15", "15"),
        ("<b>", "&lt;b&gt;"),
        ("0.7 [0.6, 0.8]", '0.7<br><span class="range">[0.6, 0.8]</span>'),
        ("a<b> [1, 2]", 'a&lt;b&gt;<br><span class="range">[1, 2]</span>'),
        ("0 [1, 2]; runs [3, 4]", '0<br><span class="range">[1, 2]<br>runs [3, 4]</span>'),
        ("a [x; y]", 'a<br><span class="range">[x; y]</span>'),
    ],
)
def test_a_cell_stacks_its_interval(words: str, html: str) -> None:
    assert stacked(words) == html


def test_text_templates_escape_and_keep_rendered_parts() -> None:
    part = render("<p>{{ words }}</p>", words="<i>")
    assert render("<div>{{ part }}</div>", part=part) == "<div><p>&lt;i&gt;</p></div>"
