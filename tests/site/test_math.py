"""数式の拡張を、MkDocs のない素の Python-Markdown で動かす。"""

from __future__ import annotations

import re

import markdown
import pymdownx.slugs
import pytest
from bs4 import BeautifulSoup

from dlnotes.site.math import FormulaError, spelled

EXTENSIONS = ["tables", "admonition", "toc", "pymdownx.superfences", "dlnotes.site.math"]
SLUGIFY = {"toc": {"slugify": pymdownx.slugs.slugify(case="lower")}}


def host() -> markdown.Markdown:
    return markdown.Markdown(extensions=EXTENSIONS, extension_configs=SLUGIFY)


def render(text: str) -> BeautifulSoup:
    return BeautifulSoup(host().convert(text), "html.parser")


def formulas(text: str, where: str = "") -> list[str]:
    """`where` の中にある数式の字。"""
    return [math.get_text() for math in render(text).select(f"{where} math")]


def test_unreadable_formula_is_refused_with_its_line_and_itself() -> None:
    with pytest.raises(FormulaError, match=r"3 行目.*: \\frac\{1\}\{$"):
        render("一行目\n\nここに $\\frac{1}{$ があります。")


def test_unreadable_display_formula_is_refused_with_its_line() -> None:
    with pytest.raises(FormulaError, match=r"(?s)4 行目.*\\frac\{1\}\{"):
        render("一行目\n\n$$\n\\frac{1}{\n$$")


def test_unknown_command_is_refused_by_its_name() -> None:
    with pytest.raises(FormulaError, match=r"\\hoge"):
        render(r"$\hoge x$")


@pytest.mark.parametrize(
    "text", ["値段は $5 です", "x$ y", "$ x $", "$$\n閉じない", "| a |\n|-|\n| 5$ |"]
)
def test_unclosed_dollar_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(FormulaError, match=r"\d 行目: 閉じていない \$"):
        render(text)


def test_bare_bar_in_a_table_is_refused_and_the_cure_is_named() -> None:
    with pytest.raises(FormulaError, match=r"3 行目.*\\mid.*\$p\(x"):
        render("| a | b |\n|---|---|\n| $p(x | C)$ | 1 |")


def test_formula_stands_directly_beside_japanese() -> None:
    paragraph = render("は$x$です。").p
    assert paragraph.get_text() == "はxです。"
    assert paragraph.math.get_text() == "x"


def test_formula_in_a_heading_gives_a_readable_name_and_anchor() -> None:
    md = host()
    md.convert(r"## 関数 $\sigma(u)$")
    (heading,) = md.toc_tokens
    assert (heading["name"], heading["id"]) == ("関数 σ(u)", "関数-σu")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (r"| $p(x \mid C)$ | b |" + "\n|---|---|\n| 1 | 2 |", "th"),
        ("| a |\n|---|\n" + r"| $p(x \mid C)$ |", "td"),
        ('!!! note "題"\n\n    ' + r"中の $p(x \mid C)$ です。", ".admonition p"),
        ('!!! note "' + r'$p(x \mid C)$"' + "\n\n    中", ".admonition-title"),
        (r"- $p(x \mid C)$", "li"),
        (r"**$p(x \mid C)$**", "strong"),
        (r"[$p(x \mid C)$](a.md)", "a"),
        ("> 引用 " + r"$p(x \mid C)$", "blockquote"),
    ],
)
def test_formula_is_rendered_wherever_text_may_stand(text: str, where: str) -> None:
    assert formulas(text, where) == ["p(x∣C)"]


@pytest.mark.parametrize(
    "text",
    [
        "$$ u = x W + b $$",
        "$$\nu = x W\n+ b\n$$",
        "- 項目\n\n    $$\n    u = x W + b\n    $$",
        '!!! note "題"\n\n    $$\n    u = x W + b\n    $$',
    ],
)
def test_display_formula_is_a_block_of_its_own_that_the_keyboard_can_scroll(text: str) -> None:
    (box,) = render(text).select("div.arithmatex")
    assert box["tabindex"] == "0"
    assert box.math["display"] == "block"
    assert box.get_text().strip() == "u=xW+b"


def test_escaped_dollar_is_a_dollar() -> None:
    assert render(r"値段は \$5 と \$6 です。").p.get_text() == "値段は $5 と $6 です。"


@pytest.mark.parametrize("text", ["`$x$ と $y`", "```text\n$x$ と $y\n```", "    $x$ と $y"])
def test_dollar_in_code_stays_as_it_is(text: str) -> None:
    assert render(text).get_text().strip() == "$x$ と $y"
    assert formulas(text) == []


@pytest.mark.parametrize("text", [r"$a < b \& c$", "$$\n" + r"a < b \& c" + "\n$$"])
def test_less_than_and_ampersand_survive(text: str) -> None:
    assert formulas(text) == ["a<b&c"]


@pytest.mark.parametrize(("text", "excluded"), [("文中の $x$ です。", False), ("$$\nx\n$$", True)])
def test_only_a_formula_within_a_sentence_enters_the_search_index(
    text: str, excluded: bool
) -> None:
    (math,) = render(text).select("math")
    assert math.has_attr("data-search-exclude") == excluded


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"2^{100} \approx 1.3 \times 10^{30}", "2^100≈1.3×10^30"),
        (r"10^{-7} < e^{-u}", "10^(−7)&lt;e^(−u)"),
        (r"\frac{1}{2} + \frac{a + b}{N}", "1/2+(a+b)/N"),
        (r"\sqrt{x_n^2} \sqrt{1 - a}", "√(xn^2)√(1−a)"),
        (r"W^\top f'(x) z^{(1)} x^{}", "W⊤f′(x)z(1)x"),
        (r"\hat{v} = \tilde{g}^2", "v\u0302=g\u0303^2"),
    ],
)
def test_search_results_show_a_formula_as_one_line_of_the_same_meaning(
    latex: str, text: str
) -> None:
    assert (
        spelled(f"<p>式 {render(f'${latex}$').select_one('math')} の</p>") == f"<p>式 {text} の</p>"
    )


@pytest.mark.parametrize(
    ("latex", "drawn"),
    [
        ("f'(u)", "<mrow><mi>f</mi><mo>′</mo></mrow>"),
        ("f''", "<mrow><mi>f</mi><mo>″</mo></mrow>"),
        ("x'_n", "<msub><mrow><mi>x</mi><mo>′</mo></mrow><mi>n</mi></msub>"),
        (r"\hat{m}", '<mi>m</mi><mo stretchy="false">^</mo>'),
        (r"\tilde{g}", '<mi>g</mi><mo stretchy="false">~</mo>'),
        (
            r"\sqrt{\epsilon}",
            '<mi>ϵ</mi><mpadded depth=".25em" height=".75em" width="0"></mpadded>',
        ),
    ],
)
def test_marks_too_small_to_read_are_drawn_large(latex: str, drawn: str) -> None:
    (math,) = render(f"${latex}$").select("math")
    assert drawn in str(math)


@pytest.mark.parametrize(
    ("latex", "classes"),
    [
        (r"\begin{aligned} a &= b \end{aligned}", ["right flush-right", "left flush-left"]),
        (r"\begin{cases} a & b \end{cases}", ["left flush-right", "left flush-right column"]),
    ],
)
def test_cells_are_aligned_by_classes(latex: str, classes: list[str]) -> None:
    cells = render(f"${latex}$").select("mtd")
    assert [" ".join(cell["class"]).replace("dl-", "") for cell in cells] == classes
    assert not any(cell.has_attr("style") for cell in cells)


def test_a_power_stays_a_power() -> None:
    assert render("$x^2$").select_one("msup mn").get_text() == "2"


def test_nothing_of_the_latex_is_left_in_the_page() -> None:
    matrix = r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"
    html = host().convert(r"$\frac{1}{2}$ と" + f"\n\n$$\n{matrix}\n$$")
    assert not re.search(r"\\|\$|begin", html)


def test_circled_dot_is_not_drawn_large_in_a_formula_of_its_own_line() -> None:
    """Firefox は、⊙ を Σ のような大きな演算子とみなす。"""
    (dot,) = render("$$\na \\odot b\n$$").find_all("mo")
    assert (dot.get_text(), dot["largeop"]) == ("⊙", "false")


def test_formula_is_written_so_that_safari_sets_it_too() -> None:
    """WebKit は、ますの中では括弧を伸ばさず、添え字の記号の左右を空け、アクセントを字から離す。"""
    page = render(
        "$$\n\\begin{aligned} a &= \\bigl[ b \\bigr] \\\\ &= \\hat{c}^* \\end{aligned}\n$$"
    )
    cells = [cell.find_all(recursive=False) for cell in page.find_all("mtd")]
    assert max(map(len, cells)) == 1
    (script,) = page.select("msup > mo")
    assert (script["lspace"], script["rspace"]) == ("0", "0")
    assert "dl-accent" in page.mover["class"]
