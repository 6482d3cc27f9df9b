"""キーボードだけで読む。"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

URL = "dl003_activations/"
# いま焦点のある要素の、セレクターに合うものの名前と、焦点が見えているか。
# 文字の欄にはカーソルが見え、大きさのない配色のボタンは隣の絵に枠がつく。
FOCUSED = """(selectors) => {
  const element = document.activeElement
  if (!element || element === document.body) return null
  element.getAnimations().forEach(a => a.finish())
  const seen = element.matches("[type=text]") || [element, element.nextElementSibling].some(e => {
    const style = e && getComputedStyle(e), box = e?.getBoundingClientRect()
    return style?.outlineStyle !== "none" && style?.opacity > 0 && box.width + box.height > 1
  })
  const names = Object.keys(selectors).filter(name => element.matches(selectors[name]))
  return {names, seen, html: element.outerHTML.slice(0, 150)}
}"""
PARTS = {
    "本文へのリンク": ".md-skip",
    "ページの移動": ".md-nav__link",
    "配色": "input[name=__palette]",
    "検索": ".md-search__input",
    "コードの写し": ".md-code__nav button, .md-clipboard",
    "見出しへのリンク": ".headerlink",
}


@pytest.fixture
def page(desk: Page, base: str) -> Page:
    desk.emulate_media(color_scheme="light")
    desk.goto(base + URL, wait_until="networkidle")
    return desk


def test_tab_reaches_every_part_and_shows_where_it_is(page: Page) -> None:
    reached, unseen = set(), []
    page.keyboard.press("Tab")
    first = page.evaluate(FOCUSED, PARTS)
    for _ in range(300):
        focused = page.evaluate(FOCUSED, PARTS)
        if focused is None:
            break
        reached |= set(focused["names"])
        if not focused["seen"]:
            unseen.append(focused["html"])
        page.keyboard.press("Tab")
    assert first["names"] == ["本文へのリンク"]
    assert set(PARTS) - reached == set()
    assert unseen == []


def test_skip_link_leads_to_the_text(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#*")
    expect(page.locator("article h1")).to_be_in_viewport()


@pytest.mark.parametrize("key", ["/", "f", "s"])
def test_key_opens_the_search_and_escape_closes_it(page: Page, key: str) -> None:
    page.keyboard.press(key)
    expect(page.locator(".md-search__input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".md-search__input")).not_to_be_focused()


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
    block = page.locator("article .highlight").first
    block.locator("button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".md-dialog")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == block.locator("code").inner_text().strip()
