"""用語集のデータ、用語集のページ、題目のページに付ける印。"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import markdown
import pytest
from bs4 import BeautifulSoup

from dlnotes.site.glossary import DATA, MARKER, Term, read_terms, search_words, sort_key

TERMS = read_terms()
TWO = """[[terms]]
ja = "勾配"
yomi = "こうばい"
en = "gradient"
definition = "傾きです。"
link = "dl006_3d.md"

[[terms]]
ja = "勾配降下法"
yomi = "こうばいこうかほう"
en = "gradient descent"
definition = "下る方法です。"
variants = ["最急降下法"]
link = "dl006_x.md#a"

[[terms]]
ja = "ReLU"
yomi = "れる"
en = "rectified linear unit"
definition = "折れ線です。"
variants = ["ReLU関数"]
link = "notation.md"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "terms.toml"
    path.write_text(TWO, encoding="utf-8")
    return path


def render(text: str, data: Path = DATA) -> BeautifulSoup:
    extensions = ["attr_list", "admonition", "md_in_html", "pymdownx.details", "toc"]
    options = {"dlnotes.site.glossary": {"data": str(data)}}
    html = markdown.markdown(
        text, extensions=[*extensions, "dlnotes.site.glossary"], extension_configs=options
    )
    return BeautifulSoup(html, "html.parser")


def marks(text: str, data: Path) -> list[str]:
    return [mark.get_text() for mark in render(f"# DL001 題\n\n{text}", data).select("a.dl-term")]


# --- データ ---------------------------------------------------------------------------


def test_no_word_is_listed_twice() -> None:
    words = Counter(word for term in TERMS for word in (term.ja, *term.variants))
    assert [word for word, times in words.items() if times > 1] == []
    anchors = Counter(term.anchor for term in TERMS)
    assert [name for name, times in anchors.items() if times > 1] == []


def test_reading_is_hiragana() -> None:
    assert [term.ja for term in TERMS if not re.fullmatch("[ぁ-ゖー]+", term.yomi)] == []


def test_definition_is_one_polite_sentence() -> None:
    sentence = re.compile(r"[^。！？\n]{1,68}(です|ます|ません)。")
    assert [t.definition for t in TERMS if not sentence.fullmatch(t.definition)] == []


def test_every_term_has_an_english_name() -> None:
    assert [term.ja for term in TERMS if not re.fullmatch(r"[A-Za-z][A-Za-z–' -]+", term.en)] == []


def test_term_or_a_variant_occurs_on_the_page_that_teaches_it(site: Path) -> None:
    pages = {term.link.partition("#")[0]: "" for term in TERMS}
    for name in pages:
        html = (site / name.removesuffix(".md") / "index.html").read_text(encoding="utf-8")
        article = BeautifulSoup(html, "html.parser").article
        assert article is not None
        pages[name] = article.get_text()
    absent = [
        term.ja
        for term in TERMS
        if not any(word in pages[term.link.partition("#")[0]] for word in (term.ja, *term.variants))
    ]
    assert absent == [], f"教えるページに出てこない用語です: {absent}"


def test_every_topic_page_teaches_some_term() -> None:
    taught = {term.link.partition("#")[0] for term in TERMS}
    silent = {path.name for path in Path("docs").glob("dl0*.md")} - taught
    assert silent == set(), f"glossary.toml に、このページで教える用語がありません: {silent}"


def test_entry_with_a_missing_field_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text('[[terms]]\nja = "勾配"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="用語集の「勾配」の項目に過不足"):
        read_terms(path)


@pytest.mark.parametrize(
    ("first", "second"),
    [("かく", "がくしゅう"), ("がくしゅう", "きく"), ("しゃく", "しやすい"), ("でーた", "でき")],
)
def test_order_ignores_voicing_small_kana_and_long_vowels(first: str, second: str) -> None:
    one, two = (Term("字", yomi, "x", "x", "x") for yomi in (first, second))
    assert sort_key(one) < sort_key(two)


def test_latin_terms_are_in_the_order_of_the_alphabet() -> None:
    latin = [term.ja.lower() for term in TERMS if term.ja[0].isascii()]
    assert latin == sorted(latin)


# --- 用語集のページ -------------------------------------------------------------------


def test_marker_becomes_rows_of_entries(data: Path) -> None:
    soup = render(f"# 用語集\n\n{MARKER}\n", data)
    titles = [h.get_text() for h in soup.select("h2, h3")]
    assert titles == ["か行", "勾配", "勾配降下法", "A–Z", "ReLU"]
    assert [a["href"] for a in soup.select(".dl-jump a")] == ["#row-か", "#row-latin"]
    entry = soup.find(id="勾配降下法")
    assert entry is not None
    note, definition = entry.find_next_siblings("p")[:2]
    assert note.get_text() == "こうばいこうかほう・gradient descent別の言い方: 最急降下法"
    assert definition.get_text() == "下る方法です。（DL006）"


def test_rows_of_the_page_are_in_order_and_reach_every_term(site: Path) -> None:
    html = (site / "glossary" / "index.html").read_text(encoding="utf-8")
    article = BeautifulSoup(html, "html.parser").article
    assert article is not None
    rows = [a.get_text() for a in article.select(".dl-jump a")]
    assert rows == [row for row in [*"あかさたなはまやらわ", "A–Z"] if row in rows]
    ids = [str(h["id"]) for h in article.select("h3")]
    assert ids == [term.anchor for term in TERMS]
    keys = [sort_key(term) for term in TERMS if not term.ja[0].isascii()]
    assert all(one <= two for one, two in pairwise(keys))


def test_contents_at_the_side_hold_rows_but_no_terms(site: Path) -> None:
    html = (site / "glossary" / "index.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(html, "html.parser")
    links = {str(a["href"]) for a in soup.select(".md-nav--secondary a")}
    assert "#row-か" in links
    assert not links & {f"#{term.anchor}" for term in TERMS}


# --- 題目のページの印 -----------------------------------------------------------------


def test_first_use_links_to_the_glossary_and_holds_the_definition_once(data: Path) -> None:
    soup = render("# DL001 題\n\n**勾配**を見る。勾配を使う。\n", data)
    (mark,) = soup.select("a.dl-term")
    assert mark["href"] == "glossary.md#勾配"
    assert mark["data-definition"] == "勾配（gradient）: 傾きです。"
    assert str(soup).count("傾きです") == 1
    assert soup.get_text().strip() == "DL001 題\n勾配を見る。勾配を使う。"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("勾配降下法は勾配を使う。", ["勾配降下法", "勾配"]),
        ("最急降下法と勾配降下法。", ["最急降下法"]),
        ("誤差勾配と勾配消失。", []),
        ("LeakyReLU と ReLU6。", []),
        ("ReLU関数の話。", ["ReLU関数"]),
        ("ReLUと勾配の話。", ["ReLU", "勾配"]),
        ("- 勾配", ["勾配"]),
        ('!!! note "勾配"\n    ReLU を。', ["ReLU"]),
    ],
)
def test_longest_whole_words_are_marked(text: str, found: list[str], data: Path) -> None:
    assert marks(text, data) == found


@pytest.mark.parametrize(
    "text",
    [
        "## 勾配",
        "`勾配`",
        "    勾配",
        "[勾配](a.md)",
        '??? question "勾配"\n    勾配',
        '!!! correction "訂正"\n    勾配',
        "## 確認テスト\n\n勾配",
    ],
)
def test_headings_code_links_and_answers_are_left_alone(text: str, data: Path) -> None:
    assert marks(text, data) == []


def test_page_that_teaches_the_term_is_left_alone(data: Path) -> None:
    for title in ("DL006 題", "記法", "DL006"):
        assert render(f"# {title}\n\n勾配。\n", data).select("a.dl-term") == []
    assert len(render("# DL000_1 題\n\n勾配。\n", data).select("a.dl-term")) == 1


def test_state_of_one_page_does_not_leak_into_the_next(data: Path) -> None:
    options = {"dlnotes.site.glossary": {"data": str(data)}}
    md = markdown.Markdown(extensions=["dlnotes.site.glossary"], extension_configs=options)
    pages = [md.reset().convert("# DL001 題\n\n勾配。") for _ in range(2)]
    assert [html.count("dl-term") for html in pages] == [1, 1]


def test_every_topic_page_has_marks(site: Path) -> None:
    counts = {
        path.parent.name: path.read_text(encoding="utf-8").count("class=dl-term")
        for path in site.glob("dl0*/index.html")
    }
    assert len(counts) == len(list(Path("docs").glob("dl0*.md")))
    assert all(counts.values()), counts


def test_definitions_are_indexed_on_the_glossary_only(site: Path) -> None:
    path = site / "search" / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    with_definition = {
        entry["location"].partition("#")[0]
        for entry in index["docs"]
        for term in TERMS
        if term.definition in entry["text"]
    }
    assert with_definition == {"glossary/"}


def test_every_section_the_glossary_points_to_is_indexed_with_all_words(site: Path) -> None:
    index = json.loads((site / "search" / "index.json").read_text(encoding="utf-8"))
    tags = {entry["location"]: set(entry.get("tags", [])) for entry in index["docs"]}
    missing = {
        place: set(words) - tags.get(place, set()) for place, words in search_words().items()
    }
    assert {place: words for place, words in missing.items() if words} == {}
