"""ない住所を開いたときに見えるもの。"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_as_sound_as_the_others(visit: Any, scheme: str) -> None:
    seen = visit("404.html", scheme)
    assert (seen.said, seen.failed, seen.too_wide, seen.violations) == ([], [], [], [])


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("dl003_activation/", "dl003_activations/"),
        ("deep/below/DL010_backprop.html", "dl010_backprop/"),
        ("1_1_forward_propagation.ipynb", "notebooks/1_1_forward_propagation/"),
    ],
)
def test_misspelt_address_leads_to_the_page_that_was_meant(
    desk: Page, base: str, asked: str, nearest: str
) -> None:
    answer = desk.goto(base + asked)
    assert answer
    assert answer.status == 404
    link = desk.locator(".dl-near a").first
    expect(link).to_be_visible()
    link.click()
    assert desk.url == base + nearest
    expect(desk.locator("article h1")).to_be_visible()


def test_address_like_no_page_shows_no_nearest(desk: Page, base: str) -> None:
    desk.goto(f"{base}zzz/")
    expect(desk.locator(".dl-all-pages")).to_be_visible()
    expect(desk.locator(".dl-near")).to_be_hidden()


def test_search_works_at_an_address_that_does_not_exist(desk: Page, base: str) -> None:
    desk.goto(f"{base}no/such/place/", wait_until="networkidle")
    box = desk.locator(".md-search__input")
    box.click()
    box.fill("シグモイド")
    result = desk.locator(".md-search-result__link", has_text="シグモイド").first
    result.click()
    desk.wait_for_url(f"{base}*/?h=*")
    expect(desk.locator("article h1")).not_to_have_text("ページが見つかりません")
