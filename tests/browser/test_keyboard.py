"""キーボードだけで読む。"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

URL = "dl003_activations/"
# いま焦点のある要素の、セレクターに合うものの名前と、焦点が見えているか。
# 枠は 2 ピクセル以上の線で、地との明るさの比が 3 以上あること（WCAG 2.2 の 2.4.13）。
# 文字の欄にはカーソルが見え、本文へのリンクは焦点のあるときだけ現れる。
# 大きさのない配色のボタンは、隣の絵に枠がつく。
FOCUSED = """(selectors) => {
  const element = document.activeElement
  if (!element || element === document.body) return null
  element.getAnimations().forEach(a => a.finish())
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true})
  const luminance = colors => {
    canvas.clearRect(0, 0, 1, 1)
    for (const color of colors) {
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
    }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data]
      .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const framed = element.matches("[name=__palette]") ? element.nextElementSibling : element
  const style = getComputedStyle(framed), ground = []
  for (let e = framed.parentElement; e; e = e.parentElement)
    ground.unshift(getComputedStyle(e).backgroundColor)
  const [low, high] = [luminance(ground), luminance([...ground, style.outlineColor])].sort()
  const seen = element.matches("[type=text], .md-skip") || style.opacity > 0
    && style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2
    && (high + 0.05) / (low + 0.05) >= 3
  const names = Object.keys(selectors).filter(name => element.matches(selectors[name]))
  return {names, seen, html: element.outerHTML.slice(0, 150) + style.outline}
}"""
# いま焦点のある、本文の要素が、上の帯にすっかり隠れているか。
COVERED = """() => {
  const element = document.activeElement
  const bottom = document.querySelector(".md-header").getBoundingClientRect().bottom
  const covered = element.getBoundingClientRect().bottom <= bottom
  return {inside: !!element.closest("article"), covered, html: element.outerHTML.slice(0, 150)}
}"""
EVERYWHERE = {
    "本文へのリンク": ".md-skip",
    "ページの移動": ".md-nav__link",
    "配色": "input[name=__palette]",
    "検索": ".md-search__input",
    "ページの移動の段": "label.md-nav__link > [role=button]",
    "折りたたみ": "summary",
    "次のページ": ".md-footer__link--next",
}
PARTS = {
    "dl002_forward/": {
        "コードの写し": ".md-code__nav button, .md-clipboard",
        "実行": ".dl-run button",
        "つまみ": "[type=range]",
        "用語": "a.dl-term",
    },
    "quiz/": {"選択肢": "[type=radio]", "答え合わせ": "form button", "題目": "select"},
}


@pytest.fixture
def page(desk: Page, base: str) -> Page:
    desk.emulate_media(color_scheme="light")
    desk.goto(base + URL, wait_until="networkidle")
    return desk


def open_search(page: Page, key: str) -> None:
    """混んだ機械では、Material がキーを聞きはじめるのが遅れるので、聞かれるまで押す。"""
    focused = page.locator(".md-search__input:focus")
    for _ in range(50):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        if focused.count():
            return
    expect(focused).to_be_attached()


@pytest.mark.parametrize("path", PARTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tab_reaches_every_part_and_shows_where_it_is(
    desk: Page, base: str, path: str, scheme: Any
) -> None:
    desk.emulate_media(color_scheme=scheme)
    desk.goto(base + path, wait_until="networkidle")
    parts, stops = EVERYWHERE | PARTS[path], []
    desk.keyboard.press("Tab")
    while (focused := desk.evaluate(FOCUSED, parts)) is not None:
        stops.append(focused)
        assert len(stops) < 400
        desk.keyboard.press("Tab")
    assert stops[0]["names"] == ["本文へのリンク"]
    assert set(parts) - {name for stop in stops for name in stop["names"]} == set()
    assert [stop["html"] for stop in stops if not stop["seen"]] == []


def test_focus_going_back_is_never_under_the_header(desk: Page, base: str) -> None:
    desk.goto(f"{base}dl005_output_activations/", wait_until="networkidle")
    desk.locator(".md-footer__link--prev").focus()
    # 隠れた「ページトップへ戻る」は、ページが動いた後で、テーマが順から外す。
    expect(desk.locator(".md-top")).to_have_attribute("tabindex", "-1")
    stops: list[dict[str, Any]] = []
    while not stops or stops[-1]["inside"]:
        desk.keyboard.press("Shift+Tab")
        stops.append(desk.evaluate(COVERED))
        assert len(stops) < 400
    assert len(stops) > 50
    assert [stop["html"] for stop in stops[:-1] if stop["covered"]] == []


def test_skip_link_leads_to_the_text(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#*")
    expect(page.locator("article h1")).to_be_in_viewport()


@pytest.mark.parametrize("key", ["/", "f", "s"])
def test_key_opens_the_search_and_escape_closes_it(page: Page, key: str) -> None:
    open_search(page, key)
    page.keyboard.press("Escape")
    expect(page.locator(".md-search__input")).not_to_be_focused()


def test_escape_from_the_search_leads_back_to_where_the_reader_was(page: Page) -> None:
    run = page.get_by_role("button", name="実行").nth(3)
    run.focus()
    open_search(page, "/")
    page.keyboard.press("Escape")
    expect(run).to_be_focused()


def test_result_of_the_search_is_chosen_with_the_arrow_keys(page: Page, base: str) -> None:
    open_search(page, "/")
    page.keyboard.insert_text("バックプロパゲーション")
    expect(page.locator(".md-search-result__link").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".md-search-result__link").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}dl010_backprop/**")
    expect(page.locator("article h1")).to_be_in_viewport()


def test_theme_is_switched_with_the_keyboard_and_figures_follow(page: Page) -> None:
    body = page.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "default")
    page.locator("input[name=__palette]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    figure = page.locator("article .dl-figure img:visible").first
    figure.scroll_into_view_if_needed()
    assert ".dark.svg" in str(figure.get_attribute("src"))
    figure.evaluate("image => image.decode()")
    page.evaluate("localStorage.clear()")


def test_code_is_copied_with_the_keyboard(page: Page, base: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    # 折りたたみの中のものは、見えていない。
    block = page.locator("article > .highlight:has(.dl-run)").last
    assert block.locator(".md-code__nav").count() == 0
    # 写しのボタンは、コードが画面に入ったときに、コードと「▶ 実行」の前に付く。
    block.get_by_role("button", name="実行").focus()
    copy = block.locator(".md-code__nav button")
    expect(copy).to_be_visible()
    page.keyboard.press("Shift+Tab")
    if not copy.evaluate("button => button === document.activeElement"):
        page.keyboard.press("Shift+Tab")
    expect(copy).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".md-dialog")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == block.locator("code").inner_text().strip()


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Page]:
    """200 % に拡大したパソコンの画面ほどの幅のページ。"""
    context = browser.new_context(viewport={"width": 640, "height": 900})
    yield context.new_page()
    context.close()


def test_menu_of_a_narrow_screen_is_opened_walked_and_closed_with_the_keyboard(
    narrow: Page, base: str
) -> None:
    page = narrow
    page.goto(base + URL, wait_until="networkidle")
    focus = page.locator(":focus")
    for _ in range(2):
        page.keyboard.press("Tab")
    menu = page.get_by_role("button", name="メニュー")
    expect(menu).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "false")
    # 閉じたメニューの中には、止まらない。
    for _ in range(3):
        page.keyboard.press("Tab")
        expect(focus).to_be_in_viewport()
    expect(page.locator("article :focus")).to_be_attached()

    menu.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(focus).to_be_in_viewport()
    section = page.locator(".md-nav__list label.md-nav__link > span", has_text="学習").first
    if not section.is_visible():
        page.keyboard.press("Enter")
        expect(section).to_be_visible()
        # reach.js は、段が替わった後で焦点を移す。
        page.evaluate("() => new Promise(done => setTimeout(done))")
    section.focus()
    expect(section).to_be_focused()
    page.keyboard.press("Space")
    expect(focus).to_be_in_viewport()
    expect(page.get_by_role("link", name="DL006 勾配降下法")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
