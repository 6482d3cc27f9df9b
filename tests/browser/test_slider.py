"""つまみで動かす図。"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

URL = "dl002_forward/"
SEEN = ":scope > img:visible"


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, base: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 800}, color_scheme=request.param, has_touch=True
    )
    page = context.new_page()
    page.goto(base + URL, wait_until="networkidle")
    yield page
    context.close()


@pytest.fixture
def figure(page: Page) -> Locator:
    figure = page.locator(".dl-slider").first
    figure.scroll_into_view_if_needed()
    image = figure.locator(SEEN).element_handle()
    image.evaluate("image => image.decode()")
    return figure


def name(figure: Locator) -> str:
    return str(figure.locator(SEEN).get_attribute("src")).split("/")[-1].split("#")[0]


def test_slider_has_a_name_a_value_and_room_for_a_finger(figure: Locator) -> None:
    slider = figure.get_by_role("slider", name="重み w", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "2")
    expect(figure.locator("output")).to_have_text("2")
    assert (slider.bounding_box() or {})["height"] >= 44


def test_arrow_keys_change_frame_value_and_alternative_text(figure: Locator) -> None:
    figure.get_by_role("slider").press("ArrowRight")
    expect(figure.locator("output")).to_have_text("3")
    expect(figure.get_by_role("slider")).to_have_attribute("aria-valuetext", "3")
    alt = "重み w = 3 では、x = 0 での傾きは、前が 3、後が 0.75 です。"
    expect(figure.locator(f'{SEEN}[alt$="{alt}"]')).to_have_count(1)
    figure.get_by_role("slider").press("Home")
    expect(figure.locator("output")).to_have_text("−3")
    expect(figure.locator(f'{SEEN}[src*="/weight/0."]')).to_have_count(1)


def test_frames_are_fetched_only_from_the_slider_that_is_moved(page: Page, figure: Locator) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    figure.get_by_role("slider").focus()
    page.wait_for_timeout(200)
    assert asked == []
    figure.get_by_role("slider").press("ArrowLeft")
    page.wait_for_timeout(1000)
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ending = ".dark.svg" if dark else ".svg"
    wanted = {f"{i}{ending}" for i in range(9)} - {f"7{ending}"}
    assert {url.split("/weight/")[-1] for url in asked} == wanted


def test_picture_is_drawn_before_it_takes_the_place_of_the_other(
    page: Page, figure: Locator
) -> None:
    """入れ替わった瞬間に、絵の空いた画像がページにない。"""
    page.evaluate("""() => {
      window.empty = 0
      new MutationObserver(records => {
        for (const added of records.flatMap(r => [...r.addedNodes]))
          if (getComputedStyle(added).display !== "none" && !added.naturalWidth) window.empty += 1
      }).observe(document.querySelector(".dl-slider"), {childList: true})
    }""")
    for i, key in enumerate(["ArrowLeft", "ArrowLeft", "Home", "End"]):
        figure.get_by_role("slider").press(key)
        place = [6, 5, 0, 8][i]
        expect(figure.locator(f'{SEEN}[src*="/weight/{place}."]')).to_have_count(1)
    assert page.evaluate("window.empty") == 0


def test_frame_follows_the_colour_scheme(page: Page, figure: Locator) -> None:
    figure.get_by_role("slider").press("End")
    expect(figure.locator(f'{SEEN}[src*="/weight/8."]')).to_have_count(1)
    before = name(figure)
    swapped, now = {"8.svg": ("8.dark.svg", 0), "8.dark.svg": ("8.svg", 1)}[before]
    page.locator("input[name=__palette]").nth(now).focus()
    page.keyboard.press("ArrowRight")
    image = figure.locator(f'{SEEN}[src*="/{swapped}"]')
    expect(image).to_have_count(1)
    image.scroll_into_view_if_needed()
    image.evaluate("image => image.decode()")


def test_picture_that_cannot_be_fetched_gives_its_text_and_is_tried_again(
    page: Page, figure: Locator
) -> None:
    page.context.set_offline(True)
    figure.get_by_role("slider").press("End")
    broken = figure.locator(f'{SEEN}[alt*="重み w = 3 では"]')
    expect(broken).to_have_count(1)
    page.context.set_offline(False)
    figure.get_by_role("slider").press("Home")
    expect(figure.locator(f'{SEEN}[alt*="重み w = −3 では"]')).to_have_count(1)
    figure.get_by_role("slider").press("End")
    expect(broken).to_have_count(1)
    broken.evaluate("image => image.decode()")


def test_running_the_script_twice_adds_nothing(page: Page, figure: Locator) -> None:
    address = page.locator("script[src*='slider.js']").evaluate("script => script.src")
    page.add_script_tag(url=address)
    assert figure.get_by_role("slider").count() == 1
    ids = page.locator(".dl-slider input").evaluate_all("inputs => inputs.map(i => i.id)")
    assert len(set(ids)) == len(ids) == 2


def test_paper_shows_the_frame_and_its_value_without_the_slider(
    page: Page, figure: Locator
) -> None:
    page.emulate_media(media="print")
    expect(figure.locator("input")).to_be_hidden()
    expect(figure.locator(".dl-slider__control")).to_have_text("重み w = 2")
    assert name(figure) == "7.svg"


def test_page_without_scripts_shows_the_chosen_frame_and_its_value(
    browser: Browser, base: str
) -> None:
    settings: dict[str, Any] = {"java_script_enabled": False, "color_scheme": "light"}
    context = browser.new_context(**settings)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(base + URL)
    figure = page.locator(".dl-slider").first
    figure.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    expect(figure.locator(".dl-slider__control")).to_have_text("重み w = 2")
    expect(figure.locator("img:visible")).to_have_count(1)
    # スクリプトなしでは、ブラウザは lazy を聞かず、見えない側の画像も取りにいく。
    names = {url.split("/")[-1] for url in asked if "/weight/" in url}
    assert names == {"7.svg", "7.dark.svg"}
    context.close()
