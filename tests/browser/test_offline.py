"""zip を開いて、サーバーなしで読む。"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, expect

from dlnotes.site.offline import write_zip

FONTS = """async () => {
  await document.fonts.ready
  return [...document.fonts].map(font => `${font.family} ${font.status}`)
}"""


@pytest.fixture(scope="module")
def unpacked(
    site: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """空白と日本語を含むフォルダーに開いた zip。図は、`site` のビルドが描いたものを使う。"""
    folder = tmp_path_factory.mktemp("offline")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir"]
    build = subprocess.run(
        [*command, str(folder / "built")],
        cwd=pytestconfig.rootpath,
        env=os.environ | {"DLNOTES_OFFLINE": "true", "NO_MKDOCS_2_WARNING": "1"},
        text=True,
        capture_output=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    write_zip(folder / "built", folder / "offline.zip")
    with zipfile.ZipFile(folder / "offline.zip") as archive:
        archive.extractall(folder / "受け取った zip")
    return folder / "受け取った zip" / "dlnotes"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """サーバーにはつながらない機器のページ。何か言われたら赤くなる。"""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    # 次のページに移ったために、やめた取りよせは数えない。
    page.on(
        "requestfailed",
        lambda r: said.append(r.url) if r.failure != "net::ERR_ABORTED" else None,
    )
    yield page
    context.close()
    assert said == []


def pages(folder: Path) -> dict[Path, BeautifulSoup]:
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in folder.rglob("*.html")
    }


def test_every_link_leads_to_a_file_and_a_place_in_it(unpacked: Path) -> None:
    soups = pages(unpacked)
    assert len(soups) > 20
    places = {path: {tag["id"] for tag in soup.find_all(id=True)} for path, soup in soups.items()}
    dead = []
    for path, soup in soups.items():
        for tag in soup.select("[href], [src]"):
            address = urlsplit(str(tag.get("href") or tag.get("src")))
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            place = unquote(address.fragment)
            is_drawn = place in ("", "only-light", "only-dark")
            if not target.is_file() or not (is_drawn or place in places[target]):
                dead.append(f"{path.name}: {address.geturl()}")
    assert dead == []


def test_nothing_in_it_is_for_servers_only(unpacked: Path) -> None:
    names = {path.name for path in unpacked.iterdir()}
    assert not names & {"404.html", "sitemap.xml", "sitemap.xml.gz", "runtime"}


def test_zipping_again_gives_the_same_bytes(unpacked: Path, tmp_path: Path) -> None:
    for path in unpacked.rglob("*"):
        os.utime(path, (0, 0))
    write_zip(unpacked, tmp_path / "a.zip")
    for path in unpacked.rglob("*"):
        os.utime(path)
    write_zip(unpacked, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_figures_and_the_font_of_formulas_are_seen(
    unpacked: Path, page: Page, broken_images: Callable[[Page], list[str]]
) -> None:
    page.goto((unpacked / "dl006_gradient_descent.html").as_uri())
    assert broken_images(page) == []
    assert page.locator("article img").count() > 10
    fonts = page.evaluate(FONTS)
    assert fonts
    assert [font for font in fonts if not font.endswith(" loaded")] == []


def test_page_found_by_search_opens(unpacked: Path, page: Page) -> None:
    page.goto((unpacked / "index.html").as_uri())
    page.locator(".md-search__input").click()
    page.keyboard.type("ｼｸﾞﾓｲﾄﾞ")
    # Material は、キーが離されたときに探しはじめる。
    page.keyboard.press("End")
    first = page.locator(".md-search-result__item a").first
    expect(first).to_have_attribute("href", re.compile("/dl003_activations.html"), timeout=30_000)
    first.click()
    expect(page.locator("article h1")).to_contain_text("DL003")


def test_links_are_followed_to_the_next_page_and_to_a_notebook(unpacked: Path, page: Page) -> None:
    page.goto((unpacked / "index.html").as_uri())
    page.locator(".md-footer__link--next").click()
    expect(page.locator("article h1")).to_contain_text("記法")
    page.go_back()
    page.locator("article a", has_text="1_1 順伝播").first.click()
    expect(page.locator("article h1")).to_contain_text("1_1")
    page.locator(".dl-notebook-links a").first.wait_for()


def test_runner_is_honestly_absent(unpacked: Path, page: Page) -> None:
    page.goto((unpacked / "dl003_activations.html").as_uri())
    assert page.locator("article .language-python.highlight").count() > 3
    assert page.locator(".dl-run").count() == 0
    expect(page.locator(".md-copyright")).to_contain_text("コードの実行はできません")
