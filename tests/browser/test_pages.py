"""すべてのページを、明暗の配色で開き、電話とパソコンの幅で見る。"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

LIMIT = 160_000
SCRIPTS_LIMIT = 12_288
EVERY_SCHEME = pytest.mark.parametrize("scheme", ["light", "dark"])


@EVERY_SCHEME
def test_page_says_nothing_in_the_console(visit: Any, url: str, scheme: str) -> None:
    assert visit(url, scheme).said == []


@EVERY_SCHEME
def test_everything_the_page_asks_for_arrives(visit: Any, url: str, scheme: str) -> None:
    assert visit(url, scheme).failed == []


@EVERY_SCHEME
def test_page_asks_no_other_origin(visit: Any, base: str, url: str, scheme: str) -> None:
    asked = visit(url, scheme).asked
    assert [a for a in asked if not a.startswith((base, "data:", "blob:"))] == []


@EVERY_SCHEME
def test_page_is_not_wider_than_the_screen(visit: Any, url: str, scheme: str) -> None:
    wide = visit(url, scheme).too_wide
    assert wide == [], f"画面の幅に入りません。式なら aligned で行を分けます: {wide}"


@EVERY_SCHEME
def test_axe_finds_no_violation(visit: Any, url: str, scheme: str) -> None:
    assert visit(url, scheme).violations == []


@EVERY_SCHEME
def test_every_image_is_drawn(visit: Any, url: str, scheme: str) -> None:
    assert visit(url, scheme).broken_images == []


@EVERY_SCHEME
def test_only_figures_of_the_scheme_are_fetched(
    visit: Any, site: Path, url: str, scheme: str
) -> None:
    svgs = {unquote(urlsplit(a).path) for a in visit(url, scheme).asked if ".svg" in a}
    assert [svg for svg in svgs if svg.endswith(".dark.svg") != (scheme == "dark")] == []
    html = (site / url / "index.html").read_text(encoding="utf-8")
    assert bool(svgs) == ("dl-figure" in html)


def test_first_view_is_light(visit: Any, site: Path, url: str) -> None:
    asked = [urlsplit(a).path for a in visit(url, "light").first_view if a.startswith("http")]
    sizes = {}
    for path in asked:
        file = site / unquote(path).removeprefix("/dlnotes/")
        file = file / "index.html" if file.is_dir() else file
        sizes[path] = len(gzip.compress(file.read_bytes()))
    table = "".join(f"\n{size:7} {path}" for path, size in sizes.items())
    print(f"{sum(sizes.values()):7} {url or 'index'}{table}")
    assert sum(sizes.values()) <= LIMIT


def test_scripts_of_one_page_are_small(visit: Any, site: Path, url: str) -> None:
    # Material のスクリプトは assets/javascripts にある。
    asked = {urlsplit(a).path for a in visit(url, "light").first_view if a.endswith(".js")}
    ours = [site / a.removeprefix("/dlnotes/") for a in asked if "/assets/javascripts/" not in a]
    assert sum(len(gzip.compress(script.read_bytes())) for script in ours) <= SCRIPTS_LIMIT


def test_deep_link_scrolls_to_its_heading_also_after_a_reload(
    desk: Page, base: str, site: Path, url: str
) -> None:
    html = (site / url / "index.html").read_text(encoding="utf-8")
    name = re.findall(r'<h[1-3][^>]* id="?([^">\s]+)', html)[-1]
    desk.goto("about:blank")
    desk.goto(f"{base}{url}#{name}")
    heading = desk.locator(f'[id="{name}"]')
    expect(heading).to_be_in_viewport()
    desk.reload()
    expect(heading).to_be_in_viewport()
    header = desk.locator(".md-header").bounding_box()
    place = heading.bounding_box()
    assert header
    assert place
    assert place["y"] >= header["y"] + header["height"]
