"""Chromium で印刷した PDF の本。"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from dlnotes.figures._cover import cover_files
from dlnotes.site import fonts
from dlnotes.site.book import Book, Page, find_chromium, write_pdf

CHAPTERS = {
    "first": '<h1 id="t">第一の章</h1><h2 id="a">はじめの節</h2>'
    '<p><a href="second.xhtml#b">次の節</a></p><pre><code>if x:\n    y = 1</code></pre>',
    "second": '<h1 id="t">第二の章</h1><h2 id="b">あとの節</h2><p>Bishop</p>',
    "wide": '<h1 id="t">広い章</h1><div class="arithmatex"><math display="block"><mrow>'
    f"{'<mi>x</mi><mo>+</mo>' * 30}<mi>e</mi></mrow></math></div><table><tr>"
    f"{'<td><math><mi>wwwwwwwwwwww</mi></math></td>' * 9}</tr></table>"
    '<p class="dl-figure"><img alt="" src="cover.png" width="1218" height="1720"/></p>',
}


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    pages = [
        Page(name, "", article)
        for name, html in CHAPTERS.items()
        if (article := BeautifulSoup(f"<article>{html}</article>", "html.parser").article)
    ]
    files = {
        f"fonts/{n}.woff2": data for n, data in fonts.book_fonts({*str(CHAPTERS), *"目次"}).items()
    }
    math = path.with_name("math.woff2")
    fonts.write_math_font(fonts.math_characters(CHAPTERS["wide"]), path.parent, math)
    files["fonts/math.woff2"] = math.read_bytes()
    files["style.css"] = Path(fonts.__file__).with_name("book.css").read_bytes()
    files |= cover_files("試し", "短い本")
    write_pdf(Book("試し", "短い本", "", pages, files), path, find_chromium(), 1_700_000_000)
    return path.read_bytes()


def test_outline_has_every_chapter_and_section(pdf: bytes) -> None:
    def titles(outline: list[object]) -> list[str]:
        return [
            title
            for entry in outline
            for title in (titles(entry) if isinstance(entry, list) else [entry.title])  # type: ignore[attr-defined]
        ]

    found = titles(PdfReader(BytesIO(pdf)).outline)
    assert found == ["目次", "第一の章", "はじめの節", "第二の章", "あとの節", "広い章"]


def test_contents_give_the_page_of_each_chapter(pdf: bytes) -> None:
    reader = PdfReader(BytesIO(pdf))
    assert len(reader.pages) == 5  # 表紙、目次、三つの章
    lines = reader.pages[1].extract_text().split()
    assert [w for w in lines if w.isdigit()] == ["2", "3", "3", "4", "4", "5"]


def test_every_font_is_embedded(pdf: bytes) -> None:
    pages = PdfReader(BytesIO(pdf)).pages
    fonts = [f.get_object() for p in pages for f in p["/Resources"].get("/Font", {}).values()]
    # 太字だけは字の形を描いた Type 3 になり、その形はフォントの中にある。
    whole = [font for font in fonts if font["/Subtype"] != "/Type3"]
    for font in whole:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert "/FontFile2" in descriptor
    names = {font["/BaseFont"].partition("+")[2] for font in whole}
    assert names == {"IPAexGothic", "DejaVuSansMono", "STIXTwoMath"}


def test_letters_are_set_by_the_widths_of_the_font(pdf: bytes) -> None:
    """画面の画素に丸めた送りでは、語の中が空き、検索で見つからない。"""
    steps: list[float] = []

    def see(operator: bytes, operands: list[float], *_: object) -> None:
        if operator == b"Td":
            steps.append(operands[0])

    assert "Bishop" in PdfReader(BytesIO(pdf)).pages[3].extract_text(visitor_operand_before=see)
    assert [step for step in steps if step % 1]


def test_links_stay_inside_the_book(pdf: bytes) -> None:
    page = PdfReader(BytesIO(pdf)).pages[2]
    links = [a.get_object() for a in page["/Annots"]]
    assert links
    assert all("/Dest" in link for link in links)


def test_indentation_survives_printing(pdf: bytes) -> None:
    text = PdfReader(BytesIO(pdf)).pages[2].extract_text(extraction_mode="layout")
    # 行の初めの位置は、pypdf の版によって一字ほどずれる。
    assert re.search(r"\n( *)if x:\n\1    y = 1", text)


def test_date_is_the_given_one(pdf: bytes) -> None:
    metadata = PdfReader(BytesIO(pdf)).metadata
    assert metadata is not None
    assert metadata["/CreationDate"] == metadata["/ModDate"] == "D:20231114221320+00'00'"


def test_catalogue_for_screen_readers_is_kept_but_compressed(pdf: bytes) -> None:
    catalogue = PdfReader(BytesIO(pdf)).trailer["/Root"]
    assert catalogue["/Lang"] == "ja"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert b"/StructElem" not in pdf


def test_tall_picture_is_made_smaller_without_distortion(pdf: bytes) -> None:
    reader = PdfReader(BytesIO(pdf))
    drawn: list[float] = []

    def see(operator: bytes, _: object, cm: list[float], *__: object) -> None:
        if operator == b"Do":
            drawn.extend([abs(cm[0]), abs(cm[3])])

    reader.pages[4].extract_text(visitor_operand_before=see)
    (picture,) = reader.pages[4].images
    assert picture.image is not None
    width, height = drawn
    assert height == pytest.approx(105 / 25.4 * 72, rel=0.01)
    assert width / height == pytest.approx(picture.image.width / picture.image.height, rel=0.01)


def test_wide_formulas_and_tables_do_not_shrink_the_whole_book(pdf: bytes) -> None:
    scales: set[float] = set()

    def see(text: str, cm: list[float], *_: object) -> None:
        if text.strip():
            scales.add(round(cm[0], 3))

    PdfReader(BytesIO(pdf)).pages[4].extract_text(visitor_text=see)
    # 1 px は 0.75 pt。一つでも紙からはみ出すと、Chromium はすべてのページを縮める。
    assert scales == {0.75}
