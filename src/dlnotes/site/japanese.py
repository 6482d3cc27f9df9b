"""日本語の文の途中にある改行を除く Markdown 拡張。

原稿は文ごとに改行するが、HTML の改行は空白として表示され、日本語では字の間が空いてしまう。
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
_VERBATIM = {"pre", "code", "math", "script", "style", "textarea"}


def join_lines(text: str) -> str:
    """改行で区切られた文を、日本語なら詰め、そうでなければ空白をはさんで一行にします。"""
    return re.sub(r"\s*\n\s*", " ", _NEWLINE.sub("", text))


class _NewlineTreeprocessor(Treeprocessor):
    """要素の境目をまたいで隣りあう文字を見て、改行を除く。"""

    def run(self, root: ElementTree.Element) -> None:
        pieces: list[tuple[ElementTree.Element, str, str]] = []
        self._collect(root, pieces)
        # 要素の境目に改行があっても前後の字がわかるよう、一続きの文字列にして位置を調べる。
        whole = "".join(text for _, _, text in pieces)
        drop = {i for match in _NEWLINE.finditer(whole) for i in range(*match.span())}
        start = 0
        for element, place, text in pieces:
            kept = "".join(c for i, c in enumerate(text, start) if i not in drop)
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


class JapaneseExtension(Extension):
    """日本語の文字にはさまれた改行を除く。"""

    def extendMarkdown(self, md: Markdown) -> None:
        """文中の要素ができたあと（inline は 20）に働く処理を登録します。"""
        md.treeprocessors.register(_NewlineTreeprocessor(md), "dlnotes-japanese", 16)


def makeExtension(**kwargs: Any) -> JapaneseExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return JapaneseExtension(**kwargs)
