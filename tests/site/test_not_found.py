"""住所にページがないときの 404 のページ。"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup


@pytest.fixture(scope="module")
def soup(site: Path) -> BeautifulSoup:
    return BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")


def test_page_says_in_japanese_what_happened(soup: BeautifulSoup) -> None:
    assert soup.html is not None
    assert soup.html["lang"] == "ja"
    assert [h.get_text() for h in soup.select("article h1")] == ["ページが見つかりません"]
    assert soup.title is not None
    assert soup.title.get_text().startswith("ページが見つかりません")


def test_search_engines_are_told_to_leave_it_out(soup: BeautifulSoup, site: Path) -> None:
    assert soup.select_one('meta[name="robots"][content="noindex"]')
    assert "404" not in (site / "sitemap.xml").read_text(encoding="utf-8")


def test_every_address_holds_wherever_the_page_is_shown(soup: BeautifulSoup, site: Path) -> None:
    """どの深さの住所でも出されるので、相対の住所は使えない。"""
    tags = soup.select("[href], [src]")
    addresses = [str(tag.get("href") or tag.get("src")) for tag in tags]
    places = [urlsplit(a).path for a in addresses if not a.startswith(("#", "https://github.com/"))]
    assert [place for place in places if not place.startswith("/dlnotes/")] == []
    missing = [p for p in places if not (site / p.removeprefix("/dlnotes/")).exists()]
    assert missing == []


def test_every_page_of_the_site_is_listed(soup: BeautifulSoup, site: Path) -> None:
    listed = {str(a["href"]) for a in soup.select(".dl-all-pages a")}
    built = {p.parent.relative_to(site).as_posix() for p in site.rglob("index.html")}
    assert {f"/dlnotes/{'' if place == '.' else place + '/'}" for place in built} == {
        "/dlnotes/" if href == "/dlnotes/." else href for href in listed
    }
