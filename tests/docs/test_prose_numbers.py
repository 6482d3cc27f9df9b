"""文の中の数の関所。写し間違えた数と、成りたたない等式を捕まえられることも確かめる。"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from prose_numbers import Findings, check, leads_to

from dlnotes.site.math import spell, to_mathml
from dlnotes.site.quiz import Choice, load

# ほかのテストが確かめる数のページ: 数はビルドが入れる、訂正はもとのページから写す、
# 問いと選択肢は自由に選んだ数で、正解は tests/site/test_quiz.py が計算する、
# 表の例は自由に選んだ数で、結果は test_reading_code.py が計算する。
ELSEWHERE = {"about/", "corrections/", "quiz/", "reading_code/"}
ADVICE = "同じ節で計算していない数です（ほかの節の数ならリンクし、計算できなければ GIVEN に足す）"
# 計算できない数と、そのわけ。
GIVEN = {
    "dl000_4_universal_approximation/": {
        "5000": "読む人に試してもらう値",
        "120 万": "文献（Krizhevsky ほか）の数",
        "6,000 万": "文献（Krizhevsky ほか）の数",
        "11": "講義の番号",
        "785": "講義の番号",
    },
    "dl001_overview/": {"20": "仮に作った規則"},
    "syllabus/": {"2024": "シラバスの名前", "2026": "シラバスの名前と、試験の年"},
    "dl006_gradient_descent/": {"45": "コードの回転行列の角度"},
    "dl007_sgd/": {"100 万": "仮のサンプルの数", "1,000": "添え字 999 の、1 から数えた番号"},
    "notebooks/1_2_back_propagation/": {"1,000": "ほかのノートブックの更新の回数"},
    "notebooks/1_3_stochastic_gradient_descent/": {
        "100,000": "前の節のデータの数",
        "1,000": "前の節の更新の回数",
        "1×10^(6)": "前の節で学習を打ち切る誤差",
    },
}


def read(html: str) -> Findings:
    article = BeautifulSoup(html, "html.parser").article
    assert article is not None
    return check(article)


def spelled(text: str) -> str:
    """式を `$` で囲んだまま、一列の字にする。"""
    return re.sub(r"\$([^$]+)\$", lambda m: f"${spell(to_mathml(m[1], display=False))}$", text)


def is_reckoned(choice: Choice) -> bool:
    answer = spelled(choice.text).replace("$", "")
    return not re.search(r"\d", answer) or leads_to(answer, spelled(choice.why))


@cache
def findings(page: Path) -> Findings:
    return read(page.read_text(encoding="utf-8"))


def found(html: str) -> Findings:
    return read(f"<article>{html}</article>")


def test_every_number_in_the_prose_was_computed(site: Path, url: str) -> None:
    if url not in ELSEWHERE:
        unproved = findings(site / url / "index.html").unproved
        given = GIVEN.get(url, {})
        missing = {n: text for n, text in unproved.items() if n not in given}
        assert missing == {}, f"{url}: {ADVICE}: {missing}"
        assert [n for n in given if n not in unproved] == [], "もう要らない例外です"


def test_the_reckoning_beside_a_choice_gives_the_number_of_the_choice() -> None:
    _, questions = load(Path("docs/quiz.toml"))
    wrong = [c for q in questions for c in q.choices if not is_reckoned(c)]
    assert [f"{choice.text}: {choice.why}" for choice in wrong] == []


def test_every_equation_of_numbers_holds(site: Path, url: str) -> None:
    assert findings(site / url / "index.html").false == []


# 二行にわたる等式。左のますの空の行は、前の行の続き。
ROWS = (
    '<mtable displaystyle="true"><mtr><mtd>{}</mtd><mtd><mo>=</mo><mn>2</mn><mo>+</mo><mn>2</mn>'
    "</mtd></mtr><mtr><mtd></mtd><mtd><mo>=</mo>{}</mtd></mtr></mtable>"
)
LOG2 = "<msub><mi>log</mi><mn>2</mn></msub>"
BLOCK = "<pre>print(0.2 * 0.9 / 0.5)</pre><pre>0.36</pre>"
WRONG = {
    "prose": ("<p>確率は 0.37 です。</p>", "0.37"),
    "formula": ("<p><math><mi>p</mi><mo>=</mo><mn>0.37</mn></math> です。</p>", "0.37"),
    "power": ("<p><math><msup><mn>10</mn><mn>4</mn></msup></math> 倍です。</p>", "1×10^(4)"),
    "thousands": ("<p>1,024 個です。</p>", "1,024"),
    "percent": ("<p>35% です。</p>", "35%"),
    "myriads": ("<p>3.6 万個です。</p>", "3.6 万"),
    "alt": ('<p><img alt="0.35 で交わります。" src="a.svg#only-light"></p>', "0.35"),
    "year": ("<p>2000 個です。</p>", "2000"),
    "sign": ("<p>x = −0.36 です。</p>", "0.36"),
    "zero": ("<p>0.0 です。</p>", "0.0"),
    "vector": (
        "<p><math><mo>(</mo><mn>0.36</mn><mo>,</mo><mn>0.48</mn><mo>)</mo></math></p>",
        "0.48",
    ),
    "bare relation": ("<p><math><mn>0.47</mn><mo>&lt;</mo><mn>1</mn></math></p>", "0.47"),
    "another section": ("<h2>次の節</h2><p>確率は 0.36 です。</p>", "0.36"),
}
RIGHT = [
    "<p>確率は 0.36、およそ 0.4、36% です。</p>",
    "<p>1/0.5 は 2 です。三つのうち 2 つです。</p>",
    "<p><math><msup><mn>2</mn><mn>10</mn></msup><mo>=</mo><mn>1024</mn></math>、1,024 です。</p>",
    '<h2 id="next">次の節</h2><p><a href="#top">上</a>の確率は 0.36 です。</p>',
    "<p>Bishop（2006）の 4.3.2 項にあります。</p>",
    '<h2 id="出典">出典</h2><p>式 (4.88)</p>',
]


@pytest.mark.parametrize(("html", "number"), WRONG.values(), ids=list(WRONG))
def test_a_number_that_was_not_computed_is_found(html: str, number: str) -> None:
    assert list(found(f"{BLOCK}{html}").unproved) == [number]


def test_only_the_ends_of_a_notebook_speak_of_the_whole() -> None:
    page = (
        '<div class="dl-notebook-links"></div>{}<h2>節</h2>' + BLOCK + "<h2>節</h2>{}<h2>節</h2>{}"
    )
    said = "<p>確率は 0.36 です。</p>"
    assert found(page.format(said, "", said)).unproved == {}
    assert list(found(page.format("", said, "")).unproved) == ["0.36"]


@pytest.mark.parametrize("html", RIGHT)
def test_a_computed_number_or_a_reference_passes(html: str) -> None:
    assert found(f'<h2 id="top">節</h2>{BLOCK}{html}').unproved == {}


@pytest.mark.parametrize(
    ("equation", "holds"),
    [
        ("<mn>0.45</mn><mo>/</mo><mn>0.475</mn><mo>≈</mo><mn>0.947</mn>", True),
        ("<mn>0.45</mn><mo>/</mo><mn>0.475</mn><mo>≈</mo><mn>0.948</mn>", False),
        ("<mn>6</mn><mo>×</mo><mn>7</mn><mo>=</mo><mn>42</mn>", True),
        ("<mn>6</mn><mo>×</mo><mn>7</mn><mo>=</mo><mn>43</mn>", False),
        ("<mo>⌈</mo><mn>7</mn><mo>/</mo><mn>2</mn><mo>⌉</mo><mo>=</mo><mn>3</mn>", False),
        ("<mi>log</mi><mo>\u2061</mo><mn>10</mn><mo>≈</mo><mn>2.4</mn>", False),
        ("<msqrt><mn>2</mn></msqrt><mo>&lt;</mo><mn>1</mn>", False),
        ("<mi>x</mi><mo>=</mo><mn>3</mn><mo>=</mo><mn>4</mn>", False),
        ("<mi>x</mi><mo>=</mo><mn>3</mn>", True),
        (ROWS.format("<mi>x</mi>", "<mn>4</mn>"), True),
        (ROWS.format("<mi>x</mi>", "<mn>5</mn>"), False),
        (f"{LOG2}<mo>\u2061</mo><mn>8</mn><mo>=</mo><mn>3</mn>", True),
        ("<mn>0</mn><mi>log</mi><mo>\u2061</mo><mn>0</mn><mo>=</mo><mn>0</mn>", True),
    ],
)
def test_a_false_equation_is_found(equation: str, holds: bool) -> None:
    assert (found(f"<p><math>{equation}</math></p>").false == []) is holds


@pytest.mark.parametrize(
    ("answer", "reason", "is_right"),
    [
        ("0.12", r"$0.3\times0.4$ です。", True),
        ("0.13", r"$0.3\times0.4$ です。", False),
        ("約 0.33 倍", r"$\sqrt{1/9}\approx0.33$ です。", True),
        ("2 回", r"$\lceil5/2\rceil=3$ です。", False),
        ("0.12", "$x=3$ とした値です。", True),
        ("0.12", "確率の和が 1 になりません。", True),
    ],
)
def test_a_choice_that_its_reckoning_does_not_give_is_found(
    answer: str, reason: str, is_right: bool
) -> None:
    assert leads_to(answer, spelled(reason)) is is_right


def test_most_misprints_in_a_topic_would_be_found(site: Path, url: str) -> None:
    # ノートブックの節は長く、近い数が同じ節で計算されていることが多い。
    if url.startswith("dl"):
        caught, misprints = findings(site / url / "index.html").misprints
        few = f"文の数を書き誤っても、{misprints} 通りのうち {caught} 通りしか見つかりません"
        assert caught >= 0.55 * misprints, f"{url}: {few}。節（##）を小さく分けてください"
