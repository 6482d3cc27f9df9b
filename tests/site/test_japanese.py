"""改行を除く拡張を、MkDocs のない素の Python-Markdown で動かす。"""

from __future__ import annotations

import markdown
import pytest
from bs4 import BeautifulSoup

EXTENSIONS = ["tables", "admonition", "dlnotes.site.math", "dlnotes.site.japanese"]


def render(text: str) -> str:
    return markdown.markdown(text, extensions=EXTENSIONS)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("これは文の\nつづき", "文のつづき"),
        ("カタカナー\n漢字", "カタカナー漢字"),
        ("一つめの文。\n二つめの文。", "文。二つめ"),
        ("文です（注）\n次", "（注）次"),
        ("文です。\nReLU は", "文です。ReLU は"),
        ("文です。\n`code` は", "文です。<code>code"),
        ("文です。\n$x$ は", '文です。<span class="arithmatex">'),
        ("**太字**\n続き", "<strong>太字</strong>続き"),
        ("続き\n**太字**", "続き<strong>太字"),
        ("**太字\n続き**", "太字続き"),
        ("*斜体*\n[リンク](a.md)", "</em><a"),
    ],
)
def test_newline_within_japanese_disappears(text: str, joined: str) -> None:
    assert joined in render(text)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("- これは文の\n  つづき", "文のつづき"),
        ("- これは文の\nつづき", "文のつづき"),
        ("1. **太字**\n   続き", "<strong>太字</strong>続き"),
        ("1. 文です。\n   ReLU は", "文です。ReLU は"),
        ('!!! note "題"\n\n    これは文の\n    つづき', "文のつづき"),
        ("> これは文の\n> つづき", "文のつづき"),
        ("| 列 |\n|---|\n| 文の |\n\n表の\nあと", "表のあと"),
    ],
)
def test_newline_disappears_in_every_kind_of_block(text: str, joined: str) -> None:
    assert joined in render(text)


@pytest.mark.parametrize(
    "text",
    ["two\nwords", "日本語\nReLU", "ReLU\n日本語", "**bold**\nword", "Latin. `code`\nword"],
)
def test_newline_beside_a_latin_word_is_kept(text: str) -> None:
    assert "\n" in render(text)


@pytest.mark.parametrize("verbatim", ["`np.dot`", "$x$"])
def test_code_or_formula_does_not_join_the_word_on_the_next_line(verbatim: str) -> None:
    assert "\nReLU" in render(f"文です。{verbatim}\nReLU です。")


def test_newlines_in_code_are_kept() -> None:
    code = "一行目。\n二行目。\n"
    indented = "    " + code.replace("\n", "\n    ")
    assert code in render(f"段落。\n\n{indented}")
    assert "一つ\n二つ" in render("`一つ\n二つ`")


def test_nothing_but_newlines_is_removed() -> None:
    text = "文 の、 `code` と **太字** 。\nつぎ\n\n- 項 目\n\n| a | 列 |\n|---|---|\n| 文 字 | b |"
    plain = markdown.markdown(text, extensions=["tables"])
    assert render(text).replace("\n", "") == plain.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("値（$x$）。次", "（x）。"),
        ("$x$、$y$ を", "x、"),
        ("**$x$**、「$y$」は", "「y」"),
        ("- 値は $x$。", "x。"),
        ("二つ（$x$ と $y$）", "（x|y）"),
        ("どれですか。(a) $x$ (イ) $y$", "(a)\u00a0x|(イ)\u00a0y"),
    ],
)
def test_formula_and_the_marks_beside_it_stay_on_one_line(text: str, together: str) -> None:
    soup = BeautifulSoup(render(text), "html.parser")
    assert "|".join(s.get_text() for s in soup.select(".dl-together")) == together
    plain = markdown.markdown(text.replace("$", ""))
    assert soup.get_text().replace("\u00a0", " ") == BeautifulSoup(plain, "html.parser").get_text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(a) 次 (b) `c d`、(エ) 前", "(a)_次 (b)_c d、(エ)_前"),
        ("形は (N, K) か (N,)。f(x, y)", "形は (N,_K) か (N,)。f(x, y)"),
        ("`(N, K)`", "(N, K)"),
    ],
)
def test_label_and_its_option_and_a_shape_stay_on_one_line(text: str, shown: str) -> None:
    soup = BeautifulSoup(render(text), "html.parser")
    assert soup.get_text().strip().replace("\u00a0", "_") == shown


def test_long_formula_may_part_from_the_marks_beside_it() -> None:
    assert "dl-together" in render(f"（${'+'.join('x' * 12)}$）")
    assert "dl-together" not in render(f"（${'+'.join('x' * 13)}$）")


def test_formula_among_other_letters_is_left_alone() -> None:
    assert "dl-together" not in render("値 $x$ は（次）$y$ です\n\n$$x$$\n\n、")
