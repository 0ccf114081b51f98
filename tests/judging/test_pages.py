"""Pages: everything from data is escaped, intervals stand on lines of their own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsed import Page, digest

from lit_clid.judging.pages import data_block, render, stacked

WHOLE = '{% extends "base.html.j2" %}{% block title %}t{% endblock %}'
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(NUMBERS | st.text() | st.none(), lambda inner: st.lists(inner, max_size=4))


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


@given(PLAIN)
def test_a_block_of_data_cannot_be_left(content: Any) -> None:
    text = str(data_block(content))
    assert not {*text} & {*"<>&\u2028\u2029"}
    assert json.loads(text) == content


@given(st.sampled_from(["</script>", "<!--", "]]>", "&lt;", "\u2028"]), st.text())
def test_what_could_end_a_script_is_data(evil: str, more: str) -> None:
    html = f'<script type="application/json">{data_block(evil + more)}</script>'
    assert Page(html).data == evil + more


def test_only_the_page_s_own_scripts_may_run() -> None:
    silent, running = Page(render(WHOLE)), Page(render(WHOLE, ("page.js", "gallery.js")))
    assert not silent.scripts and not silent.allowed
    assert {digest(text) for text in running.running} == running.allowed
    assert len(running.allowed) == 2
