"""原稿と、できあがったサイトのページ。"""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag

from dlnotes.figures import _build, _style

HOME = os.environ.get("DLNOTES_URL", "https://example.com/dlnotes/")
# 読む人にはコードや数式として見える場所。
VERBATIM = {"code", "pre", "math", "script", "style"}
# 自分からほかのファイルを取りにいく要素と、その場所を書く属性。
FETCHING = {"script": "src", "img": "src", "source": "src", "iframe": "src", "object": "data"}


@cache
def read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def places(page: Path) -> set[str]:
    return {str(element["id"]) for element in read(page).find_all(id=True)}


@pytest.fixture
def soup(site: Path, url: str) -> BeautifulSoup:
    return read(site / url / "index.html")


@pytest.fixture
def article(soup: BeautifulSoup) -> Tag:
    (article,) = soup.find_all("article")
    return article


def public_names() -> Iterator[str]:
    """数値の部分のすべてのモジュールの `__all__`。"""
    for module in sorted(Path("src/dlnotes").glob("[!_]*.py")):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names: list[str] = ast.literal_eval(node.value)
                yield from (f"dlnotes.{module.stem}.{name}" for name in names)


def words(tag: Tag) -> Iterator[str]:
    """コードと数式のほかの、読む人に見える字。"""
    for text in tag.find_all(string=True):
        if type(text) is NavigableString and not VERBATIM & {p.name for p in text.parents}:
            yield text
    for element in tag.find_all(True):
        if element.name not in VERBATIM:
            yield from (str(element[name]) for name in ("alt", "title") if element.has_attr(name))


def links(soup: BeautifulSoup) -> Iterator[str]:
    yield from (str(a["href"]) for a in soup.find_all("a", href=True))


# --- 原稿 -----------------------------------------------------------------------------


def test_every_public_name_stands_on_exactly_one_page() -> None:
    text = "\n".join(p.read_text(encoding="utf-8") for p in sorted(Path("docs").rglob("*.md")))
    shown = Counter(re.findall(r"^\s*::: (dlnotes\.\S+)", text, re.MULTILINE))
    public = set(public_names())
    missing = sorted(public - set(shown))
    doubled = sorted(name for name, times in shown.items() if times > 1)
    private = sorted(set(shown) - public)
    assert {"missing": missing, "doubled": doubled, "private": private} == {
        "missing": [],
        "doubled": [],
        "private": [],
    }


def test_every_figure_stands_on_the_page_of_its_name() -> None:
    shown = {
        (page.stem, figure)
        for page in [*Path("docs").rglob("*.md"), *Path("docs").rglob("*.ipynb")]
        for figure in re.findall(r"figures/([\w/]+)\.svg", page.read_text(encoding="utf-8"))
    }
    drawn = {(d.stem, f"{d.stem}/{d.name}") for d in _build.register()}
    assert drawn - shown == set()


# --- できあがったページ ---------------------------------------------------------------


def test_headings_have_ids_a_person_can_read(article: Tag) -> None:
    ids = [str(h.get("id", "")) for h in article.find_all(re.compile("^h[1-6]$"))]
    assert ids
    assert [name for name in ids if not re.search(r"[^\W\d_]", name)] == []


def test_page_has_one_title(article: Tag) -> None:
    titles = [h.get_text() for h in article.find_all("h1")]
    assert len(titles) == 1, f"題が一つではありません（冒頭の --- の間を読めないときも）: {titles}"


def test_no_markup_is_left_as_text(article: Tag) -> None:
    left = re.compile(r"\$|\*\*|:::|\\[A-Za-z(\[]|\]\(|^```|!!! |\?\?\? |\{ ?[.#:]")
    assert [text.strip() for text in words(article) if left.search(text)] == []


def test_every_image_keeps_its_place_before_it_arrives(article: Tag) -> None:
    """大きさのない図が後から広がると、見出しへのリンクが別の場所を見せる。"""
    images = article.find_all("img")
    assert [str(i) for i in images if not (i.get("width") and i.get("height"))] == []


def test_every_image_has_alternative_text(soup: BeautifulSoup) -> None:
    assert [str(i) for i in soup.find_all("img") if not str(i.get("alt", "")).strip()] == []


def test_links_lead_to_a_page_and_a_heading_that_exist(
    site: Path, url: str, soup: BeautifulSoup
) -> None:
    dead = []
    for href in links(soup):
        target = urljoin(HOME + url, href)
        if not target.startswith(HOME):
            # よその site へのリンクは、たどらずに形だけを見る。
            dead += [] if re.match(r"https?://[\w-]+(\.[\w-]+)+", target) else [href]
            continue
        place = urlsplit(target)
        path = site / unquote(place.path).removeprefix("/dlnotes/")
        path = path / "index.html" if place.path.endswith("/") else path
        name = unquote(place.fragment)
        if not path.is_file() or (name and name not in places(path)):
            dead.append(href)
    assert dead == []


def test_page_fetches_nothing_from_elsewhere(site: Path, url: str, soup: BeautifulSoup) -> None:
    wanted = [
        str(tag[name]) for element, name in FETCHING.items() for tag in soup.find_all(element)
        if tag.has_attr(name)
    ]  # fmt: skip
    # 正式な住所（canonical）は、取りにいくものではない。
    heads = [tag for tag in soup.find_all("link") if "canonical" not in tag["rel"]]
    wanted += [str(tag["href"]) for tag in heads]
    targets = [urljoin(HOME + url, place) for place in wanted]
    assert [t for t in targets if not t.startswith((HOME, "data:"))] == []
    paths = [unquote(urlsplit(t).path).removeprefix("/dlnotes/") for t in targets if HOME in t]
    assert [p for p in paths if not (site / p).exists()] == []


def test_style_sheets_fetch_nothing_from_elsewhere(site: Path) -> None:
    sheets = "".join(p.read_text(encoding="utf-8") for p in site.rglob("*.css"))
    wanted = re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")]+)", sheets)
    assert wanted
    assert [w for w in wanted if re.match(r"(\w+:)?//", w)] == []


def test_notebook_page_is_light(site: Path) -> None:
    """mkdocs-jupyter のままなら、一枚が 600 kB を超える。"""
    sizes = {p.parent.name: p.stat().st_size for p in site.glob("notebooks/*/index.html")}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > 60_000} == {}


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = Path("docs/index.md").read_text(encoding="utf-8").partition("## ページの一覧")[2]
    names = [path.relative_to("docs").as_posix() for path in Path("docs").rglob("*.*")]
    pages = [name for name in names if name.endswith((".md", ".ipynb")) and name != "index.md"]
    missing = [name for name in pages if f"]({name}): " not in listed]
    assert missing == [], f"docs/index.md の「ページの一覧」にありません: {missing}"


@pytest.mark.usefixtures("strict_build")
def test_figures_take_their_colours_from_the_style() -> None:
    lights = [light for drawing in _build.register() for light in drawing.lights]
    drawn = {str(light): Path(".cache/figures", light).read_text("utf-8") for light in lights}
    strange = {
        name: set(re.findall(r"#[0-9a-f]{6}\b", svg)) - set(_style._DARK)
        for name, svg in drawn.items()
    }
    strange = {name: colours for name, colours in strange.items() if colours}
    assert strange == {}, f"figures/_style.py にない色です: {strange}"


# 題目でないページ。
OTHERS = {
    *("about", "corrections", "course_functions", "glossary", "index", "notation", "quiz"),
    *("reading_code", "syllabus"),
}


def test_every_other_page_is_a_topic_named_by_its_number() -> None:
    """題目だけを調べるテストは、dl0 で始まる名前で題目を見つける。"""
    stems = {path.stem for path in Path("docs").glob("*.md")} - OTHERS
    strange = sorted(stem for stem in stems if not re.fullmatch(r"dl0\d\d(_\d)?_[a-z_]+", stem))
    assert strange == [], f"題目のページの名前は、dl011_topic.md の形にしてください: {strange}"


TOPICS = pytest.mark.parametrize("stem", sorted(p.stem for p in Path("docs").glob("dl0*.md")))


@TOPICS
def test_code_of_a_topic_is_short_enough_to_read(site: Path, stem: str) -> None:
    page = read(site / stem / "index.html")
    blocks = [b for b in page.select(".language-python") if not b.find_parent(class_="doc-object")]
    texts = [block.get_text() for block in blocks]
    assert [t for t in texts if sum(bool(line.strip()) for line in t.splitlines()) > 15] == []


@TOPICS
def test_no_sentence_of_a_docstring_is_cut_into_two_items(site: Path, stem: str) -> None:
    """Google の書き方では、字下げのない続きの行が、別の項目になる。"""
    items = read(site / stem / "index.html").select(".dl-details li")
    assert [i.get_text() for i in items if not i.get_text().strip().endswith(("。", "）"))] == []


@TOPICS
def test_topic_page_has_its_fixed_parts(site: Path, stem: str) -> None:
    article = read(site / stem / "index.html").article
    assert article is not None
    titles = article.select("h2, h3, .admonition-title, summary")
    have = "\n".join(title.get_text() for title in titles)
    assert [part for part in ("要点", "確認テスト", "出典") if part not in have] == []
