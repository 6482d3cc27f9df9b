"""日本語の文の改行を整える Markdown 拡張。

原稿は文ごとに改行するが、HTML の改行は空白として表示され、日本語では字の間が空いてしまう。
数式の前後では、ブラウザの禁則が働かず、行の頭に句読点が来てしまう。
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

__all__ = ["JapaneseExtension", "join_lines", "makeExtension"]

_JAPANESE = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
# 句読点と閉じ括弧は字の中に余白を持つので、次が何であっても空白は要らない。
_ENDS_WITH_SPACE = r"[、。」』）】！？：；・]"
# 箇条書きの続きの行では、改行の後に字下げが残る。
_BREAK = r"\n[ \t]*"
_NEWLINE = re.compile(rf"(?<={_ENDS_WITH_SPACE}){_BREAK}|(?<={_JAPANESE}){_BREAK}(?={_JAPANESE})")
# 数式やコードがあることだけを示す一字。前後の空白が改行の続きと見えないようにする。
_OBJECT = "\ufffc"
# これより字の多い式は、括弧まで付けると、狭い画面からはみ出すことがある。
_LONG = 24
# 選択肢の記号とその文、組の中の文字。間の空白では改行しない。
_TOGETHER = re.compile(r"(?<=\([a-eア-エ]\)) |(?<=\([A-Z],) (?=[A-Z]\))")
# 選択肢の「(a) 」も、その式から離さない。
_OPENING = re.compile(r"(?:\([a-eア-エ]\)\s|[（「『【([]+)$")
_CLOSING = re.compile(r"[、。，・：；！？）」』】)\]]+")
_VERBATIM = {"code", "math"}


def join_lines(text: str) -> str:
    """改行で区切られた文を、日本語なら詰め、そうでなければ空白をはさんで一行にします。"""
    return re.sub(r"\s*\n\s*", " ", _NEWLINE.sub("", text))


class _NewlineTreeprocessor(Treeprocessor):
    """要素の境目をまたいで隣りあう文字を見て、改行を除き、離れてはならない字をつなぐ。"""

    def run(self, root: ElementTree.Element) -> None:
        pieces: list[tuple[ElementTree.Element, str, str]] = []
        self._collect(root, pieces)
        # 要素の境目に改行があっても前後の字がわかるよう、一続きの文字列にして位置を調べる。
        whole = "".join(text for _, _, text in pieces)
        drop = {i for match in _NEWLINE.finditer(whole) for i in range(*match.span())}
        start = 0
        for element, place, text in pieces:
            kept = "".join(c for i, c in enumerate(text, start) if i not in drop)
            kept = _TOGETHER.sub("\u00a0", kept) if place else kept
            if kept != text:
                setattr(element, place, kept)
            start += len(text)

    def _collect(
        self, element: ElementTree.Element, pieces: list[tuple[ElementTree.Element, str, str]]
    ) -> None:
        if element.tag in _VERBATIM:
            pieces.append((element, "", _OBJECT))
        else:
            if element.text:
                pieces.append((element, "text", element.text))
            for child in element:
                self._collect(child, pieces)
        if element.tail:
            pieces.append((element, "tail", element.tail))


class _KinsokuTreeprocessor(Treeprocessor):
    """文中の数式と、それに接する括弧と句読点を、改行されないひとまとまりにする。"""

    def run(self, root: ElementTree.Element) -> None:
        for parent in root.iter():
            before, place = parent, "text"
            for child in parent:
                if child.tag == "span" and child.get("class") == "arithmatex":
                    self._join(child, before, place)
                before, place = child, "tail"

    def _join(self, formula: ElementTree.Element, before: ElementTree.Element, place: str) -> None:
        if len("".join(formula.itertext())) > _LONG:
            return
        opening = _OPENING.search(getattr(before, place) or "")
        closing = _CLOSING.match(formula.tail or "")
        if opening:
            setattr(before, place, opening.string[: opening.start()])
            formula.text = opening[0]
        if closing:
            formula.tail = closing.string[closing.end() :]
            formula[-1].tail = closing[0]
        if opening or closing:
            formula.set("class", "dl-together")


class JapaneseExtension(Extension):
    """日本語の文字にはさまれた改行を除き、数式の前後の禁則を守る。"""

    def extendMarkdown(self, md: Markdown) -> None:
        """文中の要素（inline は 20）と数式（18）ができたあとに働く処理を登録します。"""
        md.treeprocessors.register(_NewlineTreeprocessor(md), "dlnotes-japanese", 16)
        md.treeprocessors.register(_KinsokuTreeprocessor(md), "dlnotes-kinsoku", 14)


def makeExtension(**kwargs: Any) -> JapaneseExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return JapaneseExtension(**kwargs)
