"""動きを減らす、字を大きくする、紙に刷る。読む人が選んだ見方でも読める。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

MOVING = """() => [...document.querySelectorAll("body, body *")].filter(e => {
  const style = getComputedStyle(e)
  return style.animationName !== "none" || style.scrollBehavior === "smooth"
    || style.transitionProperty !== "none" && parseFloat(style.transitionDuration) > 0
}).map(e => e.outerHTML.slice(0, 150))"""
# 右にはみ出した要素と、字が切れている要素。上の帯の題は、同じ題が本文にあるので省略されてよい。
CUT = """() => {
  const root = document.documentElement, hides = ["hidden", "clip"]
  const text = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
  return [...document.querySelectorAll("main *, footer *")].filter(e => {
    if (!e.checkVisibility() || e.clientWidth < 2 || !text(e)) return false
    const hidden = hides.includes(getComputedStyle(e).overflowX)
    if (hidden && e.scrollWidth > e.clientWidth + 1) return true
    for (let box = e.parentElement; box; box = box.parentElement)
      if (getComputedStyle(box).overflowX !== "visible") return false
    return e.getBoundingClientRect().right > root.clientWidth + 1
  }).map(e => e.outerHTML.slice(0, 150))
}"""
# 折りたたみの中が見えるようになるのは、紙に切りかえた後の、次に描かれるコマから。
PRINTED = """async selector => {
  for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame)
  return [...document.querySelectorAll(selector)]
    .filter(e => e.checkVisibility({contentVisibilityAuto: true, opacityProperty: true})).length
}"""


# 横に動くのに届かない囲みも、動かないのに止まる囲みもない。
STOPS_ARE_RIGHT = """() => {
  const kinds = ".md-typeset__scrollwrap, pre > code, div.arithmatex"
  const boxes = [...document.querySelectorAll(`article :is(${kinds})`)]
  const scrolls = boxes.filter(box => box.scrollWidth > box.clientWidth)
  return (scrolls.length > 0) === SOME && boxes.every(box =>
    scrolls.includes(box) === (box.tabIndex === 0))
}"""

CUT_CODE = """() => [...document.querySelectorAll("article :is(pre > code, textarea)")]
  .filter(code => code.checkVisibility() && code.scrollWidth > code.clientWidth).length"""
ABOVE_FOOTER = """() => {
  const [button, footer] = [".md-top", ".md-footer"]
    .map(place => document.querySelector(place).getBoundingClientRect())
  return button.bottom <= footer.top
}"""
INK = "element => getComputedStyle(element).color"
# 背景の色だけで描かれる印のうち、下地と同じ色のもの。
UNSEEN_MARKS = """() => {
  const ground = getComputedStyle(document.body).backgroundColor
  const marks = [["summary", "::after"], ["summary", "::before"], [".admonition-title", "::before"]]
  return marks.filter(([place, mark]) => {
    const element = document.querySelector(`article ${place}`)
    return getComputedStyle(element, mark).backgroundColor === ground
  })
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", ["dl002_forward/", "quiz/"])
def test_nothing_moves_when_the_reader_asks_for_less_motion(
    page: Page, base: str, path: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(base + path, wait_until="networkidle")
    page.locator(".md-search__input").focus()
    assert page.evaluate(MOVING) == []


@pytest.mark.parametrize("width", [1280, 640])
@pytest.mark.parametrize(
    "path", ["", "dl002_forward/", "quiz/", "notebooks/1_1_forward_propagation/"]
)
def test_text_of_twice_the_size_is_not_cut(page: Page, base: str, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    settings = page.context.new_cdp_session(page)
    settings.send("Page.enable")
    # ブラウザの設定で字を大きくしたときと同じく、もとの大きさ 16 を 32 にする。
    settings.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    page.goto(base + path, wait_until="networkidle")
    size = page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('article p')).fontSize)"
    )
    assert size >= 32
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("path", ["", "dl002_forward/", "dl003_activations/", "quiz/"])
def test_phone_with_text_of_twice_the_size_is_not_moved_sideways(
    page: Page, base: str, path: str
) -> None:
    page.set_viewport_size({"width": 195, "height": 422})
    page.goto(base + path, wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 195
    page.get_by_role("button", name="メニュー").click()
    drawer = page.locator(".md-sidebar--primary")
    # 外を押して閉じられる。
    expect(drawer).to_have_css("left", re.compile(r"^-"))
    page.wait_for_function(
        "() => document.querySelector('.md-sidebar--primary').getBoundingClientRect().left >= 0"
    )
    box = drawer.bounding_box()
    assert box
    assert box["x"] + box["width"] <= 195 - 44


@pytest.mark.parametrize("path", ["dl002_forward/", "quiz/"])
def test_paper_holds_every_answer_and_no_button(page: Page, base: str, path: str) -> None:
    page.goto(base + path, wait_until="networkidle")
    answers = page.locator("article details > :nth-child(2)").count()
    assert answers > 5
    assert page.evaluate(PRINTED, "article details > :nth-child(2)") == 0
    page.emulate_media(media="print")
    assert page.evaluate(PRINTED, "article details > :nth-child(2)") == answers
    assert (
        page.evaluate(PRINTED, "article :is(button, input, select, .headerlink), nav, header") == 0
    )


@pytest.mark.parametrize("path", ["dl002_forward/"])
def test_paper_is_white_also_for_the_reader_of_the_dark_scheme(
    page: Page, base: str, path: str
) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    page.goto(base + path, wait_until="networkidle")
    ink: Any = page.evaluate("getComputedStyle(document.querySelector('article p')).color")
    assert ink.startswith("rgba(0, 0, 0")
    shown = page.locator("article .dl-figure > img:visible")
    names = [str(image.get_attribute("src")) for image in shown.all()]
    assert len(names) == page.locator("article .dl-figure").count()
    assert [name for name in names if ".dark.svg" in name] == []


@pytest.mark.parametrize("width", [390, 1280])
def test_button_to_the_top_is_never_over_the_link_to_the_next_page(
    page: Page, base: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{base}dl002_forward/", wait_until="networkidle")
    button = page.locator(".md-top")
    page.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
    # Material は、下へ動いたことに気づいた後でなければ、上へ動いたことに気づかない。
    page.wait_for_timeout(500)
    page.evaluate("scrollBy({top: -30, behavior: 'instant'})")
    expect(button).to_have_js_property("hidden", False)
    # 現れきるまで、少し動く。
    page.wait_for_function(ABOVE_FOOTER, timeout=5_000)


def test_paper_cuts_no_line_of_code_also_where_the_reader_writes_it(page: Page, base: str) -> None:
    # A4 から余白を除いた幅。
    page.set_viewport_size({"width": 640, "height": 800})
    page.goto(f"{base}dl002_forward/", wait_until="networkidle")
    page.get_by_role("button", name="編集").first.click()
    page.locator("article textarea").fill("x" * 300)
    assert page.evaluate(CUT_CODE) > 1
    page.emulate_media(media="print")
    assert page.evaluate(CUT_CODE) == 0


def test_marks_are_seen_in_forced_colours(page: Page, base: str) -> None:
    page.emulate_media(forced_colors="active")
    page.goto(f"{base}quiz/", wait_until="networkidle")
    choice = page.locator(".dl-quiz [aria-pressed]").last
    before = choice.evaluate(INK)
    choice.press("Enter")
    expect(choice).to_have_attribute("aria-pressed", "true")
    assert choice.evaluate(INK) != before
    page.goto(f"{base}dl002_forward/", wait_until="networkidle")
    assert page.evaluate(UNSEEN_MARKS) == []


@pytest.mark.parametrize(
    ("scripts", "ground"), [(False, "rgb(255, 255, 255)"), (True, "rgb(30, 33, 41)")]
)
def test_figures_keep_a_ground_of_their_own_in_forced_colours(
    browser: Browser, base: str, scripts: bool, ground: str
) -> None:
    """強制カラーの地の明暗は、図を選ぶ配色と同じとは限らない（スクリプトを切ったときなど）。"""
    settings: Any = {"color_scheme": "dark", "forced_colors": "active"}
    settings["java_script_enabled"] = scripts
    with browser.new_context(**settings) as context:
        page = context.new_page()
        page.goto(f"{base}dl003_activations/")
        grounds = page.locator("article .dl-figure > img:visible").evaluate_all(
            "images => [...new Set(images.map(image => getComputedStyle(image).backgroundColor))]"
        )
    assert grounds == [ground]


def test_paper_offers_no_download_and_tells_the_addresses_elsewhere(page: Page, base: str) -> None:
    page.goto(f"{base}notebooks/1_1_forward_propagation/")
    # 本へのリンクは、本を作った後にだけある。
    page.evaluate("""document.querySelector("article").insertAdjacentHTML(
      "beforeend", '<p class="dl-book">PDF</p><a href="https://example.com/">よそ</a>')""")
    offers = "article :is(.dl-notebook-links, .dl-book)"
    added = "getComputedStyle(document.querySelector('article [href^=http]'), '::after').content"
    assert (page.evaluate(PRINTED, offers), page.evaluate(added)) == (2, "none")
    page.emulate_media(media="print")
    assert page.evaluate(PRINTED, offers) == 0
    assert "（" in page.evaluate(added)


def test_lines_of_japanese_break_by_the_strict_rules(page: Page, base: str) -> None:
    page.goto(f"{base}dl002_forward/")
    style = page.evaluate("""() => {
      const style = getComputedStyle(document.querySelector("article p"))
      const {fontFeatureSettings} = getComputedStyle(document.body)
      return [style.lineBreak, style.overflowWrap, style.textAutospace, fontFeatureSettings]
    }""")
    # text-autospace を知らないブラウザでは、ないものとして読める。
    assert style[:2] == ["strict", "anywhere"]
    assert style[2] in {"normal", None}
    # Firefox は、kern を求めると、和文の句読点も半角につめる。
    assert style[3] == "normal"


def test_formulas_have_no_scrollbar_of_their_own_beside_them(page: Page, base: str) -> None:
    page.goto(f"{base}dl008_minibatch/")
    found = page.locator("article .arithmatex").evaluate_all(
        "boxes => [...new Set(boxes.map(box => getComputedStyle(box).overflow))]"
    )
    assert found == ["auto hidden"]


def test_keyboard_stops_only_at_what_scrolls_also_after_the_window_is_widened(
    page: Page, base: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{base}dl004_losses/")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_function(STOPS_ARE_RIGHT.replace("SOME", "true"))
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function(STOPS_ARE_RIGHT.replace("SOME", "false"))
