"""初めて学ぶ人の言葉で、本物の検索の欄から探す。"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from dlnotes.site.glossary import read_terms

# ページの幹と、打ちこんだときにそのページが三番めまでに見つかるべき言葉。
QUERIES = {
    "dl002_forward": """
        順伝播、ユニット、重み、バイアス、総入力、入力層、中間層、パラメータ数、パラメータの数、三層、
        形、転置、境界、重みとバイアス、ネットワーク、Layer、forward""",
    "dl003_activations": """
        活性化関数、シグモイド、シグモイド関数、sigmoid、ReLU、relu、ReLU関数、ステップ関数、step、
        XOR、勾配消失、tanh、GELU、gelu、Leaky ReLU、線形、非線形、アフィン、線形分離、導関数""",
    "notation": """
        記法、文字、添え字、行がサンプル、行列、配列、精度、float32、logits、ブロードキャスト""",
    "notebooks/1_1_forward_propagation": "1_1、練習、初期値、多クラス分類、準備",
}
TYPED = [(word.strip(), stem) for stem, words in QUERIES.items() for word in words.split("、")]
WORDS = [word for term in read_terms() for word in (term.ja, *term.variants)]
INPUT = ".md-search__input"
META = ".md-search-result__meta"
FIRST_THREE = """() => [...document.querySelectorAll(".md-search-result__item")].slice(0, 3)
  .map(item => item.querySelector("a").pathname.replace("/dlnotes/", "").replace(/\\/$/, ""))"""

# 一語ずつ打ちこみ、用語集が結果にない言葉を集める。結果は、見えるところまでしか並ばないので、
# 並んだものだけでなく、残りも終わりまで送って見る。
NOT_IN_GLOSSARY = """async words => {
  const input = document.querySelector(".md-search__input")
  const meta = document.querySelector(".md-search-result__meta")
  const scroller = document.querySelector(".md-search__scrollwrap")
  const next = () => new Promise(done => setTimeout(done, 10))
  const type = async (text, answer) => {
    input.value = text
    input.dispatchEvent(new KeyboardEvent("keyup", {bubbles: true}))
    for (let n = 0; n < 300 && !meta.textContent.includes(answer); n++) await next()
  }
  const found = () => document.querySelector(".md-search-result__item a[href*='glossary/']")
  const missing = []
  for (const word of words) {
    await type("", "検索キーワードを入力")
    await type(word, "見つかりま")
    for (let n = 0; n < 100 && !found(); n++) {
      scroller.scrollTop = n % 2 ? scroller.scrollHeight : 0
      await next()
    }
    if (!found()) missing.push(word)
  }
  return missing
}"""


@pytest.fixture(scope="module")
def box(desk: Page, base: str) -> Page:
    desk.goto(base, wait_until="networkidle")
    desk.locator(INPUT).click()
    return desk


def search(box: Page, query: str) -> list[str]:
    for text, answer in ("", "検索キーワードを入力"), (query, "見つかりま"):
        box.fill(INPUT, text)
        # Material は、キーが離されたときに探しはじめる。
        box.press(INPUT, "End")
        expect(box.locator(META)).to_contain_text(answer, timeout=3000)
    return list(map(str, box.evaluate(FIRST_THREE)))


@pytest.mark.parametrize(("query", "stem"), TYPED)
def test_query_finds_its_page_among_the_first_three(box: Page, query: str, stem: str) -> None:
    assert stem in search(box, query)


def test_every_word_of_the_glossary_finds_the_glossary(box: Page) -> None:
    assert len(WORDS) > 200
    assert box.evaluate(NOT_IN_GLOSSARY, [*WORDS, "ペンギン"]) == ["ペンギン"]


def test_word_that_is_nowhere_finds_nothing(box: Page) -> None:
    assert search(box, "ペンギン") == []


def test_index_is_not_fetched_before_the_first_word(browser: Browser, base: str) -> None:
    page, asked = browser.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(base, wait_until="networkidle")
    page.locator(INPUT).click()
    expect(page.locator(META)).to_contain_text("検索キーワードを入力")
    heavy = ("search/index.json", "lunr", "tinyseg")
    before = [url for url in asked if any(part in url for part in heavy)]
    page.keyboard.type("ReLU")
    expect(page.locator(META)).to_contain_text("見つかりま")
    page.close()
    assert before == []
    assert any("search/index.json" in url for url in asked)
