"""用語の説明を、指す、触れる、焦点を移す、のどれでも読める。"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

URL = "dl005_output_activations/"
TERM, BOX = "a.dl-term", ".dl-definition"


@pytest.fixture
def page(desk: Page, base: str) -> Page:
    desk.emulate_media(color_scheme="light")
    desk.goto(base + URL)
    desk.mouse.move(0, 0)
    return desk


@pytest.fixture
def scheme() -> str:
    return "light"


@pytest.fixture
def phone(browser: Browser, base: str, scheme: Any) -> Iterator[Page]:
    size = {"width": 390, "height": 800}
    context = browser.new_context(viewport=size, has_touch=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(base + URL)
    yield page
    context.close()


def test_pointing_shows_the_definition_and_leaving_hides_it(page: Page) -> None:
    term, box = page.locator(TERM).first, page.locator(BOX)
    term.hover()
    expect(box).to_be_visible()
    expect(box.locator("p")).to_have_text(str(term.get_attribute("data-definition")))
    # 窓の中のリンクを押せるよう、窓に移っても消えない。
    box.locator("a").hover()
    page.wait_for_timeout(500)
    expect(box).to_be_visible()
    page.mouse.move(0, 0)
    expect(box).to_be_hidden()


def test_focus_shows_the_definition_and_escape_closes_it(page: Page) -> None:
    term, box = page.locator(TERM).first, page.locator(BOX)
    page.locator("article h1 .headerlink").focus()
    page.keyboard.press("Tab")
    expect(term).to_be_focused()
    expect(box).to_be_visible()
    expect(term).to_have_accessible_description(str(term.get_attribute("data-definition")))
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(term).to_be_focused()
    page.keyboard.press("Tab")
    expect(box).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary/#*")


def test_click_with_a_mouse_opens_the_entry(page: Page) -> None:
    name = page.locator(TERM).first.inner_text()
    page.locator(TERM).first.click()
    page.wait_for_url("**/glossary/#*")
    expect(page.locator("article h3:target")).to_contain_text(name)


def test_every_definition_opens_by_touch_and_stays_on_the_screen(phone: Page) -> None:
    terms, box = phone.locator(TERM), phone.locator(BOX)
    assert terms.count() > 3
    for place in range(terms.count()):
        terms.nth(place).tap()
        expect(box.locator("p")).to_have_text(
            str(terms.nth(place).get_attribute("data-definition"))
        )
        expect(box).to_be_visible()
        area = box.bounding_box()
        assert area
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= 390
        assert area["y"] >= 0
        assert area["y"] + area["height"] <= 800
        phone.keyboard.press("Escape")
        expect(box).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_a_definition_that_leads_to_its_entry(phone: Page) -> None:
    box = phone.locator(BOX)
    phone.locator(TERM).first.tap()
    expect(box).to_be_visible()
    scope = {"include": [[BOX], [TERM]]}
    assert Axe().run(phone, context=scope).response["violations"] == []
    box.locator("a").tap()
    phone.wait_for_url("**/glossary/#*")


def test_enter_opens_the_entry_also_after_a_touch(phone: Page) -> None:
    phone.locator("article p").first.tap(position={"x": 1, "y": 1})
    phone.locator(TERM).first.press("Enter")
    phone.wait_for_url("**/glossary/#*")


def test_sentence_with_a_term_is_selected_as_written(page: Page) -> None:
    page.locator(TERM).first.hover()
    expect(page.locator(BOX)).to_be_visible()
    paragraph = page.locator("article p", has=page.locator(TERM)).first
    paragraph.evaluate("p => getSelection().selectAllChildren(p)")
    assert page.evaluate("getSelection().toString()").strip() == paragraph.inner_text().strip()
    assert "です。です" not in paragraph.inner_text()


def test_without_scripts_a_term_is_a_link_to_its_entry(browser: Browser, base: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base + URL)
    page.locator(TERM).first.click()
    page.wait_for_url("**/glossary/#*")
    context.close()
