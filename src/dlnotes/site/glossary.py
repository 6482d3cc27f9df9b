"""用語集を一つのデータから作り、題目のページの初出の用語に説明を付ける Markdown 拡張。"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor
from pymdownx.slugs import slugify

from dlnotes.site import marker

__all__ = ["GlossaryExtension", "Term", "makeExtension", "read_terms", "search_words", "sort_key"]

DATA = Path(__file__).with_suffix(".toml")
MARKER = "[[用語集]]"
PAGE = "glossary.md"
_ROWS = "あかさたなはまやらわ"
_LATIN = "A–Z"
_slug = slugify(case="lower")
_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎ", "あいうえおつやゆよわ")
_VOWELS = {
    "あ": "あかさたなはまやらわ",
    "い": "いきしちにひみり",
    "う": "うくすつぬふむゆる",
    "え": "えけせてねへめれ",
    "お": "おこそとのほもよろを",
}
_VOWEL = {kana: vowel for vowel, kanas in _VOWELS.items() for kana in kanas}
_CODE = re.compile(r"DL\d+(_\d)?(?![0-9A-Z])")
# 同じ種類の字が続くところは、長い言葉の途中かもしれないので、用語の端とみない。
_KINDS = (r"[\u3400-\u9fff々]", r"[\u30a1-\u30ffー]", r"[A-Za-z0-9]")
_PROSE = {"p", "li"}
# 中の用語に印を付けない要素とクラス。
_CLOSED = {"a", "code", "math", "details"}
_QUIET = {"admonition-title", "correction"}
# ここから先は、本文で一度読んだ用語しか出ない。
_LAST = "確認テスト"


@dataclass(frozen=True)
class Term:
    """用語ひとつ。

    Attributes:
        ja: 見出しの言葉。
        yomi: ひらがなの読み。並べる順を決めます。
        en: 英語。
        definition: 一文の説明。
        link: 教えている原稿と節。`dl003_activations.md#relu` の形。
        variants: 同じものを指すほかの言い方。
    """

    ja: str
    yomi: str
    en: str
    definition: str
    link: str
    variants: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """用語集のページの中での場所。"""
        return str(_slug(self.ja, "-"))

    @property
    def row(self) -> str:
        """索引の行。英字で始まる言葉は A–Z。"""
        if self.ja[0].isascii():
            return _LATIN
        return max(kana for kana in _ROWS if kana <= sort_key(self)[0])

    @property
    def code(self) -> str:
        """教えているページの題目の番号。題目でなければ「記法」。"""
        match = _CODE.match(self.link.upper())
        return match[0] if match else "記法"


def read_terms(data: Path = DATA) -> list[Term]:
    """用語を、索引の順に並べて読みます。

    Args:
        data: 用語集のデータ（TOML）。

    Raises:
        ValueError: 項目が足りないか、余分なとき。どの用語かを言います。
    """
    return list(_parse(data.read_text(encoding="utf-8")))


# ページごとに拡張が作られるので、同じデータを一度だけ調べる。
@cache
def _parse(text: str) -> tuple[Term, ...]:
    try:
        entries = tomllib.loads(text)["terms"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"用語集の glossary.toml を読めません: {error}") from error
    terms = []
    needed = {field.name for field in fields(Term)} - {"variants"}
    for entry in entries:
        lacking = sorted(key for key in needed if not entry.get(key))
        unknown = sorted(entry.keys() - needed - {"variants"})
        if lacking or unknown:
            raise ValueError(
                f"用語集の「{entry.get('ja')}」の項目に過不足があります"
                f"（ないか空: {lacking}、知らない: {unknown}）"
            )
        terms.append(Term(**entry | {"variants": tuple(entry.get("variants", ()))}))
    return tuple(sorted(terms, key=lambda term: (term.row == _LATIN, sort_key(term))))


def search_words() -> dict[str, list[str]]:
    """検索の索引での節の住所から、そこで教える用語のすべての言い方への対応です。"""
    words: dict[str, list[str]] = {}
    for term in read_terms():
        section = words.setdefault(term.link.replace(".md", "/", 1), [])
        section += dict.fromkeys([term.ja, *term.variants, term.en])
    return words


def sort_key(term: Term) -> str:
    """五十音の順に並べるための文字列。濁点を除き、小さい字を大きくし、長音を母音にします。"""
    if term.ja[0].isascii():
        return term.ja.lower()
    plain = unicodedata.normalize("NFD", term.yomi).translate(_SMALL)
    key = ""
    for kana in plain:
        if kana == "ー":
            key += _VOWEL.get(key[-1:], "")
        elif not unicodedata.combining(kana):
            key += kana
    return key


def _page(terms: list[Term]) -> Iterator[str]:
    """用語集のページの、行ごとの見出しと用語の節。"""
    rows = [(row, list(terms)) for row, terms in groupby(terms, key=lambda t: t.row)]
    links = " ".join(f"[{row}](#{_heading(row)})" for row, _ in rows)
    yield f"{links}\n{{ .dl-jump }}\n"
    for row, terms in rows:
        yield f"## {row if row == _LATIN else f'{row}行'} {{ #{_heading(row)} }}\n"
        for term in terms:
            yield from _entry(term)


def _entry(term: Term) -> Iterator[str]:
    yield f"### {term.ja} {{ #{term.anchor} .dl-entry }}\n"
    note = f'{term.yomi}・<span lang="en">{term.en}</span>'
    if term.variants:
        note += f"<br>別の言い方: {'、'.join(term.variants)}"
    yield f"{note}\n{{ .dl-entry-note }}\n"
    yield f"{term.definition}（[{term.code}]({term.link})）\n"


class _ShortContents(Treeprocessor):
    """目次に出すのは行までとし、用語は出さない。"""

    def __init__(self, md: Markdown, terms: list[Term]) -> None:
        super().__init__(md)
        self.anchors = {term.anchor for term in terms}

    def run(self, root: ElementTree.Element) -> None:
        for title in getattr(self.md, "toc_tokens", []):
            for row in title["children"]:
                if any(token["id"] in self.anchors for token in row["children"]):
                    row["children"] = []


class _Marks(Treeprocessor):
    """題目のページの本文で、ほかのページが教える用語の初出に、用語集へのリンクを付ける。"""

    def __init__(self, md: Markdown, terms: list[Term]) -> None:
        super().__init__(md)
        self.forms = {form: term for term in terms for form in (*term.variants, term.ja)}
        self.seen: set[Term] = set()

    # 組むのに一秒ほどかかるので、印を付けるページがあるときだけにする。
    @cached_property
    def pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.forms, key=len, reverse=True)
        return re.compile("|".join(map(_whole_word, longest_first)))

    def run(self, root: ElementTree.Element) -> None:
        code = _CODE.match(_text(root.find("h1")))
        if code is None:
            return
        self.seen = {term for term in self.forms.values() if term.code == code[0]}
        for block in list(root):
            if block.tag == "h2" and _text(block) == _LAST:
                break
            self._walk(block, prose=False)

    def _walk(self, element: ElementTree.Element, *, prose: bool) -> None:
        if element.tag in _CLOSED or _QUIET & set(element.get("class", "").split()):
            return
        prose = prose or element.tag in _PROSE
        children = list(element)
        if prose and element.text:
            element.text, marks = self._mark(element.text)
            element[:0] = marks
        for child in children:
            self._walk(child, prose=prose)
            if prose and child.tail:
                child.tail, marks = self._mark(child.tail)
                place = list(element).index(child) + 1
                element[place:place] = marks

    def _mark(self, text: str) -> tuple[str, list[ElementTree.Element]]:
        """文を、はじめの印までの字と、後ろの字を連れた印に分ける。"""
        before, marks, end = text, list[ElementTree.Element](), 0
        for match in self.pattern.finditer(text):
            term = self.forms[match[0]]
            if term in self.seen:
                continue
            self.seen.add(term)
            if marks:
                marks[-1].tail = text[end : match.start()]
            else:
                before = text[: match.start()]
            end = match.end()
            marks.append(_link(term, match[0]))
            marks[-1].tail = text[end:]
        return before, marks


def _link(term: Term, form: str) -> ElementTree.Element:
    # 説明は属性に一度だけ書く。検索の索引にも、写した文にも入らない。
    definition = f"{term.ja}（{term.en}）: {term.definition}"
    attributes = {"class": "dl-term", "href": f"{PAGE}#{term.anchor}"}
    link = ElementTree.Element("a", attributes | {"data-definition": definition})
    link.text = form
    return link


def _text(element: ElementTree.Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


def _whole_word(form: str) -> str:
    """長い言葉の一部には当たらない正規表現。"""
    pattern = re.escape(form)
    for kind in _KINDS:
        if re.match(kind, form[0]):
            pattern = f"(?<!{kind}){pattern}"
        if re.match(kind, form[-1]):
            pattern = f"{pattern}(?!{kind})"
    return pattern


def _heading(row: str) -> str:
    return "row-latin" if row == _LATIN else f"row-{row}"


class GlossaryExtension(Extension):
    """`[[用語集]]` の行を用語集にし、題目のページの用語に説明を付ける。"""

    def __init__(self, **kwargs: Any) -> None:
        self.config = {"data": [str(DATA), "用語集のデータ"]}
        super().__init__(**kwargs)

    def extendMarkdown(self, md: Markdown) -> None:
        """用語集のページを作る処理と、文ができたあとに印を付ける処理を登録します。"""
        terms = read_terms(Path(self.getConfig("data")))
        marker.fill(md, "dlnotes-glossary", MARKER, lambda: _page(terms))
        # 文の中の改行を除いた（16）後、目次（5）の前。リンクの行き先は後（0）で決まる。
        md.treeprocessors.register(_Marks(md, terms), "dlnotes-glossary-marks", 12)
        # 目次ができた（5）後。
        md.treeprocessors.register(_ShortContents(md, terms), "dlnotes-glossary-contents", 4)


def makeExtension(**kwargs: Any) -> GlossaryExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return GlossaryExtension(**kwargs)
