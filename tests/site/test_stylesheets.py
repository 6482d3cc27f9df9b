"""スタイルシートから除くのは、どのページにもないものの見た目だけ。"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from dlnotes.site.stylesheets import trim, trim_all

WORDS = frozenset({"a", "b"})


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".a{x:y}", ".a{x:y}"),
        (".z{x:y}", ""),
        (".a .z{x:y}", ""),
        (".a,.z,.b{x:y}", ".a,.b{x:y}"),
        # 括弧の中の、知らない class は、なくてもあてはまる。
        (".a:not(.z),.a:is(.b,.z){x:y}", ".a:not(.z),.a:is(.b,.z){x:y}"),
        ("@media print{.z{x:y}}", ""),
        ("@media print{.z{x:y}.a{x:y}}", "@media print{.a{x:y}}"),
        ("@font-face{src:url(z)}", "@font-face{src:url(z)}"),
        ("/* い */.a{/* ろ */x: y\n  z}", ".a{x: y z}"),
        ('.a{content:".z,.z"}', '.a{content:".z,.z"}'),
        ("[data-md-color-switching] *{x:y}", ""),
        ("p table:not([class])+*{x:y}", ""),
        ("p table:not([class]) td{x:y}", "p table:not(._) td{x:y}"),
        (".z::-x,.a{x:y}", ".z::-x,.a{x:y}"),
        ("@layer c{.z{x:y}}", "@layer c{.z{x:y}}"),
        (r".z\:b{x:y}", r".z\:b{x:y}"),
    ],
)
def test_only_what_can_match_is_kept(css: str, kept: str) -> None:
    assert trim(css, WORDS) == kept


@pytest.mark.parametrize("css", ["p{x:y}\nfoo", '\n.a{x:"q\n}', "\n.a", "@media print{\n.a}"])
def test_fault_is_named_with_its_line(css: str) -> None:
    with pytest.raises(ValueError, match=r"^2 行目に文法の誤りがあります"):
        trim(css, WORDS)


def test_classes_of_pages_and_words_of_scripts_are_kept(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text(
        '<p class="one two">four</p><b class=three><script>six</script>'
    )
    (assets / "x.js").write_text('node.classList.add("five")')
    names = ["one", "two", "three", "four", "five", "six"]
    (assets / "x.css").write_text("".join(f".{name}{{x:y}}" for name in names))
    trim_all(tmp_path, "")
    assert (assets / "x.css").read_text() == ".one{x:y}.two{x:y}.three{x:y}.five{x:y}.six{x:y}"


def test_style_comes_back_when_a_page_begins_to_use_it(tmp_path: Path) -> None:
    page, sheet = tmp_path / "index.html", tmp_path / "assets" / "x.css"
    sheet.parent.mkdir()
    kept = []
    for name in ("one", "two"):
        page.write_text(f"<p class={name}>")
        sheet.write_text(".one{x:y}.two{x:y}")
        trim_all(tmp_path, "")
        kept.append(sheet.read_text())
    assert kept == [".one{x:y}", ".two{x:y}"]


def test_site_keeps_its_own_styles_and_loses_those_of_parts_it_does_not_have(site: Path) -> None:
    (theme,) = (path.read_text("utf-8") for path in site.glob("assets/stylesheets/main.*.css"))
    assert "tabbed-set" not in theme
    ours = (site / "assets" / "dlnotes.css").read_text("utf-8")
    made_by_scripts = {
        theme: "md-search-result__item md-code__button md-dialog--active md-nav__link--active",
        ours: "dl-run dl-can-run dl-definition dl-mark dl-slider__control language-text",
    }
    for css, names in made_by_scripts.items():
        for name in names.split():
            assert re.search(rf"\.{name}(?![\w-])", css), name
    assert ":not([class])" not in theme + ours


def test_sheets_named_by_their_content_are_named_anew(site: Path) -> None:
    """ブラウザは、同じ名前のものを一年、尋ね直さずに使う。"""
    sheets = sorted(site.glob("assets/stylesheets/*.css"))
    assert len(sheets) == 2
    for sheet in sheets:
        assert sheet.name.split(".")[1] == hashlib.sha256(sheet.read_bytes()).hexdigest()[:8]
    for page in site.rglob("*.html"):
        html = page.read_text("utf-8")
        assert all(f"stylesheets/{sheet.name}" in html for sheet in sheets), page


def test_every_table_is_wrapped_before_it_reaches_the_reader(site: Path) -> None:
    """class のない表があると、囲みを Material が作り、ページのすべての見た目が決め直される。"""
    tables = [
        table
        for page in sorted(site.rglob("*.html"))
        for table in BeautifulSoup(page.read_text("utf-8"), "html.parser").find_all("table")
    ]
    assert tables
    for table in tables:
        assert table["class"]
        assert table.parent["class"] == ["md-typeset__table"]
        assert table.parent.parent["class"] == ["md-typeset__scrollwrap"]


def test_lines_under_words_are_written_as_safari_reads_them() -> None:
    """WebKit は、線の形や太さを並べた text-decoration を、まるごと読み捨てる。"""
    css = Path("src/dlnotes/site/theme/assets/dlnotes.css").read_text(encoding="utf-8")
    written = re.findall(r"text-decoration:([^;]*);", css)
    assert [value for value in written if len(value.split()) > 1] == []
