"""初めて学ぶ人の言葉で、本物の検索の欄から探す。"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from dlnotes.site.glossary import read_terms

# ページの幹と、打ちこんだときに、教える人ならそのページを勧める言葉。
QUERIES = {
    "dl000_1_models": """
        生成モデルとは、識別モデル 生成モデル 違い、隠れマルコフモデル、HMM、マルコフ連鎖、
        ビタビ、VAE、GAN、敵対的生成ネットワーク、モード崩壊、超解像、SVM""",
    "dl000_2_classifiers": "識別関数、ロジスティック回帰、パーセプトロン、識別器",
    "dl000_3_posterior": "事後確率とは、ベイズの定理、事前確率、尤度、棄却",
    "dl000_4_universal_approximation": "万能近似定理、普遍性定理、深さ、のこぎり波",
    "dl001_overview": """
        深層学習とは、ディープラーニング、回帰 分類 違い、ワンホット、one-hot、標準化、
        ハイパーパラメータ、過学習""",
    "dl002_forward": """
        順伝播、ユニット、重み、バイアス、総入力、入力層、中間層、パラメータ数、パラメータの数、
        三層、形、転置、境界、重みとバイアス、ネットワーク、Layer、forward、ニューロン、隠れ層、
        フォワードプロパゲーション、全結合層、重み バイアス 役割、入力層〜中間層""",
    "dl003_activations": """
        活性化関数、シグモイド、シグモイド関数、sigmoid、ReLU、relu、ReLU関数、ステップ関数、
        step、XOR、勾配消失、tanh、GELU、gelu、Leaky ReLU、線形、非線形、アフィン、線形分離、
        導関数、活性化関数 種類、シグモイド 微分、ReLU 微分、勾配消失問題、
        ハイパボリックタンジェント、排他的論理和、死んだReLU、中間層 活性化関数、ｼｸﾞﾓｲﾄﾞ""",
    "dl004_losses": """
        誤差関数、損失関数、二乗誤差、平均二乗誤差、MSE、MAE、Huber、外れ値、最尤推定、負の対数尤度""",
    "dl005_output_activations": """
        多クラス分類、ソフトマックス、softmax、ソフトマックス 温度、交差エントロピー、
        クロスエントロピー、cross entropy、KLダイバージェンス、1e-7、オーバーフロー、二値分類、
        恒等写像、マルチラベル、順序回帰、ヤコビアン""",
    "dl006_gradient_descent": """
        勾配降下法、最急降下法、学習率、学習率 大きすぎる、Momentum、モーメンタム、Adam、
        AdaGrad、RMSprop、鞍点、Heの初期値、Xavier、最適化手法、ヘッセ行列、ヘシアン、移動平均""",
    "dl007_sgd": "確率的勾配降下法、SGD、オンライン学習、局所解",
    "dl008_minibatch": "ミニバッチ、エポック、epoch、バッチサイズ、エポック イテレーション 違い",
    "dl009_gradients": "数値微分、中心差分、丸め誤差、刻み幅",
    "dl010_backprop": """
        誤差逆伝播法、バックプロパゲーション、backpropagation、逆伝播、連鎖律、チェインルール、
        計算グラフ、自動微分、勾配チェック""",
    "course_functions": "functions.py、softmax_with_loss",
    "corrections": "訂正、訂正:",
    "quiz": "確認テスト、問題",
    "syllabus": "E資格、シラバス",
    "glossary": "用語集",
    "about": "ライセンス",
    "reading_code": "コードの読み方、lambda、newaxis、keepdims、デコレータ、assert",
    "notation": """
        記法、文字、添え字、行がサンプル、行列、配列、精度、float32、logits、ブロードキャスト""",
    "notebooks/1_1_forward_propagation": "1_1、練習、初期値、準備",
}
# 全角の英字は、見分けにくいので、ここで作る。
WIDE = "".join(chr(ord(c) + 0xFEE0) for c in "ReLU")
TYPED = [(word.strip(), stem) for stem, words in QUERIES.items() for word in words.split("、")]
TYPED.append((WIDE, "dl003_activations"))
WORDS = [word for term in read_terms() for word in (term.ja, *term.variants)]
INPUT = ".md-search__input"
META = ".md-search-result__meta"
RESULT = ".md-search-result__item"

# 一語ずつ打ちこみ、結果の並びから見たいものを集める。速いので、ページを開き直さず、中で続ける。
TYPE = """async words => {
  const input = document.querySelector(".md-search__input")
  const meta = document.querySelector(".md-search-result__meta")
  const scroller = document.querySelector(".md-search__scrollwrap")
  const next = () => new Promise(done => setTimeout(done, 10))
  const items = () => [...document.querySelectorAll(".md-search-result__item")]
  const seen = []
  for (const word of words) {
    input.value = word
    meta.textContent = ""
    // Material は、キーが離されたときに探しはじめ、結果と件数を一度に書きかえる。
    input.dispatchEvent(new KeyboardEvent("keyup", {bubbles: true}))
    for (let n = 0; n < 500 && !meta.textContent.includes("見つかりま"); n++) await next()
    LOOK
  }
  return seen
}"""
FIRST_THREE = TYPE.replace(
    "LOOK",
    """seen.push(items().slice(0, 3).map(item =>
      item.querySelector("a").pathname.replace("/dlnotes/", "").replace(/\\/$/, "")))""",
)
# 結果は、見えるところまでしか並ばないので、並んだものだけでなく、残りも終わりまで送って見る。
NOT_IN_GLOSSARY = TYPE.replace(
    "LOOK",
    """const found = () => items().some(item => item.querySelector("a[href*='glossary/']"))
    for (let n = 0; n < 100 && !found(); n++) {
      scroller.scrollTop = n % 2 ? scroller.scrollHeight : 0
      await next()
    }
    if (!found()) seen.push(word)""",
)


@pytest.fixture(scope="module")
def box(desk: Page, base: str) -> Page:
    desk.goto(base, wait_until="networkidle")
    desk.locator(INPUT).click()
    return desk


def test_words_of_a_beginner_find_their_page_among_the_first_three(box: Page) -> None:
    found = dict(zip(TYPED, box.evaluate(FIRST_THREE, [word for word, _ in TYPED]), strict=True))
    missed = [
        f"{word}: {stem} ではなく {three}"
        for (word, stem), three in found.items()
        if stem not in three
    ]
    first = sum(three[:1] == [stem] for (_, stem), three in found.items())
    print(
        f"{len(TYPED)} 語のうち、先頭 {first} 語、三番めまで {len(TYPED) - len(missed)} 語",
        *missed,
        sep="\n",
    )
    assert len(TYPED) >= 100
    assert len(missed) <= 0.02 * len(TYPED), missed


def test_every_topic_has_words_to_look_for() -> None:
    missing = {path.stem for path in Path("docs").glob("dl0*.md")} - set(QUERIES)
    assert missing == set(), f"上の QUERIES に、探す言葉がありません: {missing}"


def test_every_word_of_the_glossary_finds_the_glossary(box: Page) -> None:
    assert len(WORDS) > 200
    assert box.evaluate(NOT_IN_GLOSSARY, [*WORDS, "ペンギン"]) == ["ペンギン"]


def test_word_that_is_nowhere_finds_nothing(box: Page) -> None:
    assert box.evaluate(FIRST_THREE, ["ペンギン"]) == [[]]


def test_pasted_word_is_looked_for_without_a_key(box: Page) -> None:
    box.fill(INPUT, "")
    box.keyboard.insert_text("勾配消失")
    expect(box.locator(META)).to_contain_text("見つかりま")


@pytest.mark.parametrize(
    ("typed", "word"),
    [("シグモイド関数", "シグモイド関数"), ('「逆伝播」"。', "逆伝播"), ("relu", "relu")],
)
def test_whole_word_looked_for_is_marked_in_the_page(
    desk: Page, base: str, typed: str, word: str
) -> None:
    desk.goto(base, wait_until="networkidle")
    desk.locator(INPUT).click()
    desk.keyboard.insert_text(typed)
    desk.locator(f"{RESULT} a").first.click()
    marks = desk.locator("article mark")
    expect(marks.first).to_be_attached()
    assert {mark.lower() for mark in marks.all_text_contents()} == {word}


@pytest.fixture
def phone(browser: Browser, base: str) -> Iterator[Page]:
    """電話の幅で開いた DL003。"""
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{base}dl003_activations/", wait_until="networkidle")
        yield page


def test_result_on_the_same_page_is_gone_to_each_time(phone: Page) -> None:
    for name in ("勾配消失", "ステップ関数", "ステップ関数"):
        phone.evaluate("scrollTo(0, document.body.scrollHeight)")
        phone.locator('.md-header__button[for="__search"]').click()
        phone.locator(INPUT).fill(name)
        found = phone.locator(f"{RESULT} a[href*='dl003'][href*='#']", has_text=name)
        # 「この他」に折りたたまれていることもある。
        found.first.evaluate("link => link.click()")
        heading = phone.locator(":target")
        expect(heading).to_be_in_viewport()
        expect(heading).to_contain_text(name)


def test_menu_closes_when_a_heading_is_chosen(phone: Page) -> None:
    for name in ("ステップ関数", "ステップ関数", "relu"):
        phone.evaluate("scrollTo(0, document.body.scrollHeight)")
        phone.get_by_role("button", name="メニュー").click()
        contents = phone.locator('.md-nav--primary [for="__toc"]').first
        if contents.is_visible():
            contents.click()
        phone.locator(".md-nav--secondary a", has_text=name).first.click()
        expect(phone.locator("#__drawer")).not_to_be_checked()
        expect(phone.locator(":target")).to_be_in_viewport()


def test_index_is_not_fetched_before_the_first_word(browser: Browser, base: str) -> None:
    page, asked = browser.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(base, wait_until="networkidle")
    page.locator(INPUT).click()
    expect(page.locator(META)).to_contain_text("検索キーワードを入力")
    heavy = ("search/index.json", "lunr", "tinyseg")
    before = [url for url in asked if any(part in url for part in heavy)]
    waiting: list[Route] = []
    page.route("**/search/index.json", lambda route: waiting.append(route))
    with page.expect_request("**/search/index.json"):
        page.keyboard.type("ReLU")
    expect(page.locator(META)).to_contain_text("探しています")
    waiting[0].continue_()
    expect(page.locator(META)).to_contain_text("見つかりま")
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect(page.locator(META)).to_contain_text("検索キーワードを入力")
    page.close()
    assert before == []
    assert any("search/index.json" in url for url in asked)


def test_word_taken_back_while_the_index_comes_is_not_answered(browser: Browser, base: str) -> None:
    page, waiting = browser.new_page(), list[Route]()
    page.goto(base, wait_until="networkidle")
    page.route("**/search/index.json", lambda route: waiting.append(route))
    page.evaluate(
        """selector => {
      window.seen = []
      const meta = document.querySelector(selector)
      new MutationObserver(() => seen.push(meta.textContent)).observe(meta, {childList: true})
    }""",
        META,
    )
    page.locator(INPUT).click()
    with page.expect_request("**/search/index.json"):
        page.keyboard.type("ReLU")
    page.keyboard.press("Control+A")
    page.keyboard.type("ペンギン")
    waiting[0].continue_()
    expect(page.locator(META)).to_contain_text("見つかりませんでした")
    seen = page.evaluate("seen")
    page.close()
    assert [text for text in seen if "見つかりました" in text] == []


def test_part_that_did_not_arrive_is_fetched_again_at_the_next_word(
    browser: Browser, base: str
) -> None:
    page = browser.new_page()
    page.goto(base, wait_until="networkidle")
    with page.expect_event("requestfailed"):
        page.route("**/tinyseg.js", lambda route: route.abort())
        page.locator(INPUT).click()
        page.keyboard.type("ReL")
    page.unroute("**/tinyseg.js")
    page.keyboard.type("U")
    expect(page.locator(META)).to_contain_text("見つかりました")
    page.close()


def test_search_and_schemes_work_where_storage_is_forbidden(forbidden: Page, base: str) -> None:
    forbidden.set_viewport_size({"width": 1280, "height": 800})
    forbidden.goto(base + "dl002_forward/")
    forbidden.locator(INPUT).click()
    forbidden.keyboard.type("ReLU")
    expect(forbidden.locator(".md-search-result__item").first).to_contain_text("ReLU")
    forbidden.keyboard.press("Escape")
    forbidden.locator("label[for=__palette_1]").click()
    expect(forbidden.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
