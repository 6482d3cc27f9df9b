"""HTML を小さくする処理は、見た目を変えない。"""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup

from dlnotes.site.compact import compact

CODE = (
    '<pre><span></span><code><span class="k">def</span><span class="w"> </span>'
    '<span class="nf">f</span><span class="p">(</span><span class="n">x</span>'
    '<span class="p">):</span>\n\n    <span class="s2">&quot;a</span><span class="s2">b</span>\n'
    "</code></pre>"
)


def test_text_of_code_stays_and_colours_of_words_stay() -> None:
    html = compact(CODE)
    before = BeautifulSoup(CODE, "html.parser").get_text()
    assert BeautifulSoup(html, "html.parser").get_text() == before
    assert "<span class=k>def</span> <span class=nf>f</span>(x):" in html
    assert "<span class=s2>&quot;ab</span>" in html


def test_blank_lines_go_outside_code_and_scripts_only() -> None:
    html = "<p>a\n\n   b</p>\n\n<script>x\n\n  y</script>\n\n<pre>c\n\n  d</pre>\n\n<p>e</p>"
    assert compact(html) == (
        "<p>a\nb</p>\n<script>x\n\n  y</script>\n<pre>c\n\n  d</pre>\n<p>e</p>"
    )


def test_long_name_breaks_after_its_dots_and_lines_in_headings_and_tables_only() -> None:
    name = "a_b.c(d)"
    heading = f'<span class="doc doc-object-name doc-function-name">{name}</span>'
    html = compact(f'<table><td><code>{name}</code><a href="a_b">{name}</a></table>{heading}')
    assert html.count("a_<wbr>b.<wbr>c(<wbr>d)") == 3
    assert "href=a_b" in html
    assert "<wbr>" not in compact(f"<p><code>{name}</code>")


def test_inline_formula_loses_only_its_wrapper() -> None:
    math = '<math data-search-exclude=""><mi>x</mi></math>'
    assert compact(f'<span class="arithmatex">{math}</span>') == "<math><mi>x</mi></math>"
    assert compact(f'<div class="arithmatex">{math}</div>').startswith("<div class=arithmatex>")


def test_line_may_break_between_a_punctuation_mark_and_the_formula_after_it() -> None:
    x = "<math><mi>x</mi></math>"
    assert f"、<wbr>{x}" in compact(f"<p>文、{x}です。</p>")
    together = compact(f'<p>文、<span class="dl-together">{x}。</span></p>')
    assert f"、<wbr><span class=dl-together>{x}" in together
    assert "wbr" not in compact(f"<p>{x}と{x}、次</p>")


def test_only_attributes_of_one_word_lose_their_quotes() -> None:
    html = '<p title="a &gt; b" lang="ja"><a href="x/" title="二語 の">="w"</a></p>'
    assert compact(html) == '<p title="a &gt; b" lang=ja><a href="x/" title="二語 の">="w"</a></p>'


@pytest.mark.parametrize("word", ["こ", '"', r"\\u3053", "</script>", "😀"])
def test_words_of_the_theme_are_written_short_and_mean_the_same(word: str) -> None:
    text = json.dumps({"a": word}).replace("<", r"\u003c")
    html = compact(f'<script id="__config" type="application/json">{text}</script><p>\\u3053</p>')
    script, rest = html.split("</script>")
    assert rest == "<p>\\u3053</p>"
    written = script.removeprefix('<script id=__config type="application/json">')
    assert json.loads(written) == {"a": word}
    assert ("こ" in written) == (word == "こ")


def test_table_with_a_class_of_its_own_is_left_alone() -> None:
    html = "<table border=1 class=dataframe><tr></tr></table>"
    assert compact(html) == html


def test_table_can_be_scrolled_without_a_script() -> None:
    html = compact("<p>a</p><table><tr><td>b</td></tr></table>")
    assert html == (
        "<p>a</p><div class=md-typeset__scrollwrap><div class=md-typeset__table>"
        "<table class=dl-table><tr><td>b</td></tr></table></div></div>"
    )
